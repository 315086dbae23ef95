"""What bytes say that a code stood for: text in UTF-8, UTF-16 or UTF-32, as it is or compressed.

Views read by it, and `opaque` judges by it what they cannot read: both must be of one mind.
"""

from __future__ import annotations

import codecs
import unicodedata
import zlib
from typing import Final, NamedTuple

INFLATED_BYTES_MAX: Final = 1 << 20
"""What is compressed is read to here."""
INFLATED_BYTES_MIN: Final = 1 << 12
"""And to here at least, however short it is."""
INFLATED_TIMES_MAX: Final = 16
"""And not beyond so many times its length: prose comes to a third, a log to a tenth, a bomb to a thousandth."""
MEMBERS_MAX: Final = 64
"""Members of it that are read: each copies what follows it."""
_SPREAD: Final = 0.9
_UNSEEN: Final = ("Cf", "Zs", "Zl", "Zp")
"""Categories of what is no picture but belongs to text: zero-width and bidi characters, blanks."""
_LINE_ENDS: Final = {ord(char): None for char in "\r\n\t"}
_WIDE: Final = (
    ("utf-32-le", 4, codecs.BOM_UTF32_LE),
    ("utf-32-be", 4, codecs.BOM_UTF32_BE),
    ("utf-16-le", 2, codecs.BOM_UTF16_LE),
    ("utf-16-be", 2, codecs.BOM_UTF16_BE),
)
"""The longer first: a mark of UTF-32 begins with one of UTF-16."""
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ALPHABETS_END: Final = "\u0530"
"""Latin, Greek and Cyrillic stand before it. Noise read as UTF-16 has hardly any of them, and is printable else."""
_GZIP: Final = b"\x1f\x8b"
_GZIP_HEADER: Final = 10
"""Bytes before what its flags announce."""
_GZIP_EXTRA, _GZIP_NAME, _GZIP_UNREAD = 0x04, 0x08, 0x04 | 0x10
"""Flags: a field of any kind, a name, and either that or a comment."""
_DEFLATE: Final = 0x78
"""First byte of zlib's data with the usual window (RFC 1950, 2.2)."""


class Said(NamedTuple):
    """The text in some bytes."""

    text: str
    """What it reads as."""
    bytes_each: int
    """How many bytes stand for each character: 2 or 4; 1 for UTF-8, where it may be several; 0 where they were
    compressed."""
    is_whole: bool
    """Whether the text is all that the bytes hold."""


class _Inflated(NamedTuple):
    raw: bytes
    is_whole: bool


def said(raw: bytes) -> Said | None:
    """The text that `raw` holds; None where it is no text. Never raises; linear in its length."""
    if is_text(raw):
        return Said(raw.decode("utf-8"), 1, is_whole=True)
    if is_packed(raw):
        unpacked = _inflated(raw)
        text = _text(unpacked)
        return None if text is None else Said(text, 0, unpacked.is_whole)
    return _wide(raw)


def is_text(raw: bytes) -> bool:
    """Whether `raw` reads as text: nearly all of it printable, in UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _is_shown(text)


def is_packed(raw: bytes) -> bool:
    """Whether `raw` begins as gzip or zlib data do (RFC 1952, 2.3.1; RFC 1950, 2.2)."""
    return raw[:2] == _GZIP or (len(raw) > 1 and raw[0] == _DEFLATE and not (raw[0] << 8 | raw[1]) % 31)


def unpacks(raw: bytes) -> bool:
    """Whether anything comes of it if `raw` is taken for gzip or zlib data."""
    return is_packed(raw) and bool(_inflated(raw).raw)


def _is_shown(text: str) -> bool:
    if text.isprintable() or text.translate(_LINE_ENDS).isprintable():  # nearly always, and quick
        return True
    shown = sum(char.isprintable() or char in "\r\n\t" or unicodedata.category(char) in _UNSEEN for char in text)
    return shown >= _SPREAD * len(text)


def _inflated(raw: bytes) -> _Inflated:
    """All members of it, one after the other, as far as they are read; the first one's name before them."""
    bytes_max = min(INFLATED_BYTES_MAX, max(INFLATED_BYTES_MIN, INFLATED_TIMES_MAX * len(raw)))
    named = _named(raw)
    plain, rest, is_ended, members = bytearray(named.raw), raw, False, 0
    while is_packed(rest) and len(plain) < bytes_max and members < MEMBERS_MAX:  # a length of 0 would have no bound
        member = zlib.decompressobj(47)  # gzip or zlib, by its header
        try:
            plain += member.decompress(rest, bytes_max - len(plain))
        except zlib.error:
            return _Inflated(bytes(plain), is_whole=False)
        is_ended, rest = member.eof, member.unused_data
        members += 1
        if not is_ended or (rest[3:4].strip(b"\0") and rest.startswith(_GZIP)):
            break
    # What is filled up with zeros is filled up: a tape's blocks are.
    return _Inflated(bytes(plain), is_whole=named.is_whole and is_ended and not rest.strip(b"\0"))


def _named(raw: bytes) -> _Inflated:
    """What gzip's header says besides: a file's name, for people too, and what nobody reads (RFC 1952, 2.3.1)."""
    if not raw.startswith(_GZIP) or len(raw) < _GZIP_HEADER:
        return _Inflated(b"", is_whole=True)
    flags = raw[3]
    if flags & _GZIP_NAME and not flags & _GZIP_EXTRA:
        name, _, _ = raw[_GZIP_HEADER:].partition(b"\0")
        return _Inflated(name.decode("latin-1").encode() + b"\n", is_whole=not flags & _GZIP_UNREAD)
    return _Inflated(b"", is_whole=not flags & (_GZIP_UNREAD | _GZIP_NAME))


def _text(unpacked: _Inflated) -> str | None:
    """Of what was cut off, the last character may be a part of one."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(unpacked.raw, final=unpacked.is_whole)
    except UnicodeDecodeError:
        return None
    return text if text and _is_shown(text) else None


def _wide(raw: bytes) -> Said | None:
    """UTF-16 or UTF-32 in alphabets, with a mark of the order of bytes or as its first character shows it."""
    if b"\0" not in raw[:4] and not raw.startswith(_MARKS):  # nearly always, and quick
        return None
    for codec, width, mark in _WIDE:
        if not (raw.startswith(mark) or _begins_wide(raw[:width], codec)):
            continue
        try:
            text = raw[: len(raw) // width * width].decode(codec)
        except UnicodeDecodeError:
            continue
        body = text.removeprefix("\ufeff")
        known = sum(char < _ALPHABETS_END or unicodedata.category(char) in _UNSEEN for char in body)
        if body and known >= _SPREAD * len(body) and _is_shown(body):
            return Said(text, width if len(text) == len(raw) // width else 0, is_whole=True)
    return None


def _begins_wide(first: bytes, codec: str) -> bool:
    """Whether the bytes of a first character can be one below U+0100."""
    low, high = (first[:1], first[1:]) if codec.endswith("le") else (first[-1:], first[:-1])
    return bool(low.strip(b"\0")) and not high.strip(b"\0")
