"""A process that is asked once: its answer, its end, and that nothing of it is left."""

import asyncio
import os
import sys

import psutil
import pytest

from ringfenced.engines.child import Child

ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.stderr.write('said'); sys.exit(3)"
SLEEP = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def started(program):
    return Child((sys.executable, "-c", program), variables={"PATH": os.environ["PATH"]})


async def test_it_is_given_a_question_and_its_answer_comes_with_its_end():
    child = started(ECHO)
    assert await child.ask(b"abc" * 100_000, 30) == (b"cba" * 100_000, b"said")
    assert child.returncode == 3
    await child.wait()
    child.kill()  # nothing


async def test_one_that_leaves_without_reading_breaks_nothing():
    child = started("raise SystemExit(1)")
    assert await child.ask(b"x" * 1_000_000, 30) == (b"", b"")
    assert child.returncode == 1


async def test_one_that_takes_too_long_is_gone_with_what_it_started():
    child = started(SLEEP)
    with pytest.raises(TimeoutError):
        await child.ask(b"", 0.5)
    assert child.returncode == -9
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if "time.sleep(60)" in (one.info["cmdline"] or [""])[-1]
    ]


async def test_who_is_cancelled_leaves_no_process():
    child = started(SLEEP)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(child.ask(b"", 30))
        await asyncio.sleep(0.3)
        asking.cancel()
    assert child.returncode == -9
    await asyncio.wait_for(child.wait(), 5)


def test_one_that_cannot_be_started_says_so():
    async def start():
        Child(("/nonexistent/program",), variables={})

    with pytest.raises(FileNotFoundError):
        asyncio.run(start())
