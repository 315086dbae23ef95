"""Targets that give no answer: who stands in, who is left alone, and what never leaves because of it."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.agent import folder as agent_folder
from fakes.provider import HANG, StandInProvider, answer, failure
from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

SPARE = """
[[providers]]
name = "spare"
region = "eu"
clearance = { level = "INTERNAL" }
[[providers.models]]
name = "gpt-b"
quality = 0.95
price = { prompt_microcredits_per_1k = 2600, completion_microcredits_per_1k = 11000 }
speed = { first_token_ms = 20, token_ms = 1 }
"""
AGENT_SPARE = """
[[providers]]
name = "spare"
kind = "openai"
base_url = "{base_url}"
authority = "provider-ca.pem"
api_key_file = "api.key"
region = "eu"
contract = "DPA 2026-02"
allow_private_addresses = true
attempts_max = 1
clearance = {{ level = "INTERNAL" }}
models = {{ gpt-b = "other-2026-01-02" }}
"""
QUESTION = {"label": Label(Level.PUBLIC), "quality_min": 0.9}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair():
    """A site with two providers, the second a little dearer."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    agent_folder(folder, "https://localhost:1/v1")  # the certificates
    async with StandInProvider(folder) as spare:
        spare.script[:] = [answer("from", " spare")]
        async with open_site(folder, extra=SPARE, agent_extra=AGENT_SPARE.format(base_url=spare.base_url)) as made:
            made.provider.on_request = None
            yield made, spare
    shutil.rmtree(folder)


def ran(answered):
    return [target.model for target in answered.receipt.ran]


async def events(client, text, **options):
    return [event async for event in client.generate(text, **options)]


def escalations(seen):
    return [
        (getattr(event.escalation, "from").model, event.escalation.to.model, event.escalation.reason)
        for event in seen
        if event.WhichOneof("event") == "escalation"
    ]


async def refusals(client, **options):
    """Why each target was refused, by model."""
    plan = await client.plan("Which organ?", **options)
    return {one.target.model: one.reason for one in plan.decision.candidates if not one.chosen}


async def test_a_provider_that_limits_is_stood_in_for_and_left_alone_until_it_said(pair):
    """The caller gets its answer and is told; the next ones go elsewhere at once, and come back after a while."""
    site, _ = pair
    client = site.client()
    site.provider.script[:] = [failure(429, "Retry-After: 6")]
    seen = await events(client, "Which organ filters blood?", **QUESTION)
    assert [(source, destination) for source, destination, _ in escalations(seen)] == [("gpt", "gpt-b")]
    assert "limits how often" in escalations(seen)[0][2]
    assert ran(seen[-1]) == ["gpt", "gpt-b"]
    assert len(seen[-1].receipt.egress) == 3  # the failure's outcome, and the answer's intent and outcome
    asked = len(site.provider.bodies)

    assert ran(await client.generate_text("And which one pumps it?", **QUESTION)) == ["gpt-b"]
    assert len(site.provider.bodies) == asked
    assert "it limits how often it is asked" in (await refusals(client, **QUESTION))["gpt"]
    models = {model.name: model for model in await site.client("operator").models()}
    assert list(models["gpt"].closed) == ["rate_limited for 1 tenant"]

    site.provider.script[:] = [answer("back", " again")]
    async with asyncio.timeout(60):
        while ran(back := await client.generate_text("Which one breathes?", **QUESTION)) == ["gpt-b"]:  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.2)
    assert (back.text, ran(back)) == ("back again", ["gpt"])
    assert len(site.provider.bodies) == asked + 1
    assert not {model.name: model for model in await site.client("operator").models()}["gpt"].closed
    wallet = await client.wallet()
    assert wallet.held_microcredits == 0


SPENT_RATE = (
    "x-ratelimit-limit-requests: 60",
    "x-ratelimit-remaining-requests: 0",
    "x-ratelimit-reset-requests: 1m20s",  # a twentieth of the sixty is back after 4 s
)


