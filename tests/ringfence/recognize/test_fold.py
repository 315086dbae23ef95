"""Folding and its way back."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.confusables import LOOKALIKES, disguised
from ringfence.recognize.fold import Folder


@given(st.text())
def test_every_byte_maps_back_to_its_character(text):
    """Folding never raises, and each byte's span is one character of the original, in order."""
    folded = Folder().fold(text)
    spans = [folded.span(index, index + 1) for index in range(len(folded.data))]
    assert all(0 <= start < end <= len(text) and end - start == 1 for start, end in spans)
    assert spans == sorted(spans)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_stays(text):
    """ASCII text is its own folding."""
    folded = Folder().fold(text)
    assert folded.data == text.encode()
    assert folded.offsets is None


@given(st.text(st.characters(categories=("Lu", "Ll", "Nd"))))
def test_compatibility_forms_fold_alike(text):
    """A text and its NFKC form fold to the same bytes; letters that look like a Latin one fold to that instead."""
    text = "".join(char for char in text if char not in LOOKALIKES and disguised(char) is None)
    assert Folder().fold(text).data == Folder().fold(unicodedata.normalize("NFKC", text)).data


def test_a_span_covers_what_was_dropped_inside_it():
    """Zero-width characters inside a word belong to its span, so that they are replaced with it."""
    folded = Folder().fold("a\u200bb\u200bc")
    assert folded.data == b"abc"
    assert folded.span(0, 3) == (0, 5)


def test_the_table_does_not_grow_without_bound():
    """A text of all characters leaves a bounded cache behind."""
    folder = Folder()
    folder.fold("".join(map(chr, range(0x3000, 0x9000))))
    assert len(folder._table) <= 8192
