"""The service manager's watchdog, fed by a question instead of by a clock (sd_watchdog_enabled(3)).

A process that only repeats that it is there proves nothing. Here a question is asked each time, and the watchdog is
fed when it was answered in time; a process that hangs, or whose work no longer comes to an end, is ended and started
again by whoever watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

_ASKED_PER_PERIOD: Final = 4
"""How often the question is asked in the time after which the manager acts: one late answer ends no process."""


def asking_s(environment: Mapping[str, str], pid: int) -> float:
    """How often the manager wants to hear, with room for a late answer, in seconds; 0 where none waits.

    Args:
        environment: holds ``WATCHDOG_USEC``, and ``WATCHDOG_PID`` where it is meant for one process alone.
        pid: this process.
    """
    period, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not period.isdecimal() or (whose and whose != str(pid)):
        return 0.0
    return int(period) / 1e6 / _ASKED_PER_PERIOD


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a process shows that it is alive."""

    every_s: float
    """How often it is asked, and how long an answer may take, in seconds; 0 for never."""
    tell: Callable[[str], None]
    """Called after each question: with nothing where all is well, else with what is wrong, without content."""

    async def beat(self, ask: Callable[[], Awaitable[str]]) -> None:
        """Ask for as long as the process lives; goes into its owner's TaskGroup.

        Args:
            ask: gives what is wrong, in words without content, or nothing.
        """
        while self.every_s:
            self.tell(await answered(ask, self.every_s))
            await asyncio.sleep(self.every_s)


STILL: Final = Pulse(0.0, lambda _: None)
"""Of a process that nobody watches."""


async def answered(ask: Callable[[], Awaitable[str]], seconds_max: float) -> str:
    """What is wrong: what `ask` says, that it said nothing in time, or that it failed; nothing where all is well."""
    try:
        async with asyncio.timeout(seconds_max):
            return await ask()
    except TimeoutError:
        return f"no answer within {seconds_max:g} s"
    except Exception as error:  # noqa: BLE001 - a defect's text may hold content: its kind says enough
        return f"a defect: {type(error).__name__}"