async def test_a_provider_whose_rate_is_spent_is_passed_over_until_some_of_it_is_back(pair):
    """Its last answer said so, and was whole; nobody has to be turned away to find out."""
    site, _ = pair
    client = site.client()
    async with asyncio.timeout(60):
        while "alone" in (await refusals(client, **QUESTION)).get("gpt", ""):  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.2)
    site.provider.script[:] = [answer("the last one", headers=SPENT_RATE), answer("some more")]
    assert (await client.generate_text("Which organ?", **QUESTION)).text == "the last one"
    async with asyncio.timeout(10):
        while "spent" not in (why := (await refusals(client, **QUESTION)).get("gpt", "")):  # noqa: ASYNC110 - told within a second
            await asyncio.sleep(0.1)
    assert re.fullmatch(r"its rate of requests is spent until \d\d:\d\d:\d\d UTC", why)
    asked = len(site.provider.bodies)
    assert ran(await client.generate_text("And which one pumps?", **QUESTION)) == ["gpt-b"]
    assert len(site.provider.bodies) == asked
    async with asyncio.timeout(30):
        while ran(back := await client.generate_text("And which one breathes?", **QUESTION)) == ["gpt-b"]:  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.2)
    assert (back.text, ran(back)) == ("some more", ["gpt"])


async def test_a_provider_that_fails_with_500_is_left_alone_after_a_few(pair):
    """Each of them was answered all the same."""
    site, _ = pair
    client = site.client()
    site.provider.script[:] = [failure(500)]
    answered = []
    async with asyncio.timeout(60):
        while "for it failed" not in (await refusals(client, **QUESTION)).get("gpt", ""):
            answered.append(ran(await client.generate_text("Which organ?", **QUESTION)))
    assert answered[0] == ["gpt", "gpt-b"]
    assert all(targets[-1] == "gpt-b" for targets in answered)
    site.provider.script[:] = [answer("back")]


async def test_what_a_caller_does_wrong_keeps_nobody_away(pair):
    """A request that the provider rejects is rejected, as often as it comes; the next caller's is answered."""
    site, spare = pair
    client = site.client()
    spare.script[:] = [failure(400)]
    asked = {"label": Label(Level.PUBLIC), "model": "gpt-b"}
    for _ in range(8):
        with pytest.raises(RingfenceCallError):
            await client.generate_text("Which organ?", **asked)
    spare.script[:] = [answer("fine")]
    assert (await client.generate_text("Which organ?", **asked)).text == "fine"


async def test_a_provider_that_hangs_is_not_waited_for_beyond_the_deadline(pair):
    """What left is paid whole, nothing is held after it, and one caller's haste closes nothing."""
    site, spare = pair
    client = site.client()
    spare.script[:] = [[HANG]]
    for _ in range(4):
        with pytest.raises(RingfenceCallError):
            await client.generate_text("Which organ?", label=Label(Level.PUBLIC), model="gpt-b", deadline_s=0.5)
    assert (await client.wallet()).held_microcredits == 0
    spare.script[:] = [answer("fine")]
    assert (await client.generate_text("Which?", label=Label(Level.PUBLIC), model="gpt-b")).text == "fine"


async def mended(site, client):
    """The first provider answers again, and this caller's requests go to it."""
    site.provider.script[:] = [answer("well", " again")]
    async with asyncio.timeout(60):
        while ran(await client.generate_text("Which one breathes?", **QUESTION)) == ["gpt-b"]:  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.2)


