"""How far what was planned was from what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ringfenced.weights.dryrun import DeviceUse


@dataclass(frozen=True, slots=True)
class Comparison:
    """Plan and measurement of one device."""

    device: str
    """Which."""
    planned_bytes: int
    """As planned."""
    measured_bytes: int
    """As measured once the model was loaded."""

    @property
    def error(self) -> float | None:
        """The plan's error as a share of what was measured, positive where too much was planned; None for nothing."""
        return self.planned_bytes / self.measured_bytes - 1 if self.measured_bytes else None


def compare(planned: Iterable[DeviceUse], measured: Iterable[DeviceUse]) -> tuple[Comparison, ...]:
    """Compare them, device by device.

    Args:
        planned: what was planned.
        measured: what was measured.
    """
    before = {use.device: use.bytes for use in planned}
    after = {use.device: use.bytes for use in measured}
    return tuple(
        Comparison(device, before.get(device, 0), after.get(device, 0)) for device in dict.fromkeys((*before, *after))
    )
