"""Of two runs the first to say something goes on; the other ends at once, and nothing is left running."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ringfenced.errors import Unavailable
from ringfenced.hedging import hedged
from ringfenced.model import Loading, Target, TargetKind, TextDelta

LOADING = Loading(Target(TargetKind.LOCAL, "m"), 0.5, "reading weights")
SOON_S, LATE_S, AFTER_S = 0.0, 5.0, 0.01


class Runs:
    """Two runs, and what became of them."""

    def __init__(self, first, second=()):
        self._scripts = {"first": first, "second": second}
        self.begun, self.ended, self.won = [], [], False

    async def _run(self, name):
        self.begun.append(name)
        try:
            for piece in self._scripts[name]:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    yield piece
        finally:
            self.ended.append(name)

    def __call__(self):
        def won():
            self.won = True

        return hedged(self._run("first"), lambda: self._run("second"), AFTER_S, won)

    async def texts(self):
        async with aclosing(self()) as events:
            return [event.text if isinstance(event, TextDelta) else "loading" async for event in events]


def text(word):
    return TextDelta(word, 1)


async def test_one_that_is_in_time_is_alone():
    """The second is never begun."""
    runs = Runs([text("a"), LATE_S / 100, text("b")])
    assert await runs.texts() == ["a", "b"]
    assert (runs.begun, runs.ended, runs.won) == (["first"], ["first"], False)


async def test_one_that_is_late_loses_to_the_second_and_ends_at_once():
    """Before the second goes on."""
    runs = Runs([LATE_S, text("a")], [text("b"), text("c")])
    assert await asyncio.wait_for(runs.texts(), 1.0) == ["b", "c"]
    assert (runs.ended, runs.won) == (["first", "second"], True)


async def test_of_two_that_speak_in_the_same_moment_one_ends_at_once():
    """Else both would run, and be paid for, until the answer's end."""
    both, ended = asyncio.Event(), []

    async def run(name):
        try:
            await both.wait()
            yield text(name)
            yield text(name)
        finally:
            ended.append(name)

    async with aclosing(hedged(run("first"), lambda: run("second"), AFTER_S, lambda: None)) as events:
        asyncio.get_running_loop().call_later(AFTER_S * 3, both.set)
        assert (await anext(events)).text == "first"
        assert ended == ["second"]


async def test_one_that_is_late_may_still_be_the_sooner():
    """Then the second ends at once."""
    runs = Runs([AFTER_S * 3, text("a"), text("b")], [LATE_S, text("c")])
    assert await asyncio.wait_for(runs.texts(), 1.0) == ["a", "b"]
    assert (runs.ended, runs.won) == (["second", "first"], False)


async def test_one_that_is_being_loaded_is_told_of_and_not_hedged():
    """It is away, not late."""
    runs = Runs([LOADING, AFTER_S * 3, text("a")], [text("b")])
    assert await runs.texts() == ["loading", "a"]
    assert runs.begun == ["first"]


async def test_loading_is_no_answer():
    """Neither the first's nor the second's wins."""
    runs = Runs([AFTER_S * 2, LOADING, AFTER_S * 4, text("a")], [LOADING, LATE_S])
    assert await runs.texts() == ["a"]
    assert not runs.won


async def test_where_one_fails_the_other_goes_on():
    """Whichever it is."""
    down = Unavailable("x", reason="engine_died")
    assert await Runs([AFTER_S * 2, down], [AFTER_S * 3, text("b")]).texts() == ["b"]
    assert await Runs([AFTER_S * 3, text("a")], [down]).texts() == ["a"]


async def test_where_both_fail_the_error_is_the_first_ones():
    """And both have ended."""
    runs = Runs([AFTER_S * 3, Unavailable("first")], [Unavailable("second")])
    with pytest.raises(Unavailable, match="first"):
        await runs.texts()
    assert sorted(runs.ended) == ["first", "second"]


async def test_a_failure_before_the_second_began_is_the_first_ones():
    """Who stands in then is not the hedge's affair."""
    runs = Runs([Unavailable("first")], [text("b")])
    with pytest.raises(Unavailable, match="first"):
        await runs.texts()
    assert runs.begun == ["first"]


@pytest.mark.parametrize("hang_up_after_s", [AFTER_S / 2, AFTER_S * 3])
async def test_who_hangs_up_ends_both(hang_up_after_s):
    """Before the second began, and after."""
    runs = Runs([LATE_S], [LATE_S])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(runs.texts(), hang_up_after_s)
    assert sorted(runs.begun) == sorted(runs.ended)