async def test_one_callers_requests_that_make_a_provider_fail_close_it_to_that_caller_alone(pair):
    """By the daemon's breakers and by the agent's, however often it sends them."""
    site, spare = pair
    client = site.client()
    await mended(site, client)  # of what a test before this one left
    tries = len(site.provider.bodies)
    for number in range(5):
        site.provider.script[:] = [failure(500)]
        spare.script[:] = [answer("from", " spare")]
        assert (await client.generate_text(f"What breaks you, {number}?", **QUESTION)).text == "from spare"
    assert len(site.provider.bodies) - tries >= 5  # enough for the agent's breaker, were they of two callers
    assert re.search("left alone for another .* s by this caller", (await refusals(client, **QUESTION))["gpt"])
    models = {model.name: model for model in await site.client("operator").models()}
    assert list(models["gpt"].closed) == ["overloaded for 1 tenant"]
    await asyncio.sleep(1.2)  # the agent tells once a second whom it leaves alone
    others = await refusals(site.client("caller-billing"), **QUESTION)
    assert "left alone" not in others["gpt"]
    assert "credits" in others["gpt"]  # of which it has none; it is the other rule that a plan would name first
    await mended(site, client)


DIES = '/script {"crash_after": 0}'
NOTE_DIES = '/script {"crash_after": 0, "text": "Patient: Quillon Abernethy, MRN: 77120093"}'


async def test_an_engine_that_dies_is_stood_in_for_only_where_the_label_allows(pair):
    """A public question goes to a provider; a note stays, whatever else is open and permitted (invariant 8)."""
    site, spare = pair
    site.provider.script[:] = [answer("from", " cloud")]
    before = (len(site.provider.raw), len(spare.raw))
    restricted = {"label": Label(Level.RESTRICTED), "permission": types.Permission(deidentified_egress=True)}
    for options in ({}, restricted):
        with pytest.raises(RingfenceCallError) as caught:
            await site.client().generate_text(NOTE_DIES, **options)
        assert caught.value.code.name == "UNAVAILABLE"
        await site.well()
    assert (len(site.provider.raw), len(spare.raw)) == before
    seen = await events(site.client(), DIES, label=Label(Level.PUBLIC))
    assert escalations(seen)[0][0] == "house"
    assert ran(seen[-1]) in (["house", "gpt"], ["house", "gpt-b"])  # the first may be left alone still
    assert (len(site.provider.raw), len(spare.raw)) != before
    await site.well()
    assert (await site.client().wallet()).held_microcredits == 0


async def test_what_is_measured_stands_beside_what_is_configured(pair):
    """And is what a plan counts with."""
    site, _ = pair
    client = site.client()
    for _ in range(8):
        await client.generate_text('/script {"tokens": 20, "first_ms": 300}')
    await asyncio.sleep(0.3)
    house = next(model for model in await site.client("operator").models() if model.name == "house")
    assert house.configured.first_token_ms == 5
    assert house.measured.answers >= 6
    assert house.measured.first_token_ms >= 290
    plan = await client.plan("And now?")
    (estimate,) = [one.estimate for one in plan.decision.candidates if one.target.model == "house"]
    assert estimate.latency_ms >= 290


HEDGED = """
[routing]
hedge_after_ms = 200
[[models]]
name = "second"
engine = "command"
command = ["{python}", "-P", "-m", "ringfenced.engines.scripted", "--interval-ms", "2"]
quality = 0.6
price = {{ prompt_microcredits_per_1k = 30, completion_microcredits_per_1k = 90 }}
"""


async def test_a_line_before_the_first_model_brings_the_answer_from_the_second():
    """Somebody waits for it: whoever is sooner answers, the other costs nothing and is gone."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, sequences=1, extra=HEDGED.format(python=sys.executable)) as made:
        client = made.client()
        long = client.generate('/script {"tokens": 4000, "interval_steps": 5}', model="house")
        while (await anext(long)).WhichOneof("event") != "text":
            pass
        hedged = await client.generate_text("/echo here I am")
        assert (hedged.text, ran(hedged)) == ("here I am", ["house", "second"])
        await long.aclose()
        assert ran(await client.generate_text("/echo and now")) == ["house"]
        assert (await client.wallet()).held_microcredits == 0
        assert not any(model.requests_running for model in await made.client("operator").models())
    shutil.rmtree(folder)
