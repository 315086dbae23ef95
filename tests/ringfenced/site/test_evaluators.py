"""Evaluators are made as the file says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.cases import case
from fakes.judged import offer, way
from ringfenced.config import BUILT_IN, Evaluator
from ringfenced.decide import decide, tokens_max
from ringfenced.evaluate.verified import Seen
from ringfenced.inputs import Circumstances, configured
from ringfenced.model import Permission
from ringfenced.site.evaluators import evaluating, reading


def setting(kind, **settings):
    return Evaluator(name="one", kind=kind, **settings)


@pytest.mark.parametrize(
    ("made", "answer", "score"),
    [
        (setting("schema"), case("[1", json_schema="{}"), 0),
        (setting("tools"), case("text"), None),
        (setting("arithmetic"), case("2 + 2 = 5"), 0),
        (setting("citations"), case("It says 77 of 77."), 0),
        (setting("logprobs", mean=-1.0), case("x", logprobs=[-4.0]), 0.25),
        (setting("pattern", must=["x"]), case("x"), 1),
        (setting("format", chars_max=3), case("four"), 0),
        (setting("verifier"), case("good"), 0.75),
    ],
)
def test_each_kind_reads_as_it_is_set(made, answer, score):
    opinion = reading(made, lambda _question, _answer: Seen(0.75))(answer)
    assert (None if opinion is None else opinion.score) == score


def test_a_verifier_that_learned_nothing_says_nothing():
    assert reading(setting("verifier"), None)(case("x")) is None


class File:
    """As much of the configuration as is read."""

    models = (type("Model", (), {"name": "house", "json_schema": True})(),)

    def __init__(self, *evaluators):
        self.evaluators = evaluators


async def made(*settings):
    def no_certificates(*_):
        raise AssertionError("a unix socket has none")

    async with evaluating(
        File(*settings), None, certificates=no_certificates, entropy=bytes, clock=lambda: 0.0, count=lambda *_: None
    ) as site:
        return site


async def test_built_in_ones_are_there_and_a_sites_own_of_that_name_stand_in_their_place():
    own = Evaluator(name="format", kind="format", chars_max=3)
    site = await made(own)
    site.check(BUILT_IN)
    assert site._judges["format"].how(case("four")).score == 0


async def test_who_costs_is_known_and_who_is_cheap_comes_first():
    site = await made(
        Evaluator(name="b", kind="consistency"),
        Evaluator(name="c", kind="judge", model="house"),
        Evaluator(name="d", kind="grpc", target="unix:/tmp/x", threshold=0.9, timeout_ms=50),
        Evaluator(name="e", kind="logprobs", tail=-1.0),
    )
    names = ("b", "c", "d", "e", "arithmetic")
    ours = way(offer(evaluators=names))
    rung = ours.decision.ladder[0]
    asked = [judge for judge in site._asked(ours, rung, is_last=False) if judge.name in names]
    assert [judge.name for judge in asked] == ["e", "arithmetic", "d", "c", "b"]
    assert {judge.name for judge in asked if judge.is_paid} == {"b", "c"}
    assert [judge.name for judge in asked if judge.needs_logprobs] == ["e"]
    assert (site._judges["d"].least_score, site._judges["d"].timeout_s) == (0.9, 0.05)
    assert site._judges["d"].label_max is not None
    assert site._judges["c"].label_max is None


async def test_a_decision_counts_with_what_is_then_held_for_judging():
    """For a model that judges and for the same one asked again, with the site's own settings."""
    site = await made(
        Evaluator(name="b", kind="consistency", samples=2, timeout_ms=700),
        Evaluator(name="c", kind="judge", model="house", rubric="Only what is true."),
        Evaluator(name="d", kind="logprobs", tail=-1.0),
    )
    assert [(one.name, one.model, one.samples, one.timeout_ms) for one in site.judges] == [
        ("b", "", 2, 700.0),
        ("c", "house", 1, 5000.0),
    ]
    small, house = offer("small", per_1k=100), offer("house", per_1k=500)
    offers = (replace(small, evaluators=("b", "c", "d"), quality=0.3), replace(house, quality=0.9))
    asked = way(*offers)
    assert asked.inputs is not None
    permission = Permission(ladder_length_max=2)
    settings = replace(asked.inputs.asked, permission=permission, tokens_max=tokens_max(asked.request))
    rich = Circumstances(10**9, None)
    asked.inputs = replace(asked.inputs, asked=settings, circumstances=rich, rating=configured(offers))
    plain, judged = decide(asked.inputs), decide(replace(asked.inputs, judges=site.judges))
    asked.decision = judged
    assert [rung.target.model for rung in judged.ladder] == ["small", "house"]
    held = site.cost_microcredits_max(asked)
    assert held > 0
    assert judged.expected.cost_microcredits_max == plain.expected.cost_microcredits_max + held
