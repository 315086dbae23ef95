"""A model's distance from what was believed of it."""

import numpy as np
import pytest

from ringfenced.learn.anchor import Labels, anchored


def learned(rate, count, *, segment=None, believed=0.0, difficulty=None, seed=0):
    rng = np.random.default_rng(seed)
    scores = (rng.random(count) < rate).astype(float)
    places = np.zeros(count, np.intp) if segment is None else segment
    moved = np.zeros(count) if difficulty is None else difficulty
    labels = Labels(scores, np.ones(count))
    return anchored(np.full(count, believed), moved, places, int(places.max()) + 1, labels)


def test_many_labels_say_what_the_model_is():
    """A model believed to be right half of the time that is right nine times in ten."""
    anchor = learned(0.9, 4000)
    assert anchor.shift + anchor.segments[0] == pytest.approx(np.log(9), abs=0.2)


def test_few_labels_say_little():
    """One bad answer does not condemn a model: from one in two to one in four."""
    anchor = learned(0.0, 1)
    assert -1.1 < anchor.shift + anchor.segments[0] < 0


def test_a_segment_of_its_own_is_told_apart():
    """The other segment's shift stays near what is common."""
    segment = np.repeat([0, 1], 1000)
    anchor = learned(np.where(segment == 0, 0.9, 0.3), 2000, segment=segment)
    assert anchor.segments[0] - anchor.segments[1] > 2


def test_a_difficulty_that_says_nothing_is_believed_less():
    """And one that understates is believed more."""
    rng = np.random.default_rng(1)
    difficulty = rng.normal(size=4000)
    assert learned(0.5, 4000, difficulty=difficulty).slope < 0.3
    steep = 1 / (1 + np.exp(-2 * difficulty))
    assert learned(steep, 4000, difficulty=difficulty).slope > 1.5


def test_certain_beliefs_do_not_break_it():
    """Ends in finite numbers, whatever was believed."""
    anchor = learned(0.0, 50, believed=25.0)
    assert np.isfinite([anchor.shift, anchor.slope, *anchor.segments]).all()
