"""Which of our facts is which of nvidia-smi's fields, and how far apart the two may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringfenced.device import DeviceFacts

MIB = 1024 * 1024

Ours = Callable[[DeviceFacts], object]


@dataclass(frozen=True, slots=True)
class Still:
    """A fact that must be equal."""

    field: str
    """nvidia-smi's name of it."""
    ours: Ours
    """Ours, as nvidia-smi would write it."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A figure that may move between two readings."""

    field: str
    """nvidia-smi's name of it."""
    ours: Ours
    """Ours, in nvidia-smi's unit."""
    tolerance: float
    """How far outside of what we read before and after it may lie, in its unit."""


def _yes(value: bool | None) -> str | None:
    return None if value is None else ("Enabled" if value else "Disabled")


def _mib(value: int | None) -> float | None:
    return None if value is None else value / MIB


def _percent(value: float | None) -> float | None:
    return None if value is None else value * 100


STILL = (
    Still("index", lambda facts: facts.index),
    Still("name", lambda facts: facts.name),
    Still("uuid", lambda facts: facts.id),
    Still("serial", lambda facts: facts.serial or None),
    Still("pci.bus_id", lambda facts: facts.pci_bus_id.upper() or None),
    Still("driver_version", lambda facts: facts.driver_version),
    Still("compute_cap", lambda facts: facts.compute_capability),
    Still("persistence_mode", lambda facts: _yes(facts.is_persistent)),
    Still("mig.mode.current", lambda facts: _yes(facts.is_mig_parent)),
    Still("ecc.mode.current", lambda facts: _yes(facts.errors.ecc)),
    Still("clocks.max.sm", lambda facts: facts.clocks.sm_max_mhz),
    Still("clocks.max.mem", lambda facts: facts.clocks.memory_max_mhz),
    Still("pcie.link.gen.max", lambda facts: facts.pcie.generation_max),
    Still("pcie.link.width.max", lambda facts: facts.pcie.width_max),
    Still("pcie.link.width.current", lambda facts: facts.pcie.width),
    Still("ecc.errors.corrected.volatile.total", lambda facts: facts.errors.corrected_volatile),
    Still("ecc.errors.uncorrected.volatile.total", lambda facts: facts.errors.uncorrected_volatile),
    Still("ecc.errors.corrected.aggregate.total", lambda facts: facts.errors.corrected_aggregate),
    Still("ecc.errors.uncorrected.aggregate.total", lambda facts: facts.errors.uncorrected_aggregate),
    Still("retired_pages.single_bit_ecc.count", lambda facts: facts.errors.retired_single_bit),
    Still("retired_pages.double_bit.count", lambda facts: facts.errors.retired_double_bit),
    Still("retired_pages.pending", lambda facts: _pending(facts.errors.retirement_pending)),
)

MOVING = (
    Moving("memory.total", lambda facts: _mib(facts.memory_total_bytes), 1),
    Moving("memory.reserved", lambda facts: _mib(facts.memory_reserved_bytes), 1),
    Moving("memory.used", lambda facts: _mib(facts.memory_used_bytes), 64),
    Moving("memory.free", lambda facts: _mib(facts.memory_free_bytes), 64),
    Moving("utilization.gpu", lambda facts: _percent(facts.utilisation), 20),
    Moving("utilization.memory", lambda facts: _percent(facts.memory_utilisation), 20),
    Moving("temperature.gpu", lambda facts: facts.temperature_celsius, 2),
    Moving("temperature.memory", lambda facts: facts.memory_temperature_celsius, 3),
    Moving("power.draw", lambda facts: facts.power_watts, 15),
    Moving("enforced.power.limit", lambda facts: facts.power_limit_watts, 0.5),
    Moving("clocks.sm", lambda facts: facts.clocks.sm_mhz, 60),
    Moving("clocks.mem", lambda facts: facts.clocks.memory_mhz, 60),
    Moving("pcie.link.gen.current", lambda facts: facts.pcie.generation, 0),
    Moving("pstate", lambda facts: facts.clocks.performance_state, 0),
    Moving("clocks_event_reasons.active", lambda facts: facts.clocks.events, 0),
)

FIELDS = tuple(each.field for each in (*STILL, *MOVING))


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside the other."""

    field: str
    """nvidia-smi's name of it."""
    theirs: str | None
    """What nvidia-smi said."""
    before: object
    """What we read before."""
    after: object
    """What we read after."""
    agrees: bool
    """Whether that is the same."""


def rows(theirs: dict[str, str | None], before: DeviceFacts, after: DeviceFacts) -> list[Row]:
    """Every figure of one GPU beside ours."""
    told = []
    for each in (each for each in STILL if each.field in theirs):
        said, first, last = theirs[each.field], each.ours(before), each.ours(after)
        agrees = (said is None) == (last is None) and (said is None or said.upper() == str(last).upper())
        told.append(Row(each.field, said, first, last, agrees))
    for each in (each for each in MOVING if each.field in theirs):
        said, first, last = theirs[each.field], each.ours(before), each.ours(after)
        told.append(Row(each.field, said, first, last, _lies_between(said, first, last, each.tolerance)))
    return told


def _lies_between(said: str | None, first: object, last: object, tolerance: float) -> bool:
    if said is None:
        return first is None or last is None
    ours = [float(each) for each in (first, last) if isinstance(each, int | float)]
    return bool(ours) and min(ours) - tolerance <= figure(said) <= max(ours) + tolerance


def figure(text: str) -> float:
    """A cell as a number: ``12``, ``P0``, ``0x0000000000000004``."""
    return float(int(text, 16)) if text.startswith("0x") else float(text.lstrip("P"))


def _pending(value: bool | None) -> str | None:
    return None if value is None else ("Yes" if value else "No")
