"""Scans that may wait run beside the loop, a few at a time, and end when nobody waits for them any more."""

import asyncio
import threading
import time

import pytest

from ringfenced.errors import DeadlineExceeded
from ringfenced.site.scanning import GivenUpError, InThreads, OnLoop


@pytest.fixture
def threads():
    """Makes what scans beside the loop."""
    made = []

    def make(scan, threads_max=2):
        made.append(InThreads(scan, threads_max))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_what_never_waits_runs_in_the_task_that_asks():
    assert await OnLoop(lambda _: ()).run(lambda scan: (scan(""), threading.get_ident()), None) == (
        (),
        threading.get_ident(),
    )


async def test_a_scan_that_waits_for_the_loop_gets_what_the_loop_does(threads):
    """On the loop this would never end."""
    loop = asyncio.get_running_loop()

    async def found():
        return ("found",)

    def scan(_text):
        return asyncio.run_coroutine_threadsafe(found(), loop).result(10)

    assert await threads(scan).run(lambda given: given("text"), 10) == ("found",)


async def test_what_work_raises_is_raised(threads):
    with pytest.raises(ZeroDivisionError):
        await threads(lambda _: ()).run(lambda _scan: 1 / 0, None)


async def test_who_is_late_is_told_so_and_its_thread_is_free_after_the_text_it_reads(threads):
    go, ended = threading.Event(), threading.Event()

    def work(scan):
        try:
            scan("first")
            scan("second")
        except GivenUpError:
            ended.set()

    scanning = threads(lambda _text: go.wait(10) and (), threads_max=1)
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await scanning.run(work, 0.05)
    assert time.monotonic() - started_s < 5
    go.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert await scanning.run(lambda scan: scan("next"), 10) == ()


async def test_who_hangs_up_is_let_go_and_what_waits_in_line_never_begins(threads):
    go = threading.Event()
    begun, reading = [], threading.Event()

    def scan(text):
        begun.append(text)
        reading.set()
        return go.wait(10) and ()

    scanning = threads(scan, threads_max=1)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(scanning.run(lambda scan: scan("first"), None))
        second = group.create_task(scanning.run(lambda scan: scan("second"), None))
        assert await asyncio.to_thread(reading.wait, 10)
        second.cancel()
        await asyncio.sleep(0)
        go.set()
    assert first.result() == ()
    assert second.cancelled()
    assert await scanning.run(lambda scan: scan("third"), None) == ()
    assert begun == ["first", "third"]
