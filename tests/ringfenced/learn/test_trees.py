"""Trees of plain arrays say what scikit-learn's say."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ringfenced.learn.fit_trees import Growth, boosted, doubled
from ringfenced.learn.outcome import BadState
from ringfenced.learn.trees import Trees, no_trees

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(600, 6)).astype(np.float32)
RIGHT = (ROWS[:, 0] + ROWS[:, 1] ** 2 + RNG.normal(size=600) > 1).astype(float)


def grown(scores=RIGHT, **growth):
    return boosted(ROWS, scores, np.ones(len(ROWS)), Growth(rounds=20, **growth), seed=1)


def test_they_separate_what_they_learned_from():
    """Where the answers were right the sum is higher."""
    told = grown().walked(ROWS)
    assert told[RIGHT == 1].mean() > told[RIGHT == 0].mean() + 0.5


def test_they_say_what_scikit_learn_says():
    """The arrays are the model, on rows that it never saw too: cuts are where it split."""
    coarse = np.round(ROWS[:, :3] * 2)
    settings = {"max_iter": 15, "max_leaf_nodes": 5, "min_samples_leaf": 10, "learning_rate": 0.1}
    model = HistGradientBoostingClassifier(
        **settings, l2_regularization=5, max_features=1.0, early_stopping=False, random_state=0
    ).fit(coarse, RIGHT.astype(int))
    growth = Growth(rounds=15, rate=0.1, leaves=5, rows_min=10, columns_share=1.0)
    ours = boosted(coarse, RIGHT, np.ones(600), growth, seed=0)
    assert ours.walked(coarse) == pytest.approx(model.decision_function(coarse), abs=1e-6)


def test_a_score_in_between_counts_as_some_of_each():
    """A half is a right and a wrong answer of half the weight."""
    rows, labels, weights = doubled(np.array([1.0, 0.25]), np.array([2.0, 1.0]))
    assert rows.tolist() == [0, 1, 1]
    assert labels.tolist() == [1, 1, 0]
    assert weights.tolist() == [2.0, 0.25, 0.75]


def test_without_both_outcomes_there_are_no_trees():
    """A model that was always right gets a constant, not certainty."""
    trees = grown(np.ones(600))
    assert len(trees.feature) == 0
    assert trees.walked(ROWS[:2]).tolist() == pytest.approx([np.log(600.5 / 0.5)] * 2)


def test_arrays_come_back():
    """What is kept is what is read."""
    trees = grown()
    again = Trees.of_arrays(trees.arrays("x"), "x", 6)
    assert again.walked(ROWS) == pytest.approx(trees.walked(ROWS), abs=1e-5)
    assert no_trees(0.5).walked(ROWS).tolist() == [0.5] * 600


@pytest.mark.parametrize("part", ["feature", "left", "right"])
@pytest.mark.parametrize("value", [-1, 30_000])
def test_nodes_that_lead_out_are_refused(part, value):
    """Stored arrays never index beyond themselves."""
    arrays = grown().arrays("x")
    broken = arrays[f"x.{part}"].copy()
    broken[0, 0] = value
    with pytest.raises(BadState):
        Trees.of_arrays(arrays | {f"x.{part}": broken}, "x", 6)


def test_missing_unequal_and_unnumbered_arrays_are_refused():
    """Each with the typed error."""
    arrays = grown().arrays("x")
    nan = np.full_like(arrays["x.value"], np.nan)
    for broken in ({"x.value": arrays["x.value"][:1]}, {"x.value": nan}, {"x.base": np.array([0.0, 99.0])}):
        with pytest.raises(BadState):
            Trees.of_arrays(arrays | broken, "x", 6)
    with pytest.raises(BadState):
        Trees.of_arrays({}, "x", 6)
