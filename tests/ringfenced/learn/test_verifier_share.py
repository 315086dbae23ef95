"""A threshold that keeps to a share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.verifier_share import escalates


def _run(scores, share):
    up = []
    for place, score in enumerate(scores):
        up.append(escalates(score, scores[max(0, place - 200) : place], share, asked=place, escalated=sum(up)))
    return np.array(up)


@given(st.floats(0.05, 0.95), st.integers(0, 1000))
def test_the_share_is_kept(share, seed):
    """Over some hundred questions the share comes out within 3 points."""
    scores = np.random.default_rng(seed).normal(size=600)
    assert _run(scores, share).mean() == pytest.approx(share, abs=0.03)


def test_higher_scores_go_first():
    """What gains more is what goes up."""
    scores = np.random.default_rng(1).normal(size=600)
    up = _run(scores, 0.3)
    assert scores[up].mean() > 0.8
    assert scores[~up].mean() < -0.2


@given(st.floats(-5, 5))
def test_none_and_all(score):
    """A share of nothing takes nothing, a share of all takes all."""
    assert not escalates(score, [], 0.0, asked=50, escalated=0)
    assert escalates(score, [], 1.0, asked=50, escalated=50)


def test_equal_scores_keep_to_the_share():
    """Where every answer looks alike the share is still not passed for long."""
    assert _run(np.zeros(600), 0.4).mean() == pytest.approx(0.4, abs=0.2)
