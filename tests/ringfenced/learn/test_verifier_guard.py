"""A verifier that was taught here judges only where it ranks answers no worse than the shipped one."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.word_problems import worked
from ringfenced.learn import verifier_guard
from ringfenced.learn.answers import read_answer
from ringfenced.learn.verifier_fit import Judged, refit
from ringfenced.learn.verifier_guard import LABELS_MIN, choose
from ringfenced.learn.verifier_prior import SHIPPED, Prior


@pytest.fixture(scope="module")
def shipped():
    return Prior.from_bytes(SHIPPED.read_bytes()).cheap


@pytest.fixture(scope="module")
def answers():
    """Worked answers with their worth, each to a question of its own."""
    draw = random.Random(5)
    made = [worked(draw) for _ in range(240)]
    return [Judged(read_answer(m.question, m.answer), float(m.right), request=n) for n, m in enumerate(made)]


def test_one_owner_alone_does_not_teach_what_a_good_answer_is(shipped, answers):
    """A department that rates every answer the wrong way round, three times as often as the others theirs."""
    wrong = [
        replace(one, score=1 - one.score, owner=b"c", request=one.request + 1000 * n)
        for one in answers
        for n in (1, 2, 3)
    ]
    right = [replace(one, owner=b"ab"[one.request % 2 :][:1]) for one in answers]
    assert not choose(shipped, [*right, *wrong]).facts.refitted


def test_what_was_learned_judges_where_it_ranks_no_worse(shipped, answers):
    chosen = choose(shipped, answers)
    assert chosen.facts.refitted
    assert chosen.facts.rank_refitted > chosen.facts.rank_shipped
    assert chosen.facts.labels == chosen.verifier.labels == 240
    assert "no worse" in chosen.facts.why


def test_labels_that_are_chance_leave_the_shipped_one(shipped, answers):
    """It ranks the right ones well; labels by lot are learned from for nothing."""
    draw = random.Random(3)
    lots = [replace(one, score=float(draw.random() < 0.5)) if draw.random() < 0.7 else one for one in answers[:80]]
    chosen = choose(shipped, lots, seed=1)
    assert chosen.verifier is None
    assert not chosen.facts.refitted
    assert chosen.facts.rank_refitted < chosen.facts.rank_shipped
    assert "worse" in chosen.facts.why


def test_few_labels_and_labels_all_alike_leave_the_shipped_one(shipped, answers):
    few = choose(shipped, answers[: LABELS_MIN - 1])
    assert (few.verifier, few.facts.rank_refitted) == (None, None)
    assert "too few" in few.facts.why
    alike = choose(shipped, [replace(one, score=1.0) for one in answers[:40]])
    assert alike.verifier is None
    assert "alike" in alike.facts.why


def test_one_request_alone_cannot_be_held_out(shipped, answers):
    assert choose(shipped, [replace(one, request=7) for one in answers[:40]]).verifier is None


def test_the_same_labels_give_the_same_bytes_and_always_from_the_shipped_one(shipped, answers):
    one, two = (choose(shipped, answers[:120], seed=3) for _ in range(2))
    assert one.facts == two.facts
    assert one.verifier.to_bytes() == two.verifier.to_bytes() == refit(shipped, answers[:120], seed=3).to_bytes()


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.integers(0, 2**32 - 1))
def test_answers_to_one_request_are_held_out_together_and_all_are(requests, seed):
    judged = [Judged(None, 0.0, request=one) for one in requests]
    held = list(verifier_guard._parts(judged, seed))
    if len(set(requests)) > 1:
        assert np.sum(held, axis=0).tolist() == [verifier_guard.DEALS] * len(requests)
    for part in held:
        told = {one for one, is_held in zip(requests, part, strict=True) if is_held}
        assert all(is_held == (one in told) for one, is_held in zip(requests, part, strict=True))


def test_ranking_counts_differences_by_how_far_labels_are_trusted():
    good = np.array([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5], [0.5, 0.5, 0.5]])
    wins, pairs = verifier_guard._ordered(good, np.array([1.0, 0.0, 0.5]), np.array([1.0, 1.0, 0.5]))
    assert pairs == pytest.approx(1.0 + 0.25 + 0.25)
    assert (wins / pairs).tolist() == pytest.approx([1.0, 0.0, 0.5])
