"""A forest says of one row what its trees say of it, model by model."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.fit_trees import Growth, boosted
from ringfenced.learn.forest import forest_of
from ringfenced.learn.outcome import BadState
from ringfenced.learn.trees import no_trees


def grown(seed, leaves, rounds=8):
    chance = np.random.default_rng(seed)
    rows = np.round(chance.normal(size=(300, 4)), 1)
    right = (rows[:, 0] * rows[:, 1] + chance.normal(size=300) > 0).astype(float)
    growth = Growth(rounds=rounds, leaves=leaves, rows_min=5, columns_share=1.0)
    return boosted(rows, right, np.ones(300), growth, seed=seed)


MODELS = (grown(1, 5), no_trees(0.7), grown(2, 9), grown(3, 2, rounds=3))


@given(st.lists(st.floats(-3, 3).map(lambda number: round(number, 1)), min_size=4, max_size=4))
def test_it_says_what_walking_says(row):
    """On bounds as well; a model without trees adds nothing."""
    told = forest_of(MODELS).walked(np.array(row))
    walked = [trees.walked(np.array([row]))[0] if len(trees.feature) else 0.0 for trees in MODELS]
    assert told == pytest.approx(walked)


def test_without_trees_it_says_nothing():
    assert forest_of([no_trees(0.3)]).walked(np.zeros(4)).tolist() == [0.0]


def test_trees_with_too_many_leaves_are_left_to_walking():
    assert forest_of([grown(1, 24)]) is None


def test_a_tree_that_leads_in_a_circle_is_refused():
    tree = grown(1, 5)
    with pytest.raises(BadState, match="circle"):
        forest_of([replace(tree, left=np.ones_like(tree.left), right=np.zeros_like(tree.right))])
