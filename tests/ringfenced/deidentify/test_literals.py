"""Many strings in one pass."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.deidentify.literals import Literals, Substrings, joins

ALPHABET = st.text(alphabet="ab1 .-王é", max_size=12)


def naive(values, text):
    """Every occurrence that no letter or digit goes on."""
    return sorted(
        (start, start + len(value))
        for value in set(values)
        if any(map(str.isalnum, value))
        for start in range(len(text) - len(value) + 1)
        if text.startswith(value, start)
        and not (start and joins(text[start - 1], text[start]))
        and not (start + len(value) < len(text) and joins(text[start + len(value) - 1], text[start + len(value)]))
    )


@given(
    st.lists(st.text(alphabet="ab1 .-", min_size=1, max_size=5), max_size=6), st.text(alphabet="ab1 .-", max_size=30)
)
def test_every_whole_word_is_found_and_nothing_else(values, text):
    """The same as looking at every place for every value."""
    assert sorted(Literals(values).find(text)) == naive(values, text)


@given(st.lists(ALPHABET, max_size=6), ALPHABET)
def test_substrings_are_found_anywhere(values, text):
    found = set(Substrings(values).find(text))
    assert found == {
        (start, start + len(value))
        for value in values
        if len(value) >= 2
        for start in range(len(text))
        if text.startswith(value, start)
    }
    assert Substrings(values).any_in(text) == bool(found)


@pytest.mark.parametrize(
    ("left", "right", "together"), [("a", "b", True), ("1", "é", True), ("a", "-", False), ("王", "b", False)]
)
def test_scripts_without_blanks_do_not_join(left, right, together):
    assert joins(left, right) is together


def test_ten_thousand_values_cost_what_one_does():
    """Time follows the text, not the number of values: a hundred times as many take less than ten times as long."""
    text = " ".join(f"word{number}" for number in range(20_000))

    def seconds(count):
        literals = Literals(f"word{number} word{number + 1}" for number in range(count))
        began = time.process_time()
        assert len(list(literals.find(text))) == count
        return time.process_time() - began

    assert min(seconds(10_000) for _ in range(3)) < 10 * min(seconds(100) for _ in range(3))
