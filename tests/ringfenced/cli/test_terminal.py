"""What may be written to a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.terminal import safe


@given(st.text())
def test_no_control_character_survives_but_newline_and_tab(text):
    assert not [each for each in safe(text) if unicodedata.category(each) == "Cc" and each not in "\n\t"]


@given(st.text(st.characters(exclude_categories=("Cc", "Cf"))))
def test_all_other_text_stays_as_it_is(text):
    assert safe(text) == text


def test_escape_sequences_lose_their_escape():
    assert safe("a\x1b[2Jb\x9b1mc\x07\x7f\r\n") == "a[2Jb1mc\n"


def test_a_line_cannot_be_made_to_read_otherwise():
    assert safe("admin\u202egpj.exe\u2066x\u2069") == "admingpj.exex"


def test_marks_that_arabic_and_hebrew_need_stay():
    assert safe("\u200f\u05e9\u05dc\u05d5\u05dd\u200e") == "\u200f\u05e9\u05dc\u05d5\u05dd\u200e"
