"""Labels join across the turns of a conversation (invariant 6), and nothing runs twice under one key."""

from __future__ import annotations

from dataclasses import replace

import pytest

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


async def test_the_memory_is_bounded():
    memory = LabelMemory(lambda: 0.0, entries_max=10)
    for number in range(50):
        await memory.remember(WARD, replace(TURN, conversation_id=str(number), idempotency_key=str(number)), PHI)
    assert await memory.inherited(WARD, replace(TURN, conversation_id="0")) == Inherited()
    assert await memory.inherited(WARD, replace(TURN, conversation_id="49")) == PHI
