"""What is known takes its place out of a guess; all that was covered stays so."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.guesses import cut, is_guessed, parted
from ringfence.recognize.span import Span


def span(start, end, recogniser="tagger:id"):
    return Span(start, end, "ID", 0.5, recogniser)


def places(spans):
    return {at for one in spans for at in range(one.start, one.end)}


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda pair: span(pair[0], sum(pair))), max_size=6
)


def test_a_guess_is_cut_and_a_shape_is_not():
    known = [span(4, 6, "pattern:ssn@base64"), span(5, 8, "pattern:mrn@base64")]
    both = list(cut([span(0, 10), span(0, 10, "pattern:long-number")], known))
    assert [(one.start, one.end) for one in both] == [(0, 4), (8, 10), (0, 10)]


@given(SPANS, SPANS)
def test_nothing_that_was_covered_is_left_bare(guesses, known):
    """And what is known is covered by no guess any more."""
    left = list(cut(guesses, known))
    assert places(left) == places(guesses) - places(known)
    assert all(one.start < one.end for one in left)


def test_what_follows_from_a_guess_is_one():
    assert [
        is_guessed(name) for name in ("tagger:id", "mention:tagger:person", "pattern:pan", "label:person@base64")
    ] == [*(True, True, False, False)]


@given(st.lists(st.sampled_from(("SSN", "MRN", "DATE", "PAN")), min_size=1), st.integers(0, 9), st.integers(4, 30))
def test_what_stands_at_one_place_has_a_part_of_it_each(types, start, length):
    """All of the place stays covered, and no type is lost to another."""
    parts = sorted(parted(Span(start, start + length, kind, 0.9, "pattern:x@base64") for kind in types))
    assert {one.entity_type for one in parts} == set(types)
    assert [parts[0].start, *(one.end for one in parts)] == [*(one.start for one in parts), start + length]


def test_a_place_too_short_for_all_is_shared():
    parts = list(parted(Span(3, 5, kind, 0.9, "pattern:x@base64") for kind in ("SSN", "MRN", "DATE")))
    assert places(parts) == {3, 4}
    assert {one.entity_type for one in parts} == {"SSN", "MRN", "DATE"}
    assert all(one.start < one.end for one in parts)
