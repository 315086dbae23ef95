"""Protocol (c): the ladder beats what reads no answer, sees what it may, and never uses weights that know a file."""

import random

import numpy as np
import pytest

from fakes.word_problems import worked
from ringfenced.learn.answers import NAMES
from routing_parts import ladder, ladder_online
from routing_parts.data import Loaded, Matrix, Pair
from routing_parts.ladder_online import DELAY, Stream, climbed, question_only
from routing_parts.ladder_prior import QUESTION, priors_for


def _pair(rows, seed=1, *, strong_answers=True):
    draw = random.Random(seed)
    made = [worked(draw) for _ in range(rows)]
    return Pair(
        name="problems",
        prompts=tuple(one.question for one in made),
        groups=("",) * rows,
        weak=np.array([one.right for one in made], np.float64),
        strong=np.array([one.strong_right for one in made], np.float64),
        weak_answers=tuple(one.answer for one in made),
        strong_answers=tuple(one.strong_answer for one in made) if strong_answers else None,
    )


@pytest.fixture(scope="module")
def pair():
    """A short stream of word problems."""
    return _pair(340)


def test_the_ladder_beats_what_reads_no_answer(pair):
    """Online from zero labels it recovers more than the router of questions, the length, and chance."""
    found = ladder.ladder(Loaded((pair,), (), (), ()), seeds=1)
    assert found is not None
    assert found.ours.apgr > 0.7
    assert found.ours.apgr > found.rows["router"].apgr + 0.05
    assert found.ours.apgr > found.rows["length"].apgr
    assert found.rows["zero_router"].apgr == pytest.approx(0.5)
    assert found.rows["oracle"].apgr > found.ours.apgr
    assert set(found.files) == {"problems"}


def test_it_is_the_same_each_time(pair):
    """Two runs give the same figures."""
    stream, priors = Stream.of(pair, b"x"), priors_for(pair.prompts)
    assert climbed(stream, priors, (0.4,)) == climbed(stream, priors, (0.4,))


def test_it_does_not_see_outcomes_before_their_time(pair):
    """Turning every outcome that the protocol hides changes no decision before the delay has passed."""
    stream = Stream.of(pair, b"x")
    priors = priors_for(pair.prompts)
    turned = Stream(stream.features, stream.hand, 1 - stream.weak, 1 - stream.strong, stream.agreed)
    parts, others = (list(ladder_online._parts(one, priors.cheap)) for one in (stream, turned))
    up = ladder_online._climb(stream, parts, priors, 0.4)
    other = ladder_online._climb(turned, others, priors, 0.4)
    assert np.array_equal(up[: DELAY + 20], other[: DELAY + 20])
    assert not np.array_equal(up, other)


def test_it_sees_the_strong_model_only_where_it_went_up(pair):
    """The strong model's outcomes of questions that were kept change nothing."""
    stream = Stream.of(pair, b"x")
    priors = priors_for(pair.prompts)
    parts = list(ladder_online._parts(stream, priors.cheap))
    up = ladder_online._climb(stream, parts, priors, 0.4)
    hidden = np.where(up, stream.strong, 1 - stream.strong)
    agreed = np.where(up, stream.agreed, 1 - stream.agreed)
    other = Stream(stream.features, stream.hand, stream.weak, hidden, agreed)
    assert np.array_equal(up, ladder_online._climb(other, parts, priors, 0.4))


def test_the_router_reads_no_answer(pair):
    """Other answers to the same questions change nothing for the router."""
    stream = question_only(Stream.of(pair, b"x"))
    other = _pair(340, strong_answers=False)
    shuffled = Pair(pair.name, pair.prompts, pair.groups, pair.weak, pair.strong, other.weak_answers[::-1])
    assert np.array_equal(stream.hand, question_only(Stream.of(shuffled, b"x")).hand)
    assert {"any_wrong", "chars", "final_none"}.isdisjoint(QUESTION)
    assert set(NAMES) >= QUESTION


def test_a_file_without_answers_or_too_short_is_left_out():
    """(c) is not run where it cannot be; the notes say why."""
    short = _pair(100)
    unanswered = Pair("mute", short.prompts, short.groups, short.weak, short.strong)
    assert ladder.ladder(Loaded((short, unanswered), (), (), ())) is None


def test_files_with_more_to_read_are_preferred():
    """Bare letters serve only where there is nothing else, and the notes say what was left out."""
    worked_pair = _pair(260)
    bare = Pair("letters", worked_pair.prompts, worked_pair.groups, worked_pair.weak, worked_pair.strong, ("A",) * 260)
    notes = []
    matrices = tuple(
        Matrix(
            name=pair.name,
            prompts=pair.prompts,
            tasks=pair.groups,
            models=ladder.PAIR,
            scores=np.stack([pair.weak, pair.strong], axis=1),
            costs=np.ones((260, 2)),
            answers={ladder.PAIR[0]: pair.weak_answers},
        )
        for pair in (worked_pair, bare)
    )
    assert [pair.name for pair in ladder._chosen(Loaded((), matrices, (), ()), notes)] == ["problems"]
    assert any("letters" in note for note in notes)
    assert [pair.name for pair in ladder._chosen(Loaded((), matrices[1:], (), ()), [])] == ["letters"]
    assert [pair.name for pair in ladder._chosen(Loaded((worked_pair,), matrices[1:], (), ()), [])] == ["problems"]
