"""Which lines of a run are one code: each line is in one, whatever the widths."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.views.runs import codes, lines_of


def ranges(widths):
    made, at = [], 0
    for width in widths:
        made.append(range(at, at + width))
        at += width + 1
    return made


def split(widths, readable):
    """Widths of each code, and whether it was read; `readable` are the widths of lines that together say something."""
    found = codes(ranges(widths), lambda some: True if [len(line) for line in some] in readable else None)
    return [([len(line) for line in some], bool(read)) for some, read in found]


def test_the_whole_comes_first():
    assert split([30, 64, 12], [[30, 64, 12]]) == [([30, 64, 12], True)]


def test_a_word_after_a_code_and_one_before_it_are_not_of_it():
    assert split([16, 64, 64, 7], [[64, 64]]) == [([16], False), ([64, 64], True), ([7], False)]


def test_the_last_line_of_one_code_may_be_the_first_of_another():
    """It is not lost with the one that was read without it."""
    assert split([64, 48, 48, 20], [[64], [48, 48, 20]]) == [([64], True), ([48, 48, 20], True)]


def test_a_shorter_last_line_belongs_to_its_code_if_that_says_something():
    assert split([64, 64, 20, 64], [[64, 64, 20]]) == [([64, 64, 20], True), ([64], False)]


@given(st.lists(st.integers(4, 8), min_size=1), st.lists(st.lists(st.integers(4, 8), min_size=1)))
def test_every_line_is_in_one_code_in_order(widths, readable):
    """Whatever says something."""
    assert [width for some, _ in split(widths, readable) for width in some] == widths


def test_lines_end_before_padding_and_quotation_marks():
    text = "x QUJD\n> REVG\\nR0g="
    assert [text[line.start : line.stop] for line in lines_of(text, 2, len(text))] == ["QUJD", "REVG", "R0g"]
