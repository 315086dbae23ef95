"""Trying attempts: each in a forked child, so that what kills it, or what it gains, stays there."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.confine.attempts.outcome import Attempt, Given, NotHere, Outcome, Result

PATIENCE_S: Final = 5.0
"""Seconds an attempt may take, its waiting for answers included; then it is ended, and nobody can tell."""
_REPORT_BYTES_MAX: Final = 4096
_DETAIL_CHARACTERS_MAX: Final = 512


def tried(attempts: Sequence[Attempt], given: Given, at_once: int = 8) -> Iterator[tuple[Attempt, Result]]:
    """Try attempts, some at a time; results come in the order of the attempts. Blocking.

    The process must be in a state in which it may fork: without threads that hold locks.

    Args:
        attempts: what to try.
        given: what to try it on.
        at_once: how many children there are at most.

    Yields:
        each attempt with what came of it.
    """
    running: list[_Running] = []
    waiting = iter(attempts)
    for attempt in waiting:
        running.append(_start(attempt, given))
        if len(running) == at_once:
            first = running.pop(0)
            yield first.attempt, _finish(first)
    for each in running:
        yield each.attempt, _finish(each)


def tried_together(attempts: Sequence[Attempt], given: Given) -> Iterator[tuple[Attempt, Result]]:
    """The same in as few children as can be: forking a process of 100 MB takes some milliseconds.

    One child makes attempts until one works, kills it or hangs; another goes on from there, so that nothing that was
    gained helps the next. Blocking; the state of the process as for `tried`.

    Args:
        attempts: what to try.
        given: what to try it on.

    Yields:
        each attempt with what came of it.
    """
    waiting = list(attempts)
    while waiting:
        results = _batch(waiting, given)
        yield from zip(waiting, results, strict=False)
        waiting = waiting[len(results) :]


def judged(attempt: Attempt, given: Given) -> Result:
    """Try an attempt in this process, and put what came of it into words."""
    try:
        return Result(Outcome.ESCAPED, attempt.attempt(given)[:_DETAIL_CHARACTERS_MAX])
    except NotHere as reason:
        return Result(Outcome.NOT_HERE, str(reason)[:_DETAIL_CHARACTERS_MAX])
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "no errno")
        return Result(Outcome.BLOCKED, f"{name}: {error.strerror or error}"[:_DETAIL_CHARACTERS_MAX])
    except Exception as error:  # noqa: BLE001 - what is no wall's doing: a defect, a machine that nobody foresaw
        return Result(Outcome.UNCLEAR, f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS_MAX])


def _batch(attempts: Sequence[Attempt], given: Given) -> list[Result]:
    """Results of the first of these attempts, of at least one."""
    report, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for attempt in attempts:
                result = judged(attempt, given)
                os.write(write, json.dumps([result.outcome.value, result.detail]).encode() + b"\n")
                if result.outcome is Outcome.ESCAPED:
                    break
        finally:
            os._exit(0)
    os.close(write)
    lines, is_hanging = _lines(report)
    if is_hanging:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    results = [Result(Outcome(outcome), detail) for outcome, detail in map(json.loads, lines)]
    if is_hanging:
        results.append(_hung())
    elif code or not results:
        results.append(_ended(code))
    return results


def _lines(report: int) -> tuple[list[bytes], bool]:
    """Lines until the other end is closed, or until none came for long: whether it is that."""
    poller = select.poll()
    poller.register(report, select.POLLIN | select.POLLHUP)
    text = b""
    try:
        while poller.poll(PATIENCE_S * 1000):
            data = os.read(report, _REPORT_BYTES_MAX)
            if not data:
                return text.splitlines(), False
            text += data
        return text.splitlines(), True
    finally:
        os.close(report)


def _ended(code: int) -> Result:
    """Of an attempt that ended its process: a filter of system calls may end it so (seccomp(2)), and no other wall."""
    outcome = Outcome.BLOCKED if code == -signal.SIGSYS else Outcome.UNCLEAR
    return Result(outcome, f"killed by {_signal(-code)}" if code < 0 else f"ended with {code}")


def _signal(number: int) -> str:
    """A signal's name; its number for one of those that have none (real-time ones)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _hung() -> Result:
    """Of an attempt that was ended because it took too long."""
    return Result(Outcome.UNCLEAR, f"nothing came of it in {PATIENCE_S} s")


@dataclass(frozen=True)
class _Running:
    attempt: Attempt
    pid: int
    report: int
    end_s: float


def _start(attempt: Attempt, given: Given) -> _Running:
    report, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            result = judged(attempt, given)
            os.write(write, json.dumps([result.outcome.value, result.detail]).encode())
        finally:
            os._exit(0)
    os.close(write)
    return _Running(attempt, pid, report, time.monotonic() + PATIENCE_S)


def _finish(running: _Running) -> Result:
    """What the child reported, or what ended it."""
    try:
        poller = select.poll()
        poller.register(running.report, select.POLLIN | select.POLLHUP)
        if not poller.poll(max(0.0, running.end_s - time.monotonic()) * 1000):
            os.kill(running.pid, signal.SIGKILL)
            os.waitpid(running.pid, 0)
            return _hung()
        text = os.read(running.report, _REPORT_BYTES_MAX)
    finally:
        os.close(running.report)
    code = os.waitstatus_to_exitcode(os.waitpid(running.pid, 0)[1])
    if not text:
        return _ended(code)
    outcome, detail = json.loads(text)
    return Result(Outcome(outcome), detail)
