"""Places that follow one another are one."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.adjoin import adjoin
from ringfence.recognize.span import Span


def joined(text, *places):
    spans = [Span(text.index(words), text.index(words) + len(words), kind, 0.9, "test") for words, kind in places]
    return [(span.entity_type, text[span.start : span.end]) for span in adjoin(text.encode(), spans)]


def test_a_clinic_and_its_town_are_one_place():
    text = "at Willow Grove Clinic, St. Louis now"
    assert joined(text, ("Willow Grove Clinic", "PLACE"), ("St. Louis", "PLACE")) == [
        ("PLACE", "Willow Grove Clinic, St. Louis")
    ]


def test_with_a_street_it_is_an_address():
    assert joined("12 Oak Rd\nLeeds", ("12 Oak Rd", "ADDRESS"), ("Leeds", "PLACE")) == [("ADDRESS", "12 Oak Rd\nLeeds")]


def test_words_between_keep_places_apart():
    assert joined("from Leeds to York", ("Leeds", "PLACE"), ("York", "PLACE")) == []


def test_countries_alone_are_not_joined():
    assert joined("France, Spain", ("France", "COUNTRY"), ("Spain", "COUNTRY")) == []
    assert joined("Nice, France", ("Nice", "PLACE"), ("France", "COUNTRY")) == [("PLACE", "Nice, France")]


def test_persons_are_no_places():
    assert joined("Anna, Leeds", ("Anna", "PERSON"), ("Leeds", "PLACE")) == []


@given(st.binary(max_size=40), st.lists(st.tuples(st.integers(0, 39), st.integers(1, 10)), max_size=6))
def test_what_is_made_lies_between_what_was_given(data, places):
    spans = [Span(start, start + length, "PLACE", 0.5, "test") for start, length in places]
    for span in adjoin(data, spans):
        assert any(span.start == given_span.start for given_span in spans)
        assert any(span.end == given_span.end for given_span in spans)
