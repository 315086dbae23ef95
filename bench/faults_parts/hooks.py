"""What a child of the zygote may change about its agent before it runs: faster clocks, strange clocks, broken agents.

Nothing of this is a switch in the product. The broken agents show that the harness can fail.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any


def apply(order: str) -> None:
    """Apply one hook: its name, then its arguments, divided by colons."""
    name, *arguments = order.split(":")
    HOOKS[name](*arguments)


def quick_checkpoints() -> None:
    """A checkpoint every 50 ms instead of every second, so that a short run has several."""
    from ringfence_agent import journal  # noqa: PLC0415 - only in the child

    journal.CHECKPOINT_EVERY_S = 0.05


def small_segments() -> None:
    """A new segment after four entries."""
    from ringfence_agent import build  # noqa: PLC0415 - likewise

    _replace(build, "Journal", partial(build.Journal, segment_entries=4))


def clock(file: str) -> None:
    """The wall clock, off by as many milliseconds as `file` says at each look."""
    from ringfence_agent import build  # noqa: PLC0415 - likewise

    real: Callable[[], int] = getattr(build, "_unix_ms")  # noqa: B009 - not ours to call
    _replace(build, "_unix_ms", lambda: real() + int(Path(file).read_text()))


def short_write(number: str, part: str) -> None:
    """The `number`th write of an entries file takes only a part: one byte, half, or all but one."""
    real, calls = os.write, itertools.count(1)

    def write(file: int, data: Any) -> int:
        path = Path(f"/proc/self/fd/{file}").readlink()
        if path.name.startswith("entries-") and next(calls) == int(number):
            sizes = {"one": 1, "half": len(data) // 2, "most": len(data) - 1}
            data = bytes(data)[: max(1, sizes[part])]
        return real(file, data)

    os.write = write


def without_fdatasync() -> None:
    """BROKEN: entries are never made durable."""
    os.fdatasync = lambda _file: None


def before_the_intent() -> None:
    """BROKEN: does not wait for the intent."""
    from ringfence_agent.entry import Kind  # noqa: PLC0415 - likewise
    from ringfence_agent.release import Release  # noqa: PLC0415 - likewise

    async def hasty(self: Any, fields: Any) -> int:
        index: int = self._journal.size
        self._journal.submit(Kind.INTENT, fields)
        return index

    async def kept(*_: Any) -> tuple[()]:
        return ()

    _replace(Release, "_intend", hasty)
    _replace(Release, "_keep", kept)


def forgetful() -> None:
    """BROKEN: acknowledges a lockdown, and forgets to write it down."""
    from ringfence_agent.lockdown_file import LockdownFile  # noqa: PLC0415 - likewise

    _replace(LockdownFile, "save", lambda _self, _standing: None)


def _replace(owner: type | ModuleType, name: str, value: Callable[..., Any]) -> None:
    """Put something else in the place of what must be there."""
    assert hasattr(owner, name), f"{owner} has no {name} any more; mend this hook"
    setattr(owner, name, value)


HOOKS: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (
        quick_checkpoints,
        small_segments,
        clock,
        short_write,
        without_fdatasync,
        before_the_intent,
        forgetful,
    )
}
