"""Models of the node that judge: paid within the hold, as policy allows, and booked however they end."""

from __future__ import annotations

import asyncio

import pytest

from fakes.cases import prompt
from fakes.judged import Places, offer, rung, way
from ringfence.labels import Label, Level
from ringfenced.errors import Unavailable
from ringfenced.evaluate import Case
from ringfenced.model import Answer, Sampling, TextDelta
from ringfenced.site.evaluating import NotAskedError
from ringfenced.site.judging import JudgeModel, SelfConsistency, score_of

SMALL, LARGE = offer("small", per_1k=1000), offer("large", per_1k=10_000)
TASK = "A box holds 12 apples. How many are in 3 boxes?"


def judge(places, **options):
    return JudgeModel(places, "large", "Be strict.", **{"keeps_to_schema": True, "entropy": bytes, **options})


def case_of(made, text="The answer is 36."):
    return Case(made.request.prompt, Answer(text), made.finish)


async def judged(who, made, text="The answer is 36.", seconds_max=5.0):
    return await who.judge(case_of(made, text), made, rung(SMALL), seconds_max)


def paying(**more):
    return way(SMALL, LARGE, **{"held": 100_000, "costs": (1000, 0), "text": TASK, **more})


async def test_a_judge_scores_and_what_it_used_is_booked():
    made = paying()
    opinion = await judged(judge(Places(large=['{"score": 4}'])), made)
    assert opinion.score == pytest.approx(0.4)
    assert opinion.reason == "the judge gives it 4 of 10"
    assert made.cost_microcredits == 150  # 10 tokens in, 5 out, at 10,000 for a thousand


async def test_a_judge_reads_task_and_answer_between_marks_in_confidence():
    places = Places(large=['{"score": 10}'])
    assert (await judged(judge(places), paying())).reason == ""
    ((model, asked, salt, how),) = places.asked
    system, user = (turn.parts[0].text for turn in asked.messages)
    mark = f"<<{bytes(16).hex()}>>"
    assert "Be strict." in system
    assert mark in system
    assert user == f"{mark} TASK\n{TASK}\n{mark} ANSWER\nThe answer is 36.\n{mark} END"
    assert (model, salt, asked.sampling.temperature) == ("large", bytes(16), 0.0)
    assert asked.json_schema
    assert how["deadline_ms"] == 5000


async def test_confidence_follows_the_label():
    for label, confidential in ((Label(), False), (Label(Level.RESTRICTED), True)):
        places = Places(large=['{"score": 10}'])
        await judged(judge(places, keeps_to_schema=False), paying(label=label))
        assert places.asked[0][3]["confidential"] is confidential
        assert places.asked[0][1].json_schema == ""


@pytest.mark.parametrize("text", ["", "ten", '{"score": 11}', '{"score": -1}', '{"score": true}', '{"mark": 1}', "[5]"])
def test_what_is_no_score_is_an_error_without_the_text(text):
    with pytest.raises(ValueError, match=r"^(not JSON|the judge gives no score)$"):
        score_of(text)


@pytest.mark.parametrize("text", ['{"score": 7}', 'So: {"score": 7}.', '{"score": 7.0}'])
def test_a_score_is_found(text):
    assert score_of(text) == pytest.approx(0.7)


async def test_a_judge_that_the_hold_has_nothing_left_for_is_not_asked():
    """What the rungs above may cost is not spent on judging."""
    places = Places(large=['{"score": 1}'])
    made = paying(held=100_000, costs=(0, 99_000))
    with pytest.raises(NotAskedError):
        await judged(judge(places), made)
    assert (places.asked, made.cost_microcredits) == ([], 0)


async def test_what_is_held_for_a_judge_suffices_for_what_it_is_asked_with():
    """Also where task and answer are as long as they may be."""
    made = paying(held=0, costs=(0, 0), asked=prompt(TASK, sampling=Sampling(tokens_max=100)))
    who = judge(Places(large=['{"score": 10}']))
    made.held_microcredits = who.cost_microcredits_max(made, rung(SMALL))
    assert (await judged(who, made, "four" * 100)).score == 1


def test_samples_hold_what_the_rung_itself_holds_for_each():
    who = SelfConsistency(Places(), samples=3, temperature=0.7)
    assert who.cost_microcredits_max(paying(), rung(SMALL, 70)) == 210
    assert who.cost_microcredits_max(paying(), rung(offer("gpt", provider="cloud"), 70)) == 0
    assert judge(Places()).cost_microcredits_max(way(SMALL), rung(SMALL)) == 0


@pytest.mark.parametrize("more", [{"denied": ("large",)}, {}])
async def test_a_model_that_policy_denies_or_that_is_not_there_is_not_asked(more):
    made = paying(**more) if more else way(SMALL, held=100_000)
    with pytest.raises(NotAskedError):
        await judged(judge(Places(large=['{"score": 1}'])), made)


async def test_an_answer_without_text_is_not_judged():
    assert await judged(judge(Places(large=[])), paying(), " ") is None


async def test_a_judge_that_is_left_half_way_is_paid_for_what_came():
    made = paying()
    asked = asyncio.ensure_future(judged(judge(Places(large=[TextDelta("{", 3)])), made))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert made.cost_microcredits > 30


async def test_the_same_model_is_asked_again_and_agreement_is_the_score():
    made = paying(asked=prompt(TASK, sampling=Sampling(seed=7, tokens_max=50)))
    places = Places(small=["It is 36.", "It is 35.", "The answer: 36."])
    opinion = await judged(SelfConsistency(places, samples=3, temperature=0.7), made)
    assert opinion.score == pytest.approx(2 / 3)
    assert made.cost_microcredits == 3 * 15
    assert [asked.sampling.seed for _, asked, *_ in places.asked] == [8, 9, 10]
    assert {asked.sampling.temperature for _, asked, *_ in places.asked} == {0.7}
    assert {salt for _, _, salt, _ in places.asked} == {made.salt()}


async def test_as_many_are_asked_for_as_the_hold_has_left_for():
    made = paying(held=130, costs=(0, 0), asked=prompt(TASK, sampling=Sampling(tokens_max=50)))
    places = Places(small=["It is 36."] * 3)
    assert (await judged(SelfConsistency(places, samples=3, temperature=0.7), made)).score == 1
    assert len(places.asked) == 2  # each may cost 60
    with pytest.raises(NotAskedError):
        await judged(SelfConsistency(places, samples=3, temperature=0.7), paying(held=10, costs=(0, 0)))


async def test_samples_that_fail_or_are_late_do_not_count():
    places = Places(small=["It is 36.", Unavailable("gone")])
    opinion = await judged(SelfConsistency(places, samples=3, temperature=0.7), paying(), seconds_max=0.2)
    assert opinion.score == 1
    with pytest.raises(TimeoutError):
        await judged(SelfConsistency(Places(small=[]), samples=1, temperature=0.7), paying(), seconds_max=0.05)


async def test_a_providers_answer_is_not_asked_for_again():
    cloud = offer("gpt", provider="cloud")
    made = way(cloud, held=1000)
    who = SelfConsistency(Places(), samples=1, temperature=0.7)
    assert await who.judge(case_of(made), made, rung(cloud), 1.0) is None
