"""Means by kind of request, drawn towards what is configured."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.means import PRIOR, RECENT, Means, fit
from ringfenced.learn.outcome import BadState, Features, Outcome

FEATURES = Features(np.zeros(1, np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))
UNIT = st.floats(0, 1, width=32)


def outcome(segment, model, score):
    return Outcome(FEATURES, segment, model, score, 1.0, 5, 7, "evaluator")


def learned(*outcomes):
    return fit(outcomes, configured={}, costs={}, seed=0)


def rated(means, segment, models, configured):
    return means.rated(FEATURES, segment, models, np.array(configured, np.float32))


def test_few_answers_move_it_a_little_and_many_far():
    few = rated(learned(*[outcome("t", "m", 0.0)] * 2), "t", ("m",), [0.6])
    many = rated(learned(*[outcome("t", "m", 0.0)] * 200), "t", ("m",), [0.6])
    assert few.quality[0] == pytest.approx(PRIOR * 0.6 / (PRIOR + 2))
    assert many.quality[0] < 0.02
    assert 0 < many.uncertainty[0] < few.uncertainty[0] < 0.5


def test_what_is_unknown_counts_as_configured():
    means = learned(outcome("t", "m", 0.0))
    for segment, model in (("t", "other"), ("u", "m")):
        one = rated(means, segment, (model,), [0.75])
        assert (one.quality[0], one.uncertainty[0], one.learned[0]) == (0.75, 0.0, False)
    assert rated(means, "t", (), []).quality.shape == (0,)


def test_what_was_long_ago_does_not_count():
    means = learned(*[outcome("t", "m", 0.0)] * RECENT, *[outcome("t", "m", 1.0)] * RECENT)
    assert rated(means, "t", ("m",), [0.5]).quality[0] > 0.99


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("mn"), UNIT)), UNIT)
def test_it_lies_between_what_was_said_and_what_is_configured_and_survives_the_file(rows, configured):
    means = learned(*(outcome(*row) for row in rows))
    again = Means.from_bytes(means.to_bytes())
    for segment in "abc":
        one, other = (rated(each, segment, ("m", "n"), [configured] * 2) for each in (means, again))
        assert (one.quality == other.quality).all()
        for at, model in enumerate("mn"):
            said = [score for kind, name, score in rows if (kind, name) == (segment, model)]
            assert one.learned[at] == bool(said)
            assert min([*said, configured]) - 1e-5 <= one.quality[at] <= max([*said, configured]) + 1e-5
            assert 0 <= one.uncertainty[at] <= 0.5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"t": 1}',
        b'{"t": {"m": [1]}}',
        b'{"t": {"m": [2, 1]}}',
        b'{"t": {"m": [NaN, 1]}}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_nonsense_is_refused(content):
    with pytest.raises(BadState):
        Means.from_bytes(content)


@given(st.binary(max_size=100))
def test_any_bytes_are_means_or_refused(content):
    with contextlib.suppress(BadState):
        Means.from_bytes(content)
