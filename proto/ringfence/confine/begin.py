"""What a process does before it serves: shut itself in, prove it, and only then go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ringfence.confine.attempts.outcome import Given
from ringfence.confine.enclose import Standing, enclose
from ringfence.confine.selftest import Escape, Trial, trial
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
    trial: Trial | None
    """What came of trying to get out; None where that is off."""
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
        return has_walls and not any(one.is_promised for one in self._found)

    @property
    def _found(self) -> tuple[Escape, ...]:
        """The ways out that worked."""
        return self.trial.escapes if self.trial is not None else ()

    @property
    def _result(self) -> str:
        """The self-test in a word. It has passed only where it could fail."""
        if self.trial is None:
            return "off"
        if self.trial.escapes:
            return "escaped"
        return "passed" if self.trial.made else "untried"

    @property
    def problem(self) -> str:
        """What a person should know, in a sentence or two; empty where all is well."""
        ways = "; ".join(f"{one.name}: {one.detail}" for one in self._found)
        told = [f"ways out that work: {ways}; {_ADVICE}"] if ways else []
        told += [_UNTRIED] if self._result == "untried" else []
        if self.trial is not None and self.trial.unclear:
            told.append(f"ways out of which nobody can tell: {'; '.join(self.trial.unclear)}")
        return "; ".join([*self.standing.missing, *told])

    def fields(self) -> dict[str, object]:
        """The same for a line of the log."""
        return {
            "landlock": self.standing.landlock,
            "seccomp": self.standing.seccomp,
            "locked": self.standing.locked,
            "missing": list(self.standing.missing),
            "self_test": self._result,
            "escapes": [one.name for one in self._found],
            "tried": self.trial.made if self.trial is not None else 0,
            "not_here": self.trial.not_here if self.trial is not None else 0,
            "unclear": list(self.trial.unclear) if self.trial is not None else [],
        }


_NOT_APPLIED: Final = Standing(missing=("the process is not shut in: confine.apply is false",))

_UNTRIED: Final = "no way out could be tried, so that nobody can tell whether one works (docs/confinement.md)"

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
        what is in force, and what came of trying to get out.

    Raises:
        NotConfined: it must not serve. One that enforces the self-test must not where not one attempt could be made.
        OSError: the kernel refused what every kernel has.
    """
    standing = enclose(walls, locks_memory=locks_memory) if apply else _NOT_APPLIED
    if required and standing.missing:
        raise NotConfined(f"confine.required is set, and {'; '.join(standing.missing)}")
    given = Given(writable=writable, beside=beside)
    tried = None if self_test == "off" else trial(walls, standing, given, unreachable)
    if tried is not None and self_test == "enforce":
        _demand(tried)
    return Report(standing, tried, applied=apply)


def _demand(tried: Trial) -> None:
    """Pass where something was tried and nothing worked that should not; NotConfined otherwise."""
    if any(one.is_promised for one in tried.escapes):
        ways = "\n".join(f"  {one.name}: {one.detail}" for one in tried.escapes)
        raise NotConfined(
            f"this process is not shut in, and does not serve. Ways out that work:\n{ways}\n"
            f'What to do: {_ADVICE}. confine.self_test = "warn" serves all the same.'
        )
    if not tried.made:
        raise NotConfined(f'{_UNTRIED}. confine.self_test = "warn" serves all the same.')
