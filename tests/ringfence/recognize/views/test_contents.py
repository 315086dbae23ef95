"""Text is read out of bytes in every encoding that people use; what is read only in part is told to be so."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.views.contents import (
    INFLATED_BYTES_MAX,
    INFLATED_BYTES_MIN,
    INFLATED_TIMES_MAX,
    MEMBERS_MAX,
    is_packed,
    said,
    unpacks,
)

LETTERS = st.text("abcdefghijklmnopqrstuvwxyzäöüñ 0123456789", min_size=3).filter(lambda text: text[0].isascii())
WORDS = "His number is 524-71-6038. "


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32"])
@given(text=LETTERS)
def test_text_is_read_whole_in_every_encoding(codec, text):
    """With a mark of the order of bytes and without."""
    found = said(text.encode(codec))
    assert found is not None
    assert (found.text.lstrip("\ufeff"), found.is_whole) == (text, True)


@given(st.lists(LETTERS, min_size=1, max_size=4), st.sampled_from([gzip.compress, zlib.compress]), st.integers(0, 50))
def test_all_members_are_read(texts, compress, zeros):
    """One after the other, filled up with zeros as on a tape."""
    found = said(b"".join(compress(text.encode()) for text in texts) + bytes(zeros))
    assert found is not None
    assert (found.text, found.bytes_each, found.is_whole) == ("".join(texts), 0, True)


@pytest.mark.parametrize(
    "more", [b"x", b"\x1f\x8b\x08", zlib.compress(WORDS.encode())[:-5], random.Random(1).randbytes(40)]
)
def test_what_follows_unread_is_told(more):
    """The text before it is read all the same."""
    found = said(zlib.compress(WORDS.encode()) + more)
    assert found is not None
    assert found.text.startswith(WORDS)
    assert not found.is_whole


def test_a_bomb_is_read_to_its_bound():
    """At most so much, and so many times its length; also a character that the bound cuts is no reason to read none."""
    packed = gzip.compress(("é" * INFLATED_BYTES_MAX).encode(), mtime=0)
    found = said(b"".join([packed, packed]))
    assert found is not None
    assert not found.is_whole
    assert len(found.text.encode()) in range(INFLATED_BYTES_MIN, INFLATED_BYTES_MAX + 1)
    small = gzip.compress(b"a" * INFLATED_BYTES_MAX, mtime=0)
    assert len(said(small).text) == INFLATED_TIMES_MAX * len(small)


def test_a_bound_that_is_reached_at_a_members_end_is_not_taken_for_none():
    """zlib takes 0 for no limit."""
    first, second = (gzip.compress(b"a" * size, mtime=0) for size in (INFLATED_BYTES_MIN, 50 * INFLATED_BYTES_MAX))
    found = said(first + second[:200])
    assert found is not None
    assert (len(found.text), found.is_whole) == (INFLATED_BYTES_MIN, False)


@pytest.mark.parametrize("raw", [b"", b"\x78", b"\x78\x9c", b"\x1f\x8b", gzip.compress(b"", mtime=0), bytes(64)])
def test_what_holds_nothing_says_nothing(raw):
    found = said(raw)
    assert found is None or not found.text.strip("x")


@given(st.binary())
def test_nothing_is_raised(raw):
    """Whatever the bytes; and nothing unpacks that does not begin so."""
    found = said(raw)
    assert found is None or found.bytes_each in (0, 1, 2, 4)
    assert is_packed(raw) or not unpacks(raw)


def test_members_beyond_count_are_not_read():
    """Each copies what follows it: a million empty ones took a minute."""
    found = said(gzip.compress(WORDS.encode()) + gzip.compress(b"") * (MEMBERS_MAX + 1))
    assert found is not None
    assert not found.is_whole


def test_what_a_header_says_is_read_or_the_whole_is_not():
    """A file's name is for people, too; a comment or another field is for nobody that we know."""
    packed = bytearray(gzip.compress(WORDS.encode(), mtime=0))
    plain, name = bytes(packed[10:]), b"524-71-6038.txt\0"
    for flag, is_whole in ((0x08, True), (0x10, False)):
        packed[3] = flag
        found = said(bytes(packed[:10]) + name + plain)
        assert found is not None
        assert found.is_whole is is_whole
        assert found.text.startswith("524-71-6038.txt") is is_whole
