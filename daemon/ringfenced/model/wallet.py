"""What a request costs, and who pays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wallet:
    """A department's credits."""

    department: str
    granted_microcredits: int
    spent_microcredits: int
    held_microcredits: int

    @property
    def available_microcredits(self) -> int:
        """What a new hold may take."""
        return self.granted_microcredits - self.spent_microcredits - self.held_microcredits
