"""Certificates renewed under load, a few times quickly: `make test-rotation` does it for minutes."""

from dataclasses import replace

import pytest

from rotation import Run, failing, markdown, under_load

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

GOOD = Run(
    seconds=20.0,
    rotations=2,
    shown=2,
    requests={"unary": 5, "local stream": 1, "stream through the agent": 1},
    spanning=1,
    certificates={"daemon": 3, "agent": 3},
    connections_left=1,
)


async def test_no_call_fails_while_every_certificate_and_the_authority_are_replaced(site):
    run = await under_load(site, rotations=3, every_s=2.0, unary=1, streams=1)
    assert (failing(run), run.failures) == ([], {})


@pytest.mark.parametrize(
    "change",
    [
        {"failures": {"unary: UNAVAILABLE": 1}},
        {"requests": {"unary": 5}},
        {"spanning": 0},
        {"shown": 1},
        {"certificates": {"daemon": 1, "agent": 3}},
        {"certificates": {"daemon": 3, "agent": 1}},
        {"connections_left": 3},
    ],
)
async def test_whatever_falls_short_is_said(change):
    assert failing(GOOD) == []
    run = replace(GOOD, **change)
    assert len(failing(run)) == 1
    assert failing(run)[0] in markdown({"cores": 2}, run)
