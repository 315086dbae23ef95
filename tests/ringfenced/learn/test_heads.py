"""Heads are plain arrays; what does not fit is refused."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ringfenced.learn.heads import Heads, no_heads
from ringfenced.learn.lineup import Lineup
from ringfenced.learn.outcome import BadState

sys.path.insert(0, str(Path(__file__).parent))
from lessons import COLUMNS, features, heads


def test_arrays_come_back():
    """Two hundred models too."""
    many = heads([f"m{number}" for number in range(200)])
    again = Heads.of_arrays(many.arrays())
    assert again.models == many.models
    rows = np.random.default_rng(0).normal(size=(3, COLUMNS))
    assert again.free(rows) == pytest.approx(many.free(rows))
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


@pytest.mark.parametrize("space", [-1, 1 << 32, np.inf, [1, 2], 7])
def test_a_space_that_cannot_be_is_refused(space):
    """One whose columns are missing when features come."""
    given = heads().arrays() | {"heads.space": np.array(space)}
    with pytest.raises(BadState):
        Lineup(Heads.of_arrays(given), None, ("a",), np.ones(1)).rated(features(np.random.default_rng(0)), "s")
