"""The values that others wire: what goes into learning, and what comes out."""

from __future__ import annotations

from ringfenced.learn.learned import Learned, Rated
from ringfenced.learn.outcome import BadState, Features, Outcome

__all__ = ["BadState", "Features", "Learned", "Outcome", "Rated"]
