"""The bytes of each token."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakes.random_gguf import byte_characters
from ringfenced.engines.vllm.pieces import decoders_of, pieces_of

CHARACTERS = byte_characters()


@given(st.binary(max_size=20))
def test_byte_level_names_are_the_bytes_that_they_stand_for(data):
    name = "".join(CHARACTERS[byte] for byte in data)
    assert pieces_of({name: 0}, special=(), added=(), decoders={"ByteLevel"}) == [data]


@given(st.text(alphabet=st.characters(exclude_characters="▁", exclude_categories=["Cs"]), max_size=10))
def test_names_with_a_mark_for_a_space_are_their_text(text):
    vocabulary = {text.replace(" ", "▁"): 1, "<0xE2>": 2}
    pieces = pieces_of(vocabulary, special=(), added=(), decoders={"Replace", "ByteFallback", "Fuse"})
    assert pieces[1] == text.encode()
    assert pieces[2] == b"\xe2"


def test_special_tokens_show_nothing_and_added_ones_their_name():
    pieces = pieces_of({"<|x|>": 0, "é": 1, "é x": 2}, special={0}, added={0, 2}, decoders={"ByteLevel"})
    assert pieces == [b"", bytes([0xE9]), "é x".encode()]


def test_numbers_that_no_token_has_show_nothing():
    assert pieces_of({"a": 3}, special=(), added=(), decoders={"ByteLevel"}) == [b"", b"", b"", b"a"]


def test_a_tokenizer_that_makes_text_otherwise_has_no_pieces():
    assert pieces_of({"##a": 0}, special=(), added=(), decoders={"WordPiece"}) is None
    assert pieces_of({"a": 0}, special=(), added=(), decoders=frozenset()) is None


def test_decoders_are_found_however_deep_they_stand():
    decoder = {"type": "Sequence", "decoders": [{"type": "Replace"}, {"type": "Sequence", "decoders": [{"type": "X"}]}]}
    assert decoders_of(decoder) == {"Sequence", "Replace", "X"}
    assert decoders_of(None) == frozenset()
