"""The watchdog's question of a process that serves."""

import asyncio

import pytest

from ringfence.labels import Label
from ringfence.watchdog import answered
from ringfenced.errors import Internal, Unavailable
from ringfenced.model import Caller, CallerRole
from ringfenced.site.alive import REQUEST, deciding, whose


def caller(name, *roles):
    return Caller(f"spiffe://site/{name}", "site", "ward", frozenset(roles), Label())


def test_it_is_asked_for_the_first_that_may_ask():
    callers = [caller("b", CallerRole.CALLER), caller("a", CallerRole.OPERATOR), caller("c", CallerRole.CALLER)]
    assert whose(callers) == "spiffe://site/b"
    assert whose(callers[1:2]) is None


async def test_a_plan_is_asked_for_and_nothing_else():
    asked = []

    async def plan(request, identity):
        asked.append((request, identity))

    assert await deciding(plan, "spiffe://site/b")() == ""
    assert asked == [(REQUEST, "spiffe://site/b")]


@pytest.mark.parametrize("kind", [Unavailable, Internal])
async def test_a_typed_error_is_an_answer(kind):
    """A full disk or an agent that is away must not end local work every minute."""

    async def plan(*_):
        raise kind("closed")

    assert await answered(deciding(plan, "x"), 1) == ""


async def test_a_plan_that_never_comes_and_a_defect_are_not():
    async def never(*_):
        await asyncio.Event().wait()

    async def broken(*_):
        raise KeyError("what the patient said")

    assert await answered(deciding(never, "x"), 0.01) == "no answer within 0.01 s"
    assert await answered(deciding(broken, "x"), 1) == "a defect: KeyError"


async def test_a_site_without_callers_is_only_asked_whether_its_loop_turns():
    assert await deciding(None, None)() == ""
