"""Departments share threads: work of each share waits for its own, and somebody else's finds a thread."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.model import Claim
from ringfenced.site.threads import FairThreads

FLOOD, OTHER = Claim(share=b"flood"), Claim(share=b"other")


class Held:
    """Work that runs until it is let go, and says in which order it began."""

    def __init__(self):
        self.began = []
        self._gates = {}

    def work(self, name):
        gate = self._gates[name] = threading.Event()

        def run():
            self.began.append(name)
            assert gate.wait(10)
            return name

        return run

    def let_go(self, name):
        self._gates[name].set()

    def let_all_go(self):
        for gate in self._gates.values():
            gate.set()

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.began) < count:  # noqa: ASYNC110 - threads begin in their own time
                await asyncio.sleep(0.001)


@pytest.fixture
def held():
    made = Held()
    yield made
    made.let_all_go()


async def started(threads, held, claim, *names):
    tasks = [asyncio.ensure_future(threads.run(held.work(name), claim, 0.01)) for name in names]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_flood_leaves_a_thread_to_the_others(held):
    """Two of three threads are all that one share has, however much of it waits."""
    threads = FairThreads(3, "test")
    flood = await started(threads, held, FLOOD, *(f"f{number}" for number in range(20)))
    await held.until(2)
    (other,) = await started(threads, held, OTHER, "other")
    await held.until(3)
    assert sorted(held.began) == ["f0", "f1", "other"]
    held.let_go("other")
    assert await other == "other"
    held.let_all_go()
    assert await asyncio.gather(*flood) == [f"f{number}" for number in range(20)]
    threads.close()


async def test_among_those_that_wait_shares_take_turns(held):
    """Where others hold all threads: the flood's twentieth does not go before another's first."""
    threads = FairThreads(2, "test")
    busy = await started(threads, held, Claim(share=b"a"), "a")
    busy += await started(threads, held, Claim(share=b"b"), "b")
    await held.until(2)
    rest = await started(threads, held, FLOOD, *(f"f{number}" for number in range(4)))
    rest += await started(threads, held, OTHER, "o0", "o1")
    for number in range(8):
        await held.until(number + 1)
        held.let_go(held.began[number])
    await asyncio.gather(*busy, *rest)
    assert [name for name in held.began[2:6] if name.startswith("o")] == ["o0", "o1"]
    threads.close()


async def test_what_is_raised_reaches_who_waits_and_the_next_goes_on():
    threads = FairThreads(2, "test")

    def broken():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await threads.run(broken, FLOOD, 0.01)
    assert await threads.run(lambda: 1, FLOOD, 0.01) == 1
    threads.close()


async def test_who_gives_up_leaves_the_line_and_what_runs_ends_by_itself(held):
    threads = FairThreads(2, "test")
    running, waiting, last = await started(threads, held, FLOOD, "running", "waiting", "last")
    await held.until(1)
    for task in (running, waiting):
        task.cancel()
    await asyncio.wait([running, waiting])
    held.let_go("running")
    await held.until(2)
    assert held.began == ["running", "last"]
    held.let_go("last")
    assert await last == "last"
    threads.close()


async def test_after_its_end_nothing_begins(held):
    threads = FairThreads(2, "test")
    running, waiting = await started(threads, held, FLOOD, "running", "waiting")
    await held.until(1)
    threads.close()
    held.let_go("running")
    assert await running == "running"
    await asyncio.sleep(0.01)
    assert held.began == ["running"]
    waiting.cancel()
    with pytest.raises(RuntimeError):
        await threads.run(lambda: 1, OTHER, 0.01)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30), st.integers(2, 4))
def test_all_that_is_waited_for_is_done_and_no_share_ever_has_all_threads(asked, count):
    """Whatever comes, and whoever gives up in between."""
    running: list[int] = []
    most = 0

    async def scenario():
        nonlocal most
        threads = FairThreads(count, "test")
        lock = threading.Lock()

        def work(share):
            nonlocal most
            with lock:
                running.append(share)
                most = max(most, running.count(share))
            with lock:
                running.remove(share)
            return share

        tasks = []
        for share, gives_up in asked:
            claim = Claim(share=bytes([share]))
            task = asyncio.ensure_future(threads.run(lambda share=share: work(share), claim, 0.001))
            tasks.append((share, gives_up, task))
            if gives_up:
                await asyncio.sleep(0)
                task.cancel()
        done = await asyncio.gather(*(task for _, _, task in tasks), return_exceptions=True)
        for (share, gives_up, _), said in zip(tasks, done, strict=True):
            assert said == share or (gives_up and isinstance(said, asyncio.CancelledError))
        threads.close()

    asyncio.run(scenario())
    assert most <= count - 1
