"""The watchdog is fed by answers alone."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.watchdog import Pulse, answered, asking_s


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "60000000"}, 15.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_manager_hears_four_times_as_often_as_it_must(environment, every_s):
    assert asking_s(environment, 7) == every_s


@given(st.dictionaries(st.sampled_from(["WATCHDOG_USEC", "WATCHDOG_PID"]), st.text(max_size=12)))
def test_whatever_stands_in_the_environment_is_no_reason_to_fail(environment):
    assert asking_s(environment, 7) >= 0


async def beats(ask, count=3):
    """What is told of the first beats."""
    told = []
    heard = asyncio.Event()

    def tell(problem):
        told.append(problem)
        if len(told) == count:
            heard.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        beating = group.create_task(Pulse(0.01, tell).beat(ask))
        await heard.wait()
        beating.cancel()
    return told


async def test_answers_feed_it():
    async def well():
        return ""

    assert await beats(well) == ["", "", ""]


async def test_what_is_wrong_is_told_and_asked_again():
    said = iter(["the log failed", "", "the log failed"])

    async def ask():
        return next(said)

    assert await beats(ask) == ["the log failed", "", "the log failed"]


async def test_silence_and_defects_are_told_without_their_text():
    async def silent():
        await asyncio.sleep(60)
        return ""

    async def broken():
        raise ValueError("what the patient said")

    assert await answered(silent, 0.01) == "no answer within 0.01 s"
    assert await answered(broken, 1) == "a defect: ValueError"


async def test_nobody_is_asked_where_nobody_waits():
    async def ask():
        raise AssertionError

    await Pulse(0.0, print).beat(ask)
