"""Recognisers: text in, findings out. Used by the daemon to classify and by the agent to check for itself."""

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.finding import Finding
from ringfence.recognize.policy import DEFAULT, TEMPLATES, Policy
from ringfence.recognize.recogniser import Recogniser, Scan, load, residual
from ringfence.recognize.reserved import is_reserved
from ringfence.recognize.stages import Stages, shipped

__all__ = [
    "DEFAULT",
    "ENTITIES",
    "TEMPLATES",
    "Finding",
    "Policy",
    "Recogniser",
    "Scan",
    "Stages",
    "is_reserved",
    "load",
    "residual",
    "shipped",
]
