"""What a request costs, and who pays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wallet:
    """A department's credits."""

    department: str
    """Whose it is."""
    granted_microcredits: int
    """Granted in all."""
    spent_microcredits: int
    """Booked for what ran."""
    held_microcredits: int
    """Reserved for what runs now."""

    @property
    def available_microcredits(self) -> int:
        """What a new hold may take."""
        return self.granted_microcredits - self.spent_microcredits - self.held_microcredits
