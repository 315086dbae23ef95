"""A finding: one detected span."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One detected span of a text. It never carries the text itself, so it may be logged and sent."""

    start: int
    """First character, in code points of the original text."""
    end: int
    """One past the last character, in code points of the original text."""
    entity_type: str
    """What it is, for example ``PERSON`` or ``IBAN``; a key of `ringfence.recognize.entities.ENTITIES`."""
    score: float
    """Confidence from 0 to 1."""
    recogniser: str
    """Which recogniser found it, for example ``pattern:iban``."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a span."""
        if not 0 <= self.start < self.end:
            raise ValueError(f"a finding's span must be non-empty, got {self.start}..{self.end}")
