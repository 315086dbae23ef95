"""Text from tokens: whole characters, nothing of a stop string, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.text import TextAssembler

LETTERS = st.text(alphabet="abé€😀", max_size=30)


def cut(data, sizes):
    pieces, start = [], 0
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    return [*pieces, data[start:]]


def assemble(pieces, stops=()):
    assembler = TextAssembler(stops)
    deltas = []
    for piece in pieces:
        text, stopped = assembler.push(piece)
        deltas.append(text)
        if stopped:
            return deltas, True
    return [*deltas, assembler.finish()], False


@given(LETTERS, st.lists(st.integers(0, 3)))
def test_characters_are_never_broken(text, sizes):
    deltas, stopped = assemble(cut(text.encode(), sizes))
    assert "".join(deltas) == text
    assert not stopped


@given(LETTERS, st.lists(st.integers(0, 3)), st.lists(st.text(alphabet="abé€", max_size=4), min_size=1, max_size=3))
def test_the_answer_ends_before_the_first_stop_string_however_tokens_fall(text, sizes, stops):
    deltas, stopped = assemble(cut(text.encode(), sizes), stops)
    places = [text.find(stop) for stop in stops if stop and stop in text]
    assert stopped == bool(places)
    shown = "".join(deltas)
    if places:
        # Pieces come in order: the stop string that is complete first ends the answer.
        assert text.startswith(shown)
        assert len(shown) in places
        assert any(text.startswith(stop, len(shown)) for stop in stops if stop)
    else:
        assert shown == text


def test_text_that_cannot_begin_a_stop_string_is_not_held_back():
    assembler = TextAssembler(["</s>"])
    assert assembler.push(b"hello <") == ("hello ", False)
    assert assembler.push(b"b> ") == ("<b> ", False)
    assert assembler.push(b"x</") == ("x", False)
    assert assembler.push(b"s> more") == ("", True)


def test_held_text_comes_at_the_end_and_half_a_character_does_not():
    assembler = TextAssembler(["stop"])
    assert assembler.push(b"no st") == ("no ", False)
    assert assembler.push("é".encode()[:1]) == ("", False)
    assert assembler.finish() == "st"


def test_bytes_that_are_no_utf8_become_replacement_characters():
    assert TextAssembler().push(b"a\xffb") == ("a\ufffdb", False)
