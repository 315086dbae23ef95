"""The benchmark of deciding measures every part, beside a reference that decides the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import decide as bench
from decide_parts import made
from fakes.plain_decide import plain_decide
from ringfenced.decide import asked_of, decide
from ringfenced.inputs import Circumstances, Inputs, unruled


def test_every_part_is_measured_and_told():
    told, samples = bench.measure(10, 120, 10, 2)
    rows = [{"candidates": size, **{part: bench.summary(samples[part]) for part in samples}} for size in (10, 20)]
    text = bench.report(rows, told)
    for part in (*bench.PARTS, "plain"):
        assert len(samples[part]) > 0
        assert part in text


def test_what_is_measured_is_the_same_decision_as_the_references():
    """On a made-up site of fifty targets, ladders of three, exploration and all."""
    offers = made.offers(50)
    _, rate = made.rate(offers)
    ladders, explored = set(), 0
    for one in made.askings(60, 50, ladder=3):
        asked = asked_of(one.request, one.caller, one.classification)
        rating = replace(rate(one.request, asked, offers), uncertainty=np.full(50, 0.3))  # so that there is to learn
        moment = Circumstances(10**9, 60_000.0, last=offers[one.last].target, cached_chars=200, draw=one.draw / 10)
        inputs = Inputs(asked, offers, rating, unruled(offers, "d"), moment)
        decision = decide(inputs)
        assert decision == plain_decide(inputs)
        ladders.add(len(decision.ladder))
        explored += decision.explored
    assert ladders & {2, 3}
    assert explored


def test_so_many_policies_are_made():
    assert made.cedar(100).count("@id(") == 100
