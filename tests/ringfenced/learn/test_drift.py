"""A model that changed is found, one that did not is left alone."""

import numpy as np

from ringfenced.learn.drift import Watch, drifted

RNG = np.random.default_rng(5)


def outcomes(rate, count):
    return (RNG.random(count) < rate).astype(float)


def test_a_fall_is_found_and_where_it_began():
    """Within some 300 outcomes of it."""
    scores = np.concatenate([outcomes(0.8, 1000), outcomes(0.55, 400)])
    began = drifted(scores, np.full(1400, 0.8))
    assert began is not None
    assert 850 <= began <= 1100


def test_a_rise_is_found_too():
    """A model that became better is worth another look."""
    scores = np.concatenate([outcomes(0.5, 800), outcomes(0.8, 400)])
    assert drifted(scores, np.full(1200, 0.5)) is not None


def test_what_stays_as_it_was_hardly_ever_alarms():
    """Of 50 series of 10,000 outcomes none or one."""
    series = [outcomes(0.7, 10_000) for _ in range(50)]
    assert sum(drifted(scores, np.full(10_000, 0.7)) is not None for scores in series) <= 1


def test_a_change_within_the_slack_is_none():
    """Three points less is not worth unlearning."""
    assert drifted(outcomes(0.67, 3000), np.full(3000, 0.7)) is None


def test_a_watch_is_a_value():
    """Each outcome makes a new one."""
    before = Watch()
    assert before.after(0.0, 1.0) != before
    assert before == Watch()
    assert not before.is_drifting
