"""One fault, from a fresh log to the verdict.

1. put    an empty log, or one that a killed agent left
2. run    an agent, with the fault in its way, and the workload
3. end    it, and see what is on disk, and what of it was durable when
4. cut    for a power cut: take away what was not
5. again  start it without a fault, send once, end it
6. judge
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from faults_parts import judge
from faults_parts.nursery import Running
from faults_parts.points import KILL, POWER, Point, injection
from faults_parts.rig import Rig
from faults_parts.trace import Call, Disk
from faults_parts.workloads import WORKLOADS, Caller, Record, Told, Workload, connected

HOOKS = ("quick_checkpoints",)
NOTICED_S = 0.1
"""So long after damage was done from outside, nothing leaves that the log on disk does not show."""


def _unlink(log: Path) -> None:
    max(log.glob("entries-*.ndjson")).unlink()


def _truncate(log: Path) -> None:
    path = max(log.glob("entries-*.ndjson"))
    os.truncate(path, path.stat().st_size - 1)


def _empty(log: Path) -> None:
    os.truncate(max(log.glob("entries-*.ndjson")), 0)


def _replace(log: Path) -> None:
    path = max(log.glob("entries-*.ndjson"))
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


def _move(log: Path) -> None:
    log.rename(log.with_name("elsewhere"))


def _forge(log: Path) -> None:
    (log / "checkpoint").write_text("nothing\n")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "entries unlinked": _unlink,
    "entries cut by a byte": _truncate,
    "entries emptied": _empty,
    "entries replaced by a copy": _replace,
    "folder moved away": _move,
    "checkpoint overwritten": _forge,
}
"""What somebody with the agent's rights may do to its files while it runs."""


@dataclass
class Acted:
    """When something was done to the agent from outside; 0 for not yet."""

    at_s: float = 0.0


@dataclass
class Result:
    """What came of a point."""

    point: Point
    fired: bool
    """The fault happened; a run whose calls came otherwise may not reach it."""
    problems: list[str] = field(default_factory=list)
    refusals_s: list[float] = field(default_factory=list)
    """From the fault, or from a call's beginning where that was later, to each refusal."""
    died: bool = False
    restarted: bool = False
    seconds: float = 0.0


async def attempt(rig: Rig, point: Point, paths: Sequence[str], earlier: Path, extra: Sequence[str] = ()) -> Result:
    """Try one point.

    Args:
        rig: where.
        point: what.
        paths: the agent's files: faults go into calls on these.
        earlier: a log that a killed agent left, for workloads that begin with one.
        extra: more hooks: broken agents.
    """
    began_s = time.monotonic()
    workload = WORKLOADS[point.workload]
    put(rig, workload, earlier, point)
    disk = on_disk(rig)
    hooks = (*HOOKS, *workload.hooks, *hooks_of(rig, point), *extra)
    options = [option for path in paths for option in ("-P", path)] + injection(point)
    running = await rig.start(archive=workload.archive, hooks=hooks, strace=options)
    _limit(running, point)
    listened = await running.listening()
    record = Record()
    acted = Acted()
    if listened:
        async with connected(rig, running) as caller:
            await _work(workload, caller, point, acted)
            record = caller.record
    problems: list[str] = []
    try:
        code = await running.stop()
    except AssertionError as error:
        problems.append(f"typed: {error}")
        code = await running.ended
    calls = running.calls()
    disk.replay(calls)
    fired, at_s = _fault(point, calls, code, acted)
    result = Result(point, fired, problems, died=code < 0)
    if code >= 0 and code not in judge.DOCUMENTED:
        result.problems.append(f"typed: exit code {code}\n{running.said()[-1500:]}")
    if at_s is not None:
        result.refusals_s = [
            told.ended_s - max(at_s, told.began_s)
            for told in record.told
            if told.ended_s >= at_s and _of_the_disk(told)
        ]
    if point.kind == POWER:
        cut(rig, disk)
    if point.group == "damage":
        _judge_damaged(rig, record, acted, result)
    else:
        _judge_now(rig, workload, record, disk, result)
    if point.group == "full disk":
        rig.small_disk(16 * 1024)
    await _again(rig, workload, record, result, (*HOOKS, *workload.hooks, *extra))
    result.seconds = time.monotonic() - began_s
    return result


def put(rig: Rig, workload: Workload, earlier: Path, point: Point | None = None) -> None:
    """The files as they are before the run."""
    rig.clear()
    if point is not None and point.group == "full disk":
        rig.small_disk(point.number)
    if workload.earlier:
        shutil.copytree(earlier, rig.log)


def on_disk(rig: Rig) -> Disk:
    """What is there, durably."""
    disk = Disk()
    for folder in (rig.log, rig.archive):
        for path in folder.glob("*"):
            disk.begin(str(path), path.stat().st_size)
    return disk


def cut(rig: Rig, disk: Disk) -> None:
    """A power cut: of every file there is what was synced, and nothing else."""
    for folder in (rig.log, rig.archive):
        for path in folder.glob("*"):
            if path.name != "lock" and str(path) in disk.lengths:
                os.truncate(path, min(path.stat().st_size, disk.durable(str(path), float("inf"))))


def hooks_of(rig: Rig, point: Point) -> tuple[str, ...]:
    """What a point changes in the agent itself."""
    match point.group:
        case "short write":
            return (f"short_write:{point.number}:{point.kind}",)
        case "clock":
            return (f"clock:{rig.folder}/clock",)
        case _:
            return ()


