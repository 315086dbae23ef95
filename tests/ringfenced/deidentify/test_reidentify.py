"""Streams."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.deidentify import Mapping, Reidentifier

MAPPING = Mapping(
    {
        "Belvavel": "Anna",
        "Brackarvex": "van der Berg",
        "Belvavel Q. Brackarvex": "Anna M. van der Berg",
        "9991234": "4471120",
        "99912345": "44711209",
        "11/02/2143": "03/14/1957",
        "user012345@example.org": "anna@clinic.org",
        "90-year-old": "93-year-old",
        "[DATE-999000001]": "31/02/2024",
    }
)


def stream(pieces, **options):
    reidentifier = Reidentifier(MAPPING, **options)
    return [*(reidentifier.feed(piece) for piece in pieces), reidentifier.flush()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Belvavel Q. Brackarvex", "Anna M. van der Berg"),
        ("Belvavel Q. B", "Anna Q. B"),
        ("**Brackarvex**'s", "**van der Berg**'s"),
        ("BELVAVEL and BRACKARVEX", "ANNA and VAN DER BERG"),
        ("9991234", "4471120"),
        ("99912345 9991234.", "44711209 4471120."),
        ("19991234 and 99912349", "19991234 and 99912349"),
        ("on 11/02/2143,", "on 03/14/1957,"),
        ("on 11/02/21430", "on 11/02/21430"),
        ("user012345@example.org", "anna@clinic.org"),
        ("auser012345@example.org", "auser012345@example.org"),
        ("Belvavelous", "Belvavelous"),
        ("[DATE-999000001]", "31/02/2024"),
        ("Nothing of it", "Nothing of it"),
        ("", ""),
    ],
)
def test_surrogates_come_back_in_any_chunking(text, expected):
    """Whole, letter by letter, and cut in two at every place."""
    assert "".join(stream([text])) == expected
    assert "".join(stream(list(text))) == expected
    for cut in range(len(text)):
        assert "".join(stream([text[:cut], text[cut:]])) == expected


PIECES = [
    "Belvavel",
    " Q. ",
    "Brackarvex",
    "9991234",
    "5",
    "11/02",
    "/2143",
    "[DATE-",
    "999000001]",
    "user",
    "012345@example.org",
    " ",
    "B",
    "x",
    ".",
    "90-year",
]


@given(st.lists(st.sampled_from(PIECES)), st.lists(st.integers(0, 300)))
def test_chunking_never_matters(parts, cuts):
    """Any cut gives what no cut gives."""
    text = "".join(parts)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    cut = [text[start:end] for start, end in pairwise(edges)]
    assert "".join(stream(cut)) == "".join(stream([text]))


@given(st.lists(st.sampled_from(PIECES)))
def test_what_is_held_back_is_bounded(parts):
    """At most the longest surrogate waits, and the ``es`` of its plural."""
    reidentifier = Reidentifier(MAPPING)
    for part in parts:
        reidentifier.feed(part)
        assert len(reidentifier._held) <= max(map(len, MAPPING.originals())) + 2


def test_plain_text_is_not_held_back():
    """Text in which no surrogate begins goes through at once."""
    assert stream(["The ", "patient ", "is ", "well."])[:4] == ["The ", "patient ", "is ", "well."]


def test_only_a_live_prefix_waits():
    """The word before a possible surrogate does not wait with it."""
    assert stream(["so Bel", "ow"]) == ["so ", "Below", ""]


def test_originals_are_escaped_in_json():
    """Quotation marks, backslashes and control characters come back as JSON writes them; an escaped slash is read."""
    mapping = Mapping({"242 Quornick": 'the "old" \\mill\n', "11/02/2143": "x\ty"})
    reidentifier = Reidentifier(mapping, json=True)
    text = '{"a": "242 Quornick", "b": "11\\/02\\/2143", "c": "11/02/2143"}'
    out = "".join(map(reidentifier.feed, text)) + reidentifier.flush()
    assert json.loads(out) == {"a": 'the "old" \\mill\n', "b": "x\ty", "c": "x\ty"}


def test_an_empty_mapping_changes_nothing():
    reidentifier = Reidentifier(Mapping({}))
    assert reidentifier.feed("Belvavel") + reidentifier.flush() == "Belvavel"
