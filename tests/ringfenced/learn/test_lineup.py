"""What is expected of all models for one request."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.fit_trees import Growth, boosted
from ringfenced.learn.guard import UNSEEN, Guard
from ringfenced.learn.heads import DOUBT_LABELS, Heads, no_heads
from ringfenced.learn.lineup import Lineup
from ringfenced.learn.outcome import EMBEDDED, BadState
from ringfenced.learn.prior import believed
from ringfenced.learn.trees import no_trees

sys.path.insert(0, str(Path(__file__).parent))
from lessons import COLUMNS, features, heads

MODELS = ("a", "b", "c")


def asked(models, segment="s", made=None):
    lineup = Lineup(made or heads(), None, models, np.full(len(models), 0.5))
    told = lineup.rated(features(np.random.default_rng(0)), segment)
    return told.quality, told.uncertainty, told.learned


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


def test_heads_without_a_space_take_no_notice_of_an_embedding():
    """State of before there was an embedder is used as it was, its bytes too."""
    plain = features(np.random.default_rng(0))
    full = replace(plain, embedded=np.full(EMBEDDED, 3.0, np.float32), space=7)
    older = heads().arrays()
    del older["heads.space"]
    for made in (heads(), Heads.of_arrays(older)):
        lineup = Lineup(made, None, ("a", "b"), np.full(2, 0.5))
        found = [lineup.rated(one, "s").quality.tolist() for one in (plain, full)]
        assert found[0] == found[1]


def test_a_model_of_which_nothing_was_learned_takes_the_priors_word():
    """By its configured quality."""
    prompt = features(np.random.default_rng(0))
    prompt.hand[-2:] = 0.8, -0.4
    base, moved = believed(prompt.hand[None], np.array([0.5, 0.7]))
    told = Lineup(no_heads(), None, ("x", "y"), np.array([0.5, 0.7])).rated(prompt, "s")
    assert told.quality == pytest.approx(1 / (1 + np.exp(-(base + moved)[0])), rel=1e-6)
    assert not told.learned.any()


def test_features_of_another_version_are_refused():
    """Where they would be multiplied by something."""
    short = replace(features(np.random.default_rng(0)), hand=np.zeros(12, np.float32))
    with pytest.raises(BadState):
        Lineup(heads(), None, ("a",), np.ones(1)).rated(short, "s")
    Lineup(heads(), None, ("x",), np.ones(1)).rated(short, "s")


def grown(seed, leaves=5, count=80):
    """Trees for the first of three models."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, COLUMNS))
    growth = Growth(rounds=3, leaves=leaves, rows_min=2, columns_share=1.0)
    right = (rows[:, 0] + rng.normal(size=count) > 0) * 1.0
    return (boosted(rows, right, np.ones(count), growth, seed=0), no_trees(0.0), no_trees(0.0))


GROWN = grown(1)


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from((*MODELS, "x")), min_size=1, max_size=6), st.booleans())
def test_it_says_what_heads_and_guard_say_of_many(seed, models, guarded):
    """One request beside the same as a row of many."""
    rng = np.random.default_rng(seed)
    made = heads(
        MODELS,
        **{name: rng.random(3) for name in ("trust", "trust_unseen", "slope", "shift")},
        labels=rng.random(3) * 100,
        by_segment=rng.normal(size=(3, 1)),
        linear=rng.normal(size=(3, COLUMNS + 1)),
        trees=GROWN,
    )
    part, quality = rng.random(2), rng.random((2, 2))
    guard = Guard(("s", UNSEEN), ("a", "b"), part, part, part, quality) if guarded else None
    prompt, configured = features(rng), rng.random(len(models))
    prompt.hand[-2:] = rng.normal(size=2)
    segment = ("s", "t")[seed % 2]
    told = Lineup(made, guard, models, configured).rated(prompt, segment)
    for place, model in enumerate(models):
        each = np.full(3, configured[place])
        if model == "x":
            base, moved = believed(prompt.hand[None], each[:1])
            logit, labels = (base + moved)[0, 0], 0.0
        else:
            row = made.logits(prompt.hand[None], np.array([0 if segment == "s" else -1]), each)[0]
            logit, labels = row[MODELS.index(model)], made.labels[MODELS.index(model)]
        plain = 1 / (1 + np.exp(-logit))
        assert told.uncertainty[place] == pytest.approx(
            np.sqrt(plain * (1 - plain) / (1 + labels / DOUBT_LABELS)) / 2, rel=1e-5
        )
        if guard is not None and model != "x":
            plain = guard.mixed(segment, (model,), np.array([plain]), configured[place : place + 1])[0]
        assert told.quality[place] == pytest.approx(np.clip(plain, 0.01, 0.99), rel=1e-5)
        assert told.learned[place] == (model != "x")


def test_trees_with_many_leaves_are_walked_as_well():
    """Slower, and the same."""
    many = heads(MODELS, trees=grown(2, leaves=24, count=400))
    assert many.forest is None
    prompt = features(np.random.default_rng(3))
    told = Lineup(many, None, MODELS, np.full(3, 0.5)).rated(prompt, "s")
    logits = many.logits(prompt.hand[None], np.zeros(1, np.intp), np.full(3, 0.5))[0]
    assert told.quality == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-5)
