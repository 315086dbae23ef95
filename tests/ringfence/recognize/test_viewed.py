"""What a view reads counts where nothing was found, or where it means more; only a guess gives way to it."""

import pytest

from ringfence.recognize.policy import DEFAULT
from ringfence.recognize.span import Span
from ringfence.recognize.view import View
from ringfence.recognize.viewed import Viewed

TEXT = "see QUJDREVGR0hJSktM now"
CODE = View("base64", "ABCDEFGHIJKL", range(4, 16), range(5, 17), is_prose=True, is_decoded=True)
TURNED = View("reversed", TEXT[::-1], range(23, -1, -1), range(24, 0, -1))


SSN = (CODE, Span(2, 6, "SSN", 0.9, "pattern:ssn"))


def found(*spans, of=(SSN,)):
    viewed = Viewed(TEXT, [Span(*span) for span in spans], DEFAULT)
    for view, span in of:
        viewed.take(view, span)
    return sorted((one.start, one.end, one.entity_type) for one in viewed.all())


def test_what_nothing_covers_is_added():
    assert found() == [(6, 10, "SSN")]


def test_a_guess_of_a_codes_letters_keeps_what_is_left_of_them():
    assert found((4, 20, "ID", 0.9, "tagger:id")) == [(4, 6, "ID"), (6, 10, "SSN"), (10, 20, "ID")]


def test_what_was_known_of_the_place_stays_beside_it():
    """One of them is left when they are merged, by its level."""
    assert found((4, 20, "PHONE", 0.9, "pattern:phone")) == [(4, 20, "PHONE"), (6, 10, "SSN")]


def test_what_means_no_more_changes_nothing():
    of = [(CODE, Span(2, 6, "PHONE", 0.9, "pattern:phone"))]
    assert found((4, 20, "ID", 0.9, "tagger:id"), of=of) == [(4, 20, "ID")]


def test_what_means_no_more_counts_where_a_guess_gave_way_to_something_else():
    """The guess said enough for both."""
    of = [(CODE, Span(8, 11, "PHONE", 0.9, "pattern:phone")), SSN]
    assert (12, 15, "PHONE") in found((4, 20, "ID", 0.9, "tagger:id"), of=of)


@pytest.mark.parametrize(("recogniser", "counts"), [("tagger:person", False), ("pattern:ssn", True)])
def test_a_guess_of_a_text_in_another_order_means_nothing_more(recogniser, counts):
    """What was found there stands; a shape counts all the same."""
    told = found((4, 20, "ID", 0.9, "tagger:id"), of=[(TURNED, Span(5, 9, "SSN", 0.9, recogniser))])
    assert ((15, 19, "SSN") in told) is counts


def test_several_things_in_one_compressed_text_have_a_part_each():
    packed = View("base64", "ssn mrn", [4] * 7, [20] * 7, is_prose=True, is_decoded=True)
    of = [(packed, Span(0, 3, "SSN", 0.9, "pattern:ssn")), (packed, Span(4, 7, "MRN", 0.9, "label:mrn"))]
    assert found(of=[*of, *of]) == [(4, 12, "SSN"), (12, 20, "MRN")]
