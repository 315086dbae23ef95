"""What a view adds to what was found in the text itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.novel import Novel, Shown
from ringfence.recognize.policy import DEFAULT
from ringfence.recognize.span import Span

MAIL = "m@example.org\nAttending 12"


def span(kind, text, words):
    return Span(text.index(words), text.index(words) + len(words), kind, 0.9, "test")


@pytest.mark.parametrize(
    ("found", "read", "adds"),
    [
        ((), ("EMAIL", MAIL, "m@example.org"), True),
        ((("EMAIL", MAIL, "m@example.org"),), ("EMAIL", MAIL, "m@example.org"), False),
        ((("EMAIL", MAIL, "m@example.org"),), ("EMAIL", MAIL, "m@example.org\nAttending"), False),
        ((("EMAIL", MAIL, "m@example.org"),), ("EMAIL", MAIL, "m@example.org\nAttending 12"), True),
        ((("PERSON", "four one two six", "four one"),), ("PAN", "four one two six", "four one two six"), True),
        ((("PERSON", "Anna\nSmith", "Anna"),), ("PERSON", "Anna\nSmith", "Anna\nSmith"), True),
        ((("ID", "12 34 5", "12 34"),), ("PHONE", "12 34 5", "12 34 5"), True),
        ((("SECRET", "abc def", "abc"),), ("SECRET", "abc def", "abc def"), True),
        ((("PHONE", "(12) 34", "12) 34"),), ("PHONE", "(12) 34", "(12) 34"), False),
    ],
)
def test_a_view_adds_what_no_finding_covers(found, read, adds):
    assert Novel(read[1], [span(*one) for one in found]).adds(span(*read)) is adds


@given(st.text(min_size=1), st.data())
def test_what_touches_no_finding_always_adds(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert Novel(text, ()).adds(Span(start, end, "ID", 0.5, "test"))
    assert not Novel(text, [Span(0, len(text), "ID", 0.5, "test")]).adds(Span(start, end, "ID", 0.5, "test"))


@pytest.mark.parametrize(
    ("found", "read", "raises"),
    [
        ((), "PHONE", True),
        (("ID",), "SSN", True),  # RESTRICTED
        (("ID",), "MRN", True),  # PHI
        (("ID",), "PHONE", False),
        (("ID", "PAN"), "SSN", False),
        (("PHONE",), "CASE_ID", False),
        (("SSN",), "SSN", False),
    ],
)
def test_a_finding_raises_what_means_less(found, read, raises):
    """By level or by category; one that gives way to others never does."""
    spans = [Span(4 * at, 4 * at + 4, kind, 0.5, "test") for at, kind in enumerate(found)]
    assert Shown(spans, DEFAULT.label_of_type).raises(Span(1, 7, read, 0.5, "test")) is raises
