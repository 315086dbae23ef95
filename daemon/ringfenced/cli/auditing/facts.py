"""What a SIEM wants to know and no entry says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VENDOR: Final = "Ringfence"
PRODUCT: Final = "ringfence-agent"
"""Who observed what is told."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The same for every entry of an export."""

    version: str
    """Version of the program that exports."""
    host: str
    """Name of the machine that exports."""
    origin: str
    """Name of the log."""
