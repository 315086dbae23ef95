"""What an embedding model says becomes few numbers that are no embedding, and columns that may be missing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ringfenced.learn.outcome import EMBEDDED, Features
from ringfenced.learn.prior import SAID
from ringfenced.learn.projection import DIMENSIONS_MAX, projected, row_of, signs_of, space_of

SALT = b"0123456789abcdef"
PLAIN = Features(np.arange(12, dtype=np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))
VECTORS = arrays(np.float32, 384, elements=st.floats(-10, 10, width=32)).filter(lambda vector: np.any(vector > 1e-3))

SPACE, FIRST = 750644702, [-1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0]
"""Written down once."""


def said(vector, salt=SALT):
    space = space_of("minilm", len(vector), salt)
    return projected(PLAIN, vector, space, signs_of(space, len(vector), salt))


@given(VECTORS, st.floats(0.01, 100))
def test_only_the_direction_counts_and_all_else_stays(vector, factor):
    """Engines that give other lengths give the same numbers."""
    one, other = said(vector), said(vector * factor)
    assert one.embedded == pytest.approx(other.embedded, abs=1e-4)
    assert (len(one.embedded), np.isfinite(one.embedded).all(), one.space) == (EMBEDDED, True, other.space)
    assert (one.hand == PLAIN.hand).all()
    assert Features.from_bytes(one.to_bytes()).embedded.tolist() == one.embedded.tolist()


def test_numbers_have_unit_scale_and_near_texts_stay_near():
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(500, 384))
    numbers = np.array([said(vector).embedded for vector in vectors])
    assert float((numbers**2).mean()) == pytest.approx(1, abs=0.1)
    near = np.array([said(vector + 0.1 * chance.normal(size=384)).embedded for vector in vectors])
    far = np.linalg.norm(numbers - np.roll(numbers, 1, axis=0), axis=1)
    assert (np.linalg.norm(numbers - near, axis=1) < far / 2).mean() > 0.99


def test_another_sites_numbers_are_others():
    """Who has one site's numbers can compare them with no embedding without the salt."""
    vectors = np.random.default_rng(2).normal(size=(200, 384))
    ours = np.array([said(vector).embedded for vector in vectors])
    theirs = np.array([said(vector, b"f" * 16).embedded for vector in vectors])
    assert abs(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]) < 0.1
    assert said(vectors[0]).space != said(vectors[0], b"f" * 16).space


def test_the_matrix_is_the_same_for_ever():
    """Stored numbers stay of use whatever version of numpy reads them."""
    assert space_of("minilm", 384, SALT) == SPACE
    assert signs_of(SPACE, 384, SALT)[0, :8].tolist() == FIRST
    assert {float(sign) for sign in signs_of(SPACE, 384, SALT).ravel()} == {-1.0, 1.0}
    assert len({space_of("minilm", 384, SALT), space_of("minilm", 385, SALT), space_of("bge", 384, SALT)}) == 3


@pytest.mark.parametrize("vector", [np.zeros(4), np.full(4, np.nan), np.array([np.inf, 0, 0, 0]), np.ones(3)])
def test_what_is_no_embedding_is_refused(vector):
    with pytest.raises(ValueError, match="check the embedding model"):
        projected(PLAIN, vector, 7, signs_of(7, 4, SALT))


@pytest.mark.parametrize("dimensions", [0, DIMENSIONS_MAX + 1])
def test_no_matrix_without_bound(dimensions):
    with pytest.raises(ValueError, match="take a model"):
        signs_of(7, dimensions, SALT)


def test_heads_of_a_space_have_a_mark_and_the_numbers_before_the_priors_word():
    full = said(np.ones(384))
    row = row_of(full, full.space)
    assert row[: 12 - SAID].tolist() == PLAIN.hand[:-SAID].tolist()
    assert row[-SAID:].tolist() == PLAIN.hand[-SAID:].tolist()
    assert row[12 - SAID] == 1
    assert row[12 - SAID + 1 : -SAID].tolist() == full.embedded.tolist()


def test_what_is_absent_or_of_another_space_is_zeros_with_a_mark():
    full = said(np.ones(384))
    rows = row_of(PLAIN, full.space), row_of(replace(full, space=full.space ^ 1), full.space)
    for row in rows:
        assert len(row) == 12 + 1 + EMBEDDED
        assert not row[12 - SAID : -SAID].any()


def test_heads_without_a_space_see_form_alone():
    assert row_of(said(np.ones(384)), 0).tolist() == PLAIN.hand.tolist()
