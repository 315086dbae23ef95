"""Whether content in memory could reach a disk: core dumps and swap. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process of ours."""

    name: str
    """Its program."""
    pid: int
    """Its number."""
    core_bytes_max: int | None
    """The longest core file that it may leave (RLIMIT_CORE, hard); None where it cannot be seen, -1 for any."""
    is_dumpable: bool | None
    """Whether others of its user may look inside (PR_SET_DUMPABLE); None where it cannot be seen."""
    swap_bytes_max: int | None
    """What its control group may swap out (memory.swap.max); None where it cannot be seen, -1 for any."""


@dataclass(frozen=True, slots=True)
class SwapFacts:
    """One place that memory is swapped to."""

    path: str
    """Device or file."""
    is_safe: bool
    """It is encrypted, or in memory itself (zram)."""


def dumps(processes: Iterable[ProcessFacts]) -> tuple[Finding, ...]:
    """Whether a crash would write memory down."""
    return tuple(_dumps(each) for each in processes)


def _dumps(each: ProcessFacts) -> Finding:
    check = f"core dumps of {each.name}"
    if each.core_bytes_max is None:
        return unseen(check, f"process {each.pid} cannot be looked at")
    if each.is_dumpable:
        told = f"process {each.pid} can be dumped and traced by others of its user"
        return error(check, told, "restart it: it sees to that itself when it starts, and something undid it")
    if each.core_bytes_max != 0:
        return error(check, f"process {each.pid} may leave core files", "set LimitCORE=0 in its unit, then restart it")
    return ok(check, "none: no core file" + ("" if each.is_dumpable is None else ", and not dumpable"))


def swap(processes: Iterable[ProcessFacts], places: Iterable[SwapFacts]) -> Finding:
    """Whether memory of ours may be swapped to where it can be read.

    Args:
        processes: ours; those whose control group forbids swapping are safe wherever the machine swaps to.
        places: where the machine swaps to.
    """
    open_places = [each.path for each in places if not each.is_safe]
    if not open_places:
        return ok("swap", "none, or encrypted")
    swapping = [each for each in processes if each.swap_bytes_max != 0]
    if not swapping:
        return ok("swap", f"{', '.join(open_places)}: not for our processes")
    names = ", ".join(sorted({each.name for each in swapping}))
    advice = "set MemorySwapMax=0 in the unit, or encrypt the swap, or turn it off"
    if any(each.swap_bytes_max is None for each in swapping):
        return warning("swap", f"{', '.join(open_places)}: what {names} may swap cannot be seen", advice)
    return error("swap", f"{names} may be swapped to {', '.join(open_places)} in the clear", advice)
