"""The network: what a token depends on; files that are none of ours are refused."""

import numpy as np
import pytest

from ringfence.recognize.tagger import network
from ringfence.recognize.tagger.features import FLAGS, ROWS, SLICES, Features
from ringfence.recognize.tagger.network import DILATIONS, Weights, probabilities, read_weights

WIDTH, TYPES = 8, 3


@pytest.fixture
def weights():
    draw = np.random.default_rng(1)

    def some(*shape):
        return draw.normal(size=shape).astype(np.float32)

    layers = tuple((some(3 * WIDTH, WIDTH), some(WIDTH), some(WIDTH), some(WIDTH)) for _ in DILATIONS)
    return Weights(some(ROWS, WIDTH), some(FLAGS, WIDTH), layers, some(WIDTH, TYPES), some(TYPES))


def given_features(count):
    draw = np.random.default_rng(count)
    return Features(
        draw.integers(0, ROWS, size=(count, len(SLICES)), dtype=np.int32),
        draw.integers(0, 2**32, size=count, dtype=np.uint32),
    )


def test_a_token_depends_on_no_other_beyond_its_reach(weights):
    given = given_features(60)
    before = probabilities(weights, given)
    given.rows[50] = 0
    after = probabilities(weights, given)
    changed = np.flatnonzero((before != after).any(axis=1))
    assert changed.min() >= 50 - network.REACH
    assert 50 in changed


def test_a_file_of_another_kind_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(KeyError):
        read_weights(tmp_path / "other.npz")
    with pytest.raises(OSError, match="none"):
        read_weights(tmp_path / "none.npz")
