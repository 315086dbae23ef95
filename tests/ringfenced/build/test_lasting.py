"""What runs beside a context ends with it, and what goes wrong in it is not silent."""

import asyncio

import pytest

from ringfenced.build.lasting import meanwhile


async def test_it_runs_as_long_as_the_context():
    told = []

    async def lasting():
        try:
            told.append("runs")
            await asyncio.Event().wait()
        finally:
            told.append("ended")

    async with meanwhile(lasting(), lasting()):
        await asyncio.sleep(0)
        assert told == ["runs", "runs"]
    assert told == ["runs", "runs", "ended", "ended"]


async def test_what_fails_ends_the_context():
    async def failing():
        raise OSError("the disk is full")

    with pytest.raises(ExceptionGroup) as caught:
        async with meanwhile(failing()):
            await asyncio.Event().wait()
    assert [str(error) for error in caught.value.exceptions] == ["the disk is full"]