def _limit(running: Running, point: Point) -> None:
    """A limit on files' length makes the kernel write short, and then fail (setrlimit(2), RLIMIT_FSIZE)."""
    if point.group == "length limit":
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (point.number, resource.RLIM_INFINITY))


async def _work(workload: Workload, caller: Caller, point: Point, acted: Acted) -> None:
    """The script, and beside it what is done to the agent's files or its clock."""
    async with asyncio.TaskGroup() as group:
        acting = group.create_task(_act(caller, point, acted))
        await workload.steps(caller)
        acting.cancel()


async def _act(caller: Caller, point: Point, acted: Acted) -> None:
    """Set the clock once so many calls have ended, or do damage to a file."""
    if point.group not in ("clock", "damage"):
        return
    while len(caller.record.told) < point.number:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.002)
    if point.group == "clock":
        fresh = caller.rig.folder / "clock.new"
        fresh.write_text(point.kind)
        fresh.replace(caller.rig.folder / "clock")
    else:
        DAMAGES[point.kind](caller.rig.log)
    acted.at_s = time.time()


def _fault(point: Point, calls: Iterable[Call], code: int, acted: Acted) -> tuple[bool, float | None]:
    """Whether the fault happened, and when it was noticed; None where that is no one moment."""
    if point.kind in (KILL, POWER):
        return code == -signal.SIGKILL, None
    if point.group == "call" and point.kind == "slow":
        return any(call.injected for call in calls), None
    injected = sorted(call.ended_s for call in calls if call.injected)
    if point.group == "call":
        return bool(injected), injected[0] if injected else None
    if point.group in ("length limit", "full disk"):
        failed = sorted(call.ended_s for call in calls if call.name in ("write", "openat") and call.result == -1)
        return bool(failed), failed[0] if failed else None
    return acted.at_s > 0 or point.group == "short write", acted.at_s if point.group == "damage" else None


def _of_the_disk(told: Told) -> bool:
    """Whether a call was refused because of the fault; the workloads have other refusals."""
    return told.end == "FAILED_PRECONDITION" or (told.end == "refused" and told.detail == "archive")


def _judge_now(rig: Rig, workload: Workload, record: Record, disk: Disk, result: Result) -> None:
    """What must hold before anything is mended."""
    found = judge.entries(rig.log)
    archive = rig.archive if workload.archive else None
    salt_key = (rig.folder / "salt.key").read_bytes() if (rig.folder / "salt.key").exists() else b""
    result.problems += judge.sent(rig.received, found, salt_key, disk, archive)
    result.problems += judge.acknowledged(record, found, disk)
    result.problems += judge.typed(record.told, died=result.died)


def _judge_damaged(rig: Rig, record: Record, acted: Acted, result: Result) -> None:
    """What must hold after somebody laid hands on the files: nothing leaves that they do not show."""
    if not acted.at_s:
        return
    later = [(at_s, body) for at_s, body in rig.received if at_s > acted.at_s + NOTICED_S]
    result.problems += judge.sent(later, judge.entries(rig.log), (rig.folder / "salt.key").read_bytes(), None, None)
    result.problems += judge.typed(record.told, died=result.died)


async def _again(rig: Rig, workload: Workload, record: Record, result: Result, hooks: Sequence[str]) -> None:
    """Start anew, without a fault; judge what the log says then."""
    rig.provider.script[:] = [rig.provider.script[-1]]
    rig.received.clear()
    running = await rig.start(archive=workload.archive, hooks=hooks)
    result.restarted = await running.listening()
    if result.restarted:
        async with connected(rig, running) as caller:
            await _look(caller, record, result)
    with suppress(grpc.aio.AioRpcError):
        code = await running.stop()
        if code not in judge.DOCUMENTED or (result.restarted and code != 0):
            result.problems.append(f"restart: exit code {code}\n{running.said()[-1500:]}")
    if result.point.group == "damage":
        return  # what was there is there no more; that it started, or refused with its code, is all that can be asked
    if not result.restarted:
        result.problems.append(f"restart: the agent does not start again\n{running.said()[-1500:]}")
    result.problems += judge.acknowledged(record, judge.entries(rig.log), None)
    key = judge.log_key(rig.folder / "log.pub")
    result.problems += judge.whole(rig.log, record, key, closed=result.restarted)


async def _look(caller: Caller, record: Record, result: Result) -> None:
    """The agent that was started again: is it as it was, and does it work?"""
    if result.point.group == "damage":
        return
    locked = await caller.locked()
    if record.lockdown is not None and locked != record.lockdown:
        result.problems.append(f"lockdown: acknowledged as {record.lockdown}, and {locked} after the restart")
    await caller.send()
    ends = [told.end for told in caller.record.told]
    # After a clock that was ahead, nothing is fresh until the time is there again: that is refused, and never sent.
    behind = result.point.group == "clock" and caller.record.told[-1].detail == "permit.freshness"
    if ends != (["refused"] if locked or behind else ["sent"]):
        result.problems.append(f"restart: a send ended with {ends}: {caller.record.told[-1].detail}")
    record.proven += caller.record.proven


def milliseconds(values: Sequence[float], part: float) -> float | None:
    """A quantile, in milliseconds; None of nothing."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1) if ordered else None
