"""Labels join across the turns of a conversation (invariant 6), and nothing runs twice under one key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfenced.errors import InvalidRequest
from ringfenced.model import Caller, Inherited, Prompt, Request
from ringfenced.store.memory import KEEP_S, LabelMemory

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
OTHER = replace(WARD, identity="spiffe://site/other")
TURN = Request("r", Prompt(()), conversation_id="c")
PHI = Inherited(Label(Level.CONFIDENTIAL, frozenset({Category.PHI})), Label(Level.INTERNAL))


async def test_a_label_stays_with_its_conversation_and_only_rises():
    memory = LabelMemory(lambda: 0.0)
    await memory.remember(WARD, TURN, PHI)
    await memory.remember(WARD, TURN, Inherited())
    assert await memory.inherited(WARD, TURN) == PHI
    assert await memory.inherited(WARD, replace(TURN, conversation_id="d")) == Inherited()
    assert await memory.inherited(OTHER, TURN) == Inherited()


async def test_sources_join_over_turns_of_a_conversation_and_steps_of_a_run():
    memory = LabelMemory(lambda: 0.0)
    for run, source in (("", "lab"), ("r", "news"), ("r", "")):
        turn = Inherited(sources=frozenset({source} - {""}))
        await memory.remember(WARD, replace(TURN, run_id=run), turn)
    assert (await memory.inherited(WARD, TURN)).sources == {"lab", "news"}
    assert (await memory.inherited(WARD, replace(TURN, conversation_id="", run_id="r"))).sources == {"news"}


async def test_a_run_and_a_conversation_of_one_name_are_two():
    memory = LabelMemory(lambda: 0.0)
    await memory.remember(WARD, TURN, PHI)
    assert await memory.inherited(WARD, Request("r", Prompt(()), run_id="c")) == Inherited()


async def test_a_key_is_taken_once_an_hour():
    now = [0.0]
    memory = LabelMemory(lambda: now[0])
    keyed = replace(TURN, idempotency_key="k")
    await memory.remember(WARD, keyed, Inherited())
    with pytest.raises(InvalidRequest) as caught:
        await memory.remember(WARD, keyed, Inherited())
    assert caught.value.reason == "duplicate_request"
    await memory.remember(OTHER, keyed, Inherited())
    now[0] = KEEP_S + 1
    await memory.remember(WARD, keyed, Inherited())


def turn(name):
    return replace(TURN, conversation_id=name, idempotency_key=name)


async def test_a_label_that_is_pushed_out_does_not_go_down():
    """Invariant 6: what a caller names anew counts as labelled like what went for want of room."""
    now = [0.0]
    memory = LabelMemory(lambda: now[0], entries_max=10)
    await memory.remember(WARD, turn("0"), PHI)
    for number in range(1, 50):
        await memory.remember(WARD, turn(str(number)), Inherited())
    for name in ("0", "of which nobody heard"):
        found = await memory.inherited(WARD, replace(TURN, conversation_id=name))
        assert (found.label, found.label_asserted, found.target) == (PHI.label, PHI.label_asserted, None)
    await memory.remember(WARD, turn("again"), Inherited())
    assert (await memory.inherited(WARD, replace(TURN, conversation_id="again"))).label == PHI.label
    now[0] = KEEP_S + 1
    assert await memory.inherited(WARD, replace(TURN, conversation_id="0")) == Inherited()


async def test_what_is_older_than_an_hour_labels_nothing_when_it_goes():
    now = [0.0]
    memory = LabelMemory(lambda: now[0], entries_max=10)
    await memory.remember(WARD, turn("0"), PHI)
    now[0] = KEEP_S + 1
    assert (await memory.inherited(WARD, replace(TURN, conversation_id="0"))).label == PHI.label
    for number in range(1, 50):
        await memory.remember(WARD, turn(str(number)), Inherited())
    assert await memory.inherited(WARD, replace(TURN, conversation_id="0")) == Inherited()


async def test_a_flood_of_one_caller_takes_nothing_from_another():
    """Invariant 8: neither labels nor keys of others go for it."""
    memory = LabelMemory(lambda: 0.0, entries_max=10)
    await memory.remember(WARD, turn("0"), PHI)
    for number in range(50):
        await memory.remember(OTHER, turn(str(number)), Inherited())
    assert await memory.inherited(WARD, replace(TURN, conversation_id="0")) == PHI
    assert await memory.inherited(WARD, replace(TURN, conversation_id="1")) == Inherited()
    with pytest.raises(InvalidRequest):
        await memory.remember(WARD, turn("0"), Inherited())


@given(
    st.lists(
        st.tuples(st.sampled_from((WARD, OTHER)), st.sampled_from("abcdef"), st.sampled_from(Level), st.floats(0, 900)),
        max_size=60,
    )
)
async def test_no_label_goes_down_within_an_hour(turns):
    """Whatever callers do, and however little room there is."""
    now = [0.0]
    memory = LabelMemory(lambda: now[0], entries_max=4)
    highest = {}
    for caller, name, level, seconds in turns:
        now[0] += seconds
        request = replace(TURN, conversation_id=name)
        before, left_s = highest.get((caller.identity, name), (Level.PUBLIC, now[0]))
        if now[0] - left_s <= KEEP_S:
            assert (await memory.inherited(caller, request)).label.level >= before
        else:
            before = Level.PUBLIC
        await memory.remember(caller, request, Inherited(Label(level)))
        highest[caller.identity, name] = (max(before, level), now[0])
