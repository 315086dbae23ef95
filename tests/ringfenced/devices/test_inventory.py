"""One sample for all who ask, and a driver that hangs holds nobody up."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from ringfenced.device import DeviceFacts
from ringfenced.devices.inventory import WAIT_S, Inventory, memory_free_bytes

CPU = DeviceFacts("cpu", "cpu", "2 x x86_64", memory_free_bytes=50)
GPU = DeviceFacts("GPU-a", "gpu", "H200", memory_free_bytes=60)


class Host:
    def sample(self):
        return CPU


class Gpus:
    """A driver that can be made to hang."""

    def __init__(self):
        self.facts = (GPU,)
        self.samples = self.lingered = self.closed = 0
        self.goes = threading.Event()
        self.goes.set()

    def sample(self):
        self.samples += 1
        self.goes.wait()
        return self.facts

    def linger(self):
        self.lingered += 1

    def close(self):
        self.closed += 1


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def gpus():
    return Gpus()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def devices(gpus, clock):
    made = Inventory(Host, lambda: gpus, clock)
    yield made
    gpus.goes.set()
    made.close()
    assert gpus.closed <= 1


def ids(facts):
    return [each.id for each in facts]


async def test_a_sample_serves_all_who_ask_within_its_interval(devices, gpus, clock):
    assert ids(await devices.fresh()) == ["cpu", "GPU-a"]
    assert await devices.fresh() == devices.inventory() == devices.inventory()
    assert gpus.samples == 1
    clock.now_s += 1.1
    assert ids(devices.inventory()) == ["cpu", "GPU-a"]
    assert gpus.samples == 2


async def test_watchers_at_the_same_time_share_one_sample(devices, gpus):
    gpus.goes.clear()
    waiting = [asyncio.ensure_future(devices.fresh(0.05)) for _ in range(20)]
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in waiting)
    gpus.goes.set()
    assert {tuple(ids(told)) for told in await asyncio.gather(*waiting)} == {("cpu", "GPU-a")}
    assert gpus.samples == 1


async def test_nothing_is_read_while_nobody_asks(gpus, clock):
    Inventory(Host, lambda: gpus, clock)
    assert gpus.samples == 0


async def test_the_first_question_need_not_be_waited_for(devices, gpus):
    gpus.goes.clear()
    assert devices.inventory() == ()
    gpus.goes.set()
    assert ids(await devices.fresh()) == ["cpu", "GPU-a"]


async def test_a_driver_that_hangs_holds_its_caller_up_once_and_is_then_out(devices, gpus, clock):
    await devices.fresh()
    gpus.goes.clear()
    clock.now_s += 2
    assert ids(devices.inventory()) == ["cpu", "GPU-a"]  # waits for WAIT_S
    clock.now_s += WAIT_S
    began_s = time.monotonic()
    for _ in range(20):
        assert [each.excluded_rule for each in devices.inventory()] == ["", ""]
    assert time.monotonic() - began_s < WAIT_S
    clock.now_s += 5
    told = devices.inventory()
    assert [each.excluded_rule for each in told] == ["", "silent"]
    assert told[0] == CPU
    assert memory_free_bytes(told) == {"cpu": 50}
    assert [each.excluded_rule for each in await devices.fresh()] == ["", "silent"]
    gpus.facts = (replace(GPU, is_complete=False),)
    gpus.goes.set()
    for _ in range(100):
        if gpus.samples and devices.inventory()[1].excluded_rule != "silent":
            break
        await asyncio.sleep(0.01)
    assert devices.inventory()[1].excluded_rule == "returning"
    gpus.facts = (GPU,)
    clock.now_s += 2
    assert (await devices.fresh())[1].excluded_rule == ""


async def test_a_watcher_that_leaves_leaves_the_others(devices, gpus):
    gpus.goes.clear()
    leaving = asyncio.ensure_future(devices.fresh())
    staying = asyncio.ensure_future(devices.fresh())
    await asyncio.sleep(0.01)
    leaving.cancel()
    gpus.goes.set()
    assert ids(await staying) == ["cpu", "GPU-a"]


async def test_a_loop_that_ended_does_not_stop_the_thread(devices, gpus):
    gpus.goes.clear()

    def briefly():
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(devices.fresh(), 0.01))

    await asyncio.to_thread(briefly)
    gpus.goes.set()
    assert ids(await devices.fresh()) == ["cpu", "GPU-a"]


def test_closing_lets_the_driver_go(gpus, clock):
    made = Inventory(Host, lambda: gpus, clock)
    made.inventory()
    made.close()
    assert (gpus.closed, gpus.lingered) == (1, 1)
    assert ids(made.inventory()) == ["cpu", "GPU-a"]
    assert gpus.samples == 1


def test_only_devices_that_may_be_used_have_memory_to_take():
    out = replace(GPU, id="GPU-b", excluded_rule="lost")
    unknown = replace(CPU, memory_free_bytes=None)
    assert memory_free_bytes((unknown, GPU, out)) == {"GPU-a": 60}
