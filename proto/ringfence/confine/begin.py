"""What a process does before it serves: shut itself in, prove it, and only then go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ringfence.confine.attempts.outcome import Given
from ringfence.confine.enclose import Standing, enclose
from ringfence.confine.selftest import Escape, escapes
from ringfence.confine.walls import Walls

EXIT_NOT_CONFINED: Final = 77
"""EX_NOPERM of sysexits.h: what should shut the process in does not. Unlike a wrong configuration this may pass once a
NetworkPolicy is in force, so that a cluster may start it again; our units do not (systemd/design.md)."""


class NotConfined(Exception):
    """The process must not serve; the text says why and what to do."""


@dataclass(frozen=True)
class Report:
    """How well a process is shut in."""

    standing: Standing
    """What is in force."""
    found: tuple[Escape, ...]
    """The ways out that worked."""
    tested: bool
    """Whether any were tried."""
    applied: bool = True
    """Whether the process was to shut itself in (``confine.apply``)."""

    @property
    def is_held(self) -> bool:
        """Whether it is held as its configuration asks.

        Both walls stand, Landlock and the filter, where it was to put them up; and no way out works that what is in
        force should have stopped. What an older kernel's Landlock does not judge is told in `problem`, and no reason
        to say that the process is not held: the unit or the chart judges it.
        """
        has_walls = not self.applied or (self.standing.landlock > 0 and self.standing.seccomp)
        return has_walls and not any(one.is_promised for one in self.found)

    @property
    def problem(self) -> str:
        """What a person should know, in a sentence or two; empty where all is well."""
        ways = "; ".join(f"{one.name}: {one.detail}" for one in self.found)
        told = [f"ways out that work: {ways}; {_ADVICE}"] if ways else []
        return "; ".join([*self.standing.missing, *told])

    def fields(self) -> dict[str, object]:
        """The same for a line of the log."""
        return {
            "landlock": self.standing.landlock,
            "seccomp": self.standing.seccomp,
            "locked": self.standing.locked,
            "missing": list(self.standing.missing),
            "self_test": "escaped" if self.found else "passed" if self.tested else "off",
            "escapes": [one.name for one in self.found],
        }


_NOT_APPLIED: Final = Standing(missing=("the process is not shut in: confine.apply is false",))

_ADVICE: Final = "run it as a user of its own, under the unit or chart that ship with it (docs/confinement.md)"


def begin(
    walls: Walls,
    *,
    apply: bool,
    required: bool,
    self_test: Literal["enforce", "warn", "off"],
    writable: tuple[str, ...] = (),
    unreachable: tuple[str, ...] = (),
    beside: tuple[str, ...] = (),
    locks_memory: bool = False,
) -> Report:
    """Shut this process in and try to get out. Once, while it has one thread.

    Args:
        walls: what is left to it.
        apply: whether it shuts itself in at all.
        required: whether everything must be in force.
        self_test: what follows from a way out that works.
        writable: folders in which it may write, for attempts that begin with a file.
        unreachable: hosts that answer, and that it must not reach.
        beside: folders in which others of its user have their unix sockets, and in which it must make none.
        locks_memory: keep its memory from swap where that is allowed.

    Returns:
        what is in force, and which ways out worked.

    Raises:
        NotConfined: it must not serve.
        OSError: the kernel refused what every kernel has.
    """
    standing = enclose(walls, locks_memory=locks_memory) if apply else _NOT_APPLIED
    if required and standing.missing:
        raise NotConfined(f"confine.required is set, and {'; '.join(standing.missing)}")
    given = Given(writable=writable, beside=beside)
    found = () if self_test == "off" else escapes(walls, standing, given, unreachable)
    if self_test == "enforce" and any(one.is_promised for one in found):
        ways = "\n".join(f"  {one.name}: {one.detail}" for one in found)
        raise NotConfined(
            f"this process is not shut in, and does not serve. Ways out that work:\n{ways}\n"
            f'What to do: {_ADVICE}. confine.self_test = "warn" serves all the same.'
        )
    return Report(standing, found, tested=self_test != "off", applied=apply)
