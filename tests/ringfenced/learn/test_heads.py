"""Heads are plain arrays; what does not fit is refused."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ringfenced.learn.heads import Heads, no_heads
from ringfenced.learn.outcome import EMBEDDED, BadState
from ringfenced.learn.trees import no_trees

sys.path.insert(0, str(Path(__file__).parent))
from lessons import COLUMNS, features


def heads(models=("a", "b"), trust=0.5):
    count = len(models)
    linear = np.zeros((count, COLUMNS + 1))
    linear[:, -1] = np.arange(count) - 0.5
    return Heads(
        models=tuple(models),
        segments=("s",),
        mean=np.zeros(COLUMNS),
        scale=np.ones(COLUMNS),
        linear=linear,
        trees=tuple(no_trees(0.0) for _ in models),
        labels=np.full(count, 100.0),
        trust=np.full(count, trust),
        trust_unseen=np.zeros(count),
        shift=np.zeros(count),
        slope=np.ones(count),
        by_segment=np.full((count, 1), 1.0),
    )


def asked(models, segment="s", made=None):
    configured = np.full(len(models), 0.5)
    return (made or heads()).expected(features(np.random.default_rng(0)), segment, models, configured)


def test_order_and_repetition_do_not_matter():
    """Each model has its own number wherever it stands, twice if asked twice."""
    one, _, _ = asked(("a", "b"))
    other, _, learned = asked(("b", "x", "a", "b"))
    assert other[[2, 0]] == pytest.approx(one)
    assert other[3] == other[0]
    assert learned.tolist() == [True, False, True, True]


def test_a_segment_moves_its_own_answers_only():
    """And in one that is not known the free part has no say."""
    known, _, _ = asked(("a", "b"))
    unknown, _, _ = asked(("a", "b"), segment="t")
    assert (known > unknown - 0.3).all()
    assert unknown == pytest.approx([0.5, 0.5])


def test_more_labels_mean_less_doubt():
    """A model without a head is the most doubtful."""
    _, doubt, _ = asked(("a", "x"))
    assert doubt[0] < doubt[1] <= 0.5


def test_arrays_come_back():
    """Two hundred models too."""
    many = heads([f"m{number}" for number in range(200)])
    again = Heads.of_arrays(many.arrays())
    assert again.models == many.models
    assert asked(("m7", "m199"), made=again)[0] == pytest.approx(asked(("m7", "m199"), made=many)[0])
    assert Heads.of_arrays(no_heads().arrays()).models == ()


@pytest.mark.parametrize(
    ("part", "value"),
    [("mean", np.zeros(3)), ("scale", np.zeros(COLUMNS)), ("linear", np.full((2, COLUMNS + 1), np.nan))],
)
def test_broken_arrays_are_refused(part, value):
    """Another shape, a scale of nothing, what is no number."""
    with pytest.raises(BadState):
        Heads.of_arrays(heads().arrays() | {f"heads.{part}": value})
    with pytest.raises(BadState):
        Heads.of_arrays({})


def test_heads_without_a_space_take_no_notice_of_an_embedding():
    """State of before there was an embedder is used as it was, its bytes too."""
    plain = features(np.random.default_rng(0))
    full = replace(plain, embedded=np.full(EMBEDDED, 3.0, np.float32), space=7)
    older = heads().arrays()
    del older["heads.space"]
    for made in (heads(), Heads.of_arrays(older)):
        found = [made.expected(one, "s", ("a", "b"), np.full(2, 0.5))[0].tolist() for one in (plain, full)]
        assert found[0] == found[1]


@pytest.mark.parametrize("space", [-1, 1 << 32, np.inf, [1, 2], 7])
def test_a_space_that_cannot_be_is_refused(space):
    """One whose columns are missing when features come."""
    given = heads().arrays() | {"heads.space": np.array(space)}
    with pytest.raises(BadState):
        Heads.of_arrays(given).expected(features(np.random.default_rng(0)), "s", ("a", "b"), np.full(2, 0.5))
