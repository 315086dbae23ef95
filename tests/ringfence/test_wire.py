"""Strict parsing, and labels there and back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfence.v1 import types_pb2
from ringfence.wire import WireError, label_from, label_to, parse

LABELS = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(Category)))


@given(LABELS)
def test_a_label_comes_back_as_it_went(label):
    assert label_from(label_to(label)) == label


def test_equal_labels_have_equal_bytes():
    """Sets have no order; messages do."""
    for order in itertools.permutations([Category.PII, Category.PHI, Category.SECRET]):
        assert label_to(Label(Level.PUBLIC, frozenset(order))).categories == [1, 2, 5]


EMPTY_OR_ODD = [
    {},
    {"level": 9},
    {"level": 1, "categories": [0]},
    {"level": 1, "categories": [9]},
    {"level": 1, "categories": [1, 1]},
]


@pytest.mark.parametrize("message", EMPTY_OR_ODD)
def test_labels_that_mean_nothing_are_refused(message):
    with pytest.raises(WireError):
        label_from(types_pb2.Label(**message))


@given(st.binary(max_size=60))
def test_whatever_parses_says_exactly_these_bytes_long(data):
    """Anything else is a WireError, and nothing else is raised."""
    try:
        message = parse(types_pb2.Message, data)
    except WireError:
        return
    assert message.ByteSize() == len(data)
