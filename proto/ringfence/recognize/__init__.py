"""Recognisers: text in, findings out. Used by the daemon to classify and by the agent to check for itself."""

from ringfence.recognize.entities import ENTITIES, label_of
from ringfence.recognize.finding import Finding
from ringfence.recognize.recogniser import Recogniser, Scan, load, residual
from ringfence.recognize.reserved import is_reserved

__all__ = ["ENTITIES", "Finding", "Recogniser", "Scan", "is_reserved", "label_of", "load", "residual"]
