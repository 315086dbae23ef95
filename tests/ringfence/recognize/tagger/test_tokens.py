"""Tokens: runs of letters, runs of digits, single marks; and hashes that join."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.fold import Folder
from ringfence.recognize.gazetteer import WORD_BYTES_MAX, key
from ringfence.recognize.tagger.tokens import join, tokenise, windows, word_hashes


def words(text):
    data = text.encode("latin-1")
    tokens = tokenise(data)
    return [data[start:end].decode("latin-1") for start, end in zip(tokens.starts, tokens.ends, strict=True)]


def test_letters_digits_and_marks_are_tokens():
    assert words("Anna Smith, T2DM\n 3.5 mg") == ["Anna", "Smith", ",", "T", "2", "DM", "3", ".", "5", "mg"]


def test_nothing_has_no_tokens():
    assert words("") == []
    assert words(" \n\t ") == []


@given(st.text())
def test_tokens_cover_everything_but_blanks(text):
    data = Folder().fold(text).data
    tokens = tokenise(data)
    covered = bytearray(len(data))
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        assert 0 <= start < end <= len(data)
        assert not any(covered[start:end])
        covered[start:end] = b"\x01" * (end - start)
    assert all(bool(here) != (byte in b" \t\n\r\x0b\x0c") for here, byte in zip(covered, data, strict=True))


def test_a_hash_is_of_lower_case_and_of_the_first_bytes():
    tokens = tokenise(b"Anna anna " + b"x" * 24 + b" " + b"x" * 30)
    hashes, _ = word_hashes(*windows(tokens, WORD_BYTES_MAX))
    assert hashes[0] == hashes[1] == key(b"anna")
    assert hashes[2] == hashes[3]


@given(st.lists(st.text("abcxyz", min_size=1, max_size=10), min_size=2, max_size=4))
def test_hashes_of_words_join_to_the_hash_of_the_words_joined(parts):
    hashes, powers = word_hashes(*windows(tokenise(" ".join(parts).encode()), WORD_BYTES_MAX))
    whole = hashes[:1]
    for index in range(1, len(parts)):
        whole = join(whole, hashes[index : index + 1], powers[index : index + 1])
    assert int(whole[0]) == key(" ".join(parts).encode())


def test_windows_read_from_either_end():
    values, has = windows(tokenise(b"Ab"), 3)
    assert values.tolist() == [[98, 99, 0]]
    assert has.tolist() == [[True, True, False]]
    assert windows(tokenise(b"Ab"), 2, from_end=True)[0].tolist() == [[99, 98]]
    assert np.shape(windows(tokenise(b""), 3)[0]) == (0, 3)
