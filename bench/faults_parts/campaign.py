"""All points: which there are is found out by running each workload once without a fault."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from fakes.provider import HANG, answer, head
from faults_parts.attempt import DAMAGES, HOOKS, Result, attempt, put
from faults_parts.points import Point, counted, of_calls
from faults_parts.rig import Rig, rig
from faults_parts.workloads import WORKLOADS, connected

SHORT_PARTS = ("one", "half", "most")
LIMITS = range(100, 6000, 41)
"""Lengths at which the kernel stops a file growing, in bytes."""
JUMPS_MS = (-86_400_000 * 365, -86_400_000, -3_600_000, -61_000, -5_000, 5_000, 61_000, 3_600_000, 86_400_000 * 3650)


@dataclass
class Survey:
    """What workloads do to the agent's files."""

    paths: tuple[str, ...] = ()
    """Relative to the folder."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """Workload to call to how often."""


async def survey(place: Rig, earlier: Path, names: Sequence[str]) -> Survey:
    """Run each workload once without a fault; it must go well."""
    calls = {}
    await leave_earlier(place, earlier)
    for name in names:
        workload = WORKLOADS[name]
        put(place, workload, earlier)
        running = await place.start(archive=workload.archive, hooks=(*HOOKS, *workload.hooks), strace=())
        assert await running.listening(), running.said()
        async with connected(place, running) as caller:
            await workload.steps(caller)
        assert await running.stop() == 0, running.said()
        calls[name] = running.calls()
    folders = (str(place.log), str(place.archive))
    seen = {path for found in calls.values() for call in found for path in call.paths}
    # Which files there will be depends a little on the time; those that strace is not told of it does not see.
    seen |= {f"{place.archive}/sealed-{number:012}.rec" for number in range(24)}
    seen |= {f"{place.log}/entries-{number:06}.ndjson" for number in range(8)}
    mine = frozenset(path for path in seen if path in folders or str(Path(path).parent) in folders)
    relative = tuple(sorted(str(Path(path).relative_to(place.folder)) for path in mine))
    return Survey(relative, {name: counted(found, mine) for name, found in calls.items()})


async def leave_earlier(place: Rig, earlier: Path) -> None:
    """A log as a killed agent leaves it: one send whole, one intent open, the end torn."""
    place.clear()
    place.provider.script[:] = [answer("Hello"), [head(), HANG]]
    running = await place.start(archive=False, hooks=HOOKS)
    assert await running.listening(), running.said()
    async with connected(place, running) as caller:
        await caller.send()
        async with asyncio.TaskGroup() as group:
            group.create_task(caller.send())
            while len(place.received) < 2:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
            await running.kill()
    with max(place.log.glob("entries-*.ndjson")).open("ab") as file:
        file.write(b'{"bytes_out":0,"kind":"ref')
    place.provider.script[:] = [answer("Hello")]
    shutil.rmtree(earlier, ignore_errors=True)
    shutil.copytree(place.log, earlier)


def points(found: Survey, *, mounts: bool) -> list[Point]:
    """Every point, in an order that is the same each time and mixes them.

    Args:
        found: what the agent was seen to do.
        mounts: small file systems can be made here, and are nobody else's.
    """
    every = [point for name, most in found.counts.items() for point in of_calls(name, most)]
    every += _others(mounts=mounts)
    random.Random(0).shuffle(every)
    return every


def _others(*, mounts: bool) -> Iterator[Point]:
    """What strace has no part in."""
    both = ("sends", "mixed")
    for name, number, part in product(both, range(1, 14), SHORT_PARTS):
        yield Point(name, "short write", "write", part, number)
    for limit in LIMITS:
        yield Point("sends", "length limit", "write", "EFBIG", limit)
    for name, jump, number in product(both, JUMPS_MS, (1, 3, 5)):
        yield Point(name, "clock", "clock", str(jump), number)
    for name, kind, number in product(both, DAMAGES, range(1, 5)):
        yield Point(name, "damage", "files", kind, number)
    if mounts:
        for name, kib in product((*both, "failing"), range(4, 24, 4)):
            yield Point(name, "full disk", "write", "small disk", kib)


async def campaign(
    folder: Path,
    workers: int,
    choose: Callable[[Survey], list[Point]],
    tell: Callable[[Result], None],
    names: Sequence[str] = tuple(WORKLOADS),
) -> list[Result]:
    """Try points with several workers at once.

    Args:
        folder: a fresh one, with a path short enough for sockets.
        workers: how many.
        choose: which of the points that a survey makes possible.
        tell: is told of each result.
        names: the workloads that are surveyed.
    """
    results: list[Result] = []
    async with AsyncExitStack() as stack:
        rigs = [await stack.enter_async_context(rig(folder / f"w{number}")) for number in range(workers)]
        earlier = [place.folder / "earlier" for place in rigs]
        found = await survey(rigs[0], earlier[0], names)
        for place, path in zip(rigs[1:], earlier[1:], strict=True):
            await leave_earlier(place, path)
        todo = iter(choose(found))

        async def work(place: Rig, left: Path) -> None:
            paths = [str(place.folder / path) for path in found.paths]
            for point in todo:
                results.append(await attempt(place, point, paths, left))
                tell(results[-1])

        jobs: list[Awaitable[None]] = [work(place, left) for place, left in zip(rigs, earlier, strict=True)]
        await asyncio.gather(*jobs)
    return results
