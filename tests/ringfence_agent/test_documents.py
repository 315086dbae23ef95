"""JSON documents in a payload."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.documents import DEPTH_MAX, is_json, leaves, parsed

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def nested(depth):
    return "[" * depth + "1" + "]" * depth


@given(values)
def test_a_document_is_its_value_and_can_be_written_again(value):
    assert json.loads(json.dumps(parsed(json.dumps(value)), ensure_ascii=False)) == value


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "[1e999]", '"\\ud800"', '{"\\udfff": 1}', nested(100_000)],
)
def test_what_no_body_can_carry_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match=r"^it does not parse as JSON that can be sent$"):
        parsed(text)


def test_nesting_has_a_limit():
    assert parsed(nested(DEPTH_MAX))
    with pytest.raises(ValueError, match="nested deeper than 64"):
        parsed(nested(DEPTH_MAX + 1))
    with pytest.raises(ValueError, match="nested deeper than 64"):
        parsed('{"a":' * 65 + "1" + "}" * 65)


def test_every_leaf_is_seen():
    """Keys, numbers, what stands under a key that comes twice, and half a character as a question mark."""
    text = '{"k": ["a", 1, 2.5, true, null, {"x": "y"}], "k": "b", "\\ud800": "c"}'
    assert list(leaves(text)) == ["k", "a", "1", "2.5", "x", "y", "k", "b", "?", "c"]


def test_nesting_that_parses_is_taken_apart_to_its_end():
    deep = "[" * 900 + '"found"' + "]" * 900
    assert is_json(deep)
    assert list(leaves(deep)) == ["found"]


@given(st.text())
def test_any_text_is_a_document_or_none(text):
    assert is_json(text) in {True, False}
