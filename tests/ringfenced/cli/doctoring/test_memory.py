"""Core dumps and swap."""

import pytest

from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.memory import ProcessFacts, SwapFacts, dumps, swap


def process(core=0, dumpable=False, swapped=0):
    return ProcessFacts("ringfenced", 7, core, dumpable, swapped)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (process(), State.OK),
        (process(dumpable=None), State.OK),
        (process(core=-1), State.ERROR),
        (process(dumpable=True), State.ERROR),
        (process(core=None), State.WARNING),
    ],
)
def test_a_crash_writes_nothing_down(facts, state):
    assert dumps([facts])[0].state is state


CLEAR, SAFE = SwapFacts("/dev/sda2", is_safe=False), SwapFacts("/dev/dm-1", is_safe=True)


@pytest.mark.parametrize(
    ("processes", "places", "state"),
    [
        ([process(swapped=-1)], [], State.OK),
        ([process(swapped=-1)], [SAFE], State.OK),
        ([process(swapped=0)], [CLEAR], State.OK),
        ([], [CLEAR], State.OK),
        ([process(swapped=-1)], [SAFE, CLEAR], State.ERROR),
        ([process(swapped=4096)], [CLEAR], State.ERROR),
        ([process(swapped=None)], [CLEAR], State.WARNING),
    ],
)
def test_memory_is_swapped_to_no_disk_in_the_clear(processes, places, state):
    assert swap(processes, places).state is state
