"""No department's labels count for more than its share where others have labels, and for all where it is alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.owners import OWN_LABELS, capped, share_of
from ringfenced.learn.replay import Logged, means

LABELS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from([0.0, 0.3, 1.0, 7.0, 40.0, 90.0])), max_size=60
)
"""Owner, cell and weight of each."""


def arrays(labels):
    owners, cells, weights = (list(column) for column in zip(*labels, strict=True)) if labels else ([], [], [])
    return np.array(weights, np.float64), np.array(owners, np.intp), np.array(cells, np.intp)


def sums_of(weights, owners, cells, cell):
    """What counts of each owner who has something in a cell."""
    there = cells == cell
    return np.array([weights[there & (owners == owner)].sum() for owner in np.unique(owners[there])])


@given(LABELS)
def test_nobody_has_more_than_its_share_or_what_is_its_own(labels):
    """A half of two owners, a third of more; a few labels are left to each whatever the others have."""
    weights, owners, cells = arrays(labels)
    counted = capped(weights, owners, cells)
    assert ((counted >= 0) & (counted <= weights)).all()
    for cell in np.unique(cells):
        before, after = (sums_of(each, owners, cells, cell) for each in (weights, counted))
        parts = min(3, np.count_nonzero(before))
        if parts <= 1:
            assert after == pytest.approx(before)
            continue
        assert (after <= np.maximum(OWN_LABELS, after.sum() / parts) * (1 + 1e-9)).all()
        few = before <= OWN_LABELS
        assert after[few] == pytest.approx(before[few])


@given(LABELS)
def test_what_was_cut_once_is_not_cut_again(labels):
    weights, owners, cells = arrays(labels)
    once = capped(weights, owners, cells)
    assert capped(once, owners, cells) == pytest.approx(once, rel=1e-9)


@given(LABELS, st.randoms(use_true_random=False))
def test_the_order_of_labels_and_the_numbers_of_owners_do_not_matter(labels, random):
    shuffled = random.sample(labels, len(labels))
    renamed = [(9 - owner, 7 * cell, weight) for owner, cell, weight in shuffled]
    expected = dict(zip(labels, capped(*arrays(labels)), strict=True))
    for label, weight in zip(shuffled, capped(*arrays(renamed)), strict=True):
        assert weight == pytest.approx(expected[label], rel=1e-9)


@given(st.lists(st.just(0.0) | st.floats(1e-3, 1e6), max_size=8))
def test_the_share_is_the_highest_that_holds(sums):
    """All of the level and below; a little more of it would be too much for somebody."""
    level = share_of(np.array(sums))
    parts = min(3, np.count_nonzero(sums))
    if parts <= 1:
        assert level == float("inf")
        return
    assert min(max(sums), level) * parts <= sum(min(one, level) for one in sums) * (1 + 1e-9)
    if level < max(sums):
        more = level * 1.01
        assert min(max(sums), more) * parts > sum(min(one, more) for one in sums) or more > max(sums)


@given(
    honest=st.lists(st.integers(20, 400), min_size=1, max_size=3),
    worth=st.sampled_from([0.1, 0.5, 0.9]),
    flood=st.integers(1, 3000),
    says=st.sampled_from([0.0, 1.0]),
)
def test_a_flood_of_one_moves_what_the_others_labels_say_by_no_more_than_its_share(honest, worth, flood, says):
    """However many labels it sends: a third where two others have theirs, a half where one has; little beside few."""
    counts = [*honest, flood]
    owners = np.repeat(np.arange(len(counts)), counts)
    scores = np.where(owners == len(honest), says, worth)
    taken, one = np.zeros(len(owners), np.intp), np.ones(len(owners))
    weight = capped(one, owners, taken)
    (mean,) = means(Logged(taken, scores, one, np.zeros((len(owners), 1)), weight=weight))
    others = sum(weight[owners < len(honest)])
    share = max(1 / min(3, len(counts)), OWN_LABELS / (OWN_LABELS + others))
    assert abs(mean - worth) <= share * abs(says - worth) + 1e-9
    (plain,) = means(Logged(taken, scores, one, np.zeros((len(owners), 1)), weight=one))
    assert abs(mean - worth) <= max(abs(plain - worth), 1 / 2) + 1e-9


def test_one_owner_alone_costs_nothing():
    """The weights themselves come back, so that what is learned stays the same to the byte."""
    weights = np.array([500.0, 1.0])
    assert capped(weights, np.array([3, 3]), np.array([0, 1])) is weights
    assert capped(weights, np.array([3, 4]), np.array([0, 1])) is weights
