"""What nobody here can read: encoded stretches of a text that hold a picture, an archive, a document or noise.

An attached image counts as RESTRICTED (DESIGN.md, invariant 8); pasted into a text as base64 or hexadecimal it is no
more readable. What a view reads only in part counts as unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.views.contents import said, unpacks
from ringfence.recognize.views.encodings import decoded64
from ringfence.recognize.views.runs import MORE_LINES, codes, joined, lines_of

ENTITY_TYPE: Final = "OPAQUE"
"""The type of a finding here; its label must be RESTRICTED, and no surrogate stands for it."""
BLOB_CHARS_MIN: Final = 400
"""A shorter stretch without a known beginning is a hash, a signature or a key identifier rather than a file."""
BLOB_DIGITS_MIN: Final = 1200
"""The same in hexadecimal: more than a key or a signature of 4,096 bits."""
_MAGIC_CHARS_MIN: Final = 40
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{16,}}+{MORE_LINES}")
_MIXED = re.compile(r"[a-z0-9][A-Z]")
_HEX = re.compile(r"(?:0?[xX])?[0-9a-fA-F]{2,}")
_HEX_RUN = re.compile(r"[0-9a-fA-F]{40}")
_LETTERS_MIN: Final = 0.2
"""Share of letters in hexadecimal, and of digits: in noise it is three and five of eight."""
_DIGESTS: Final = frozenset({32, 40, 48, 56, 64, 96, 128})
"""Digits of a digest (MD5, SHA-1, Tiger, SHA-2) or UUID: a list of them is no file."""
_SHARES_MIN: Final = (0.15, 0.15, 0.05)
"""Of lower and upper case and digits: base64 of noise has 26, 26 and 10 of 64."""
_HEAD_LINES_MAX: Final = 32
"""So many lines of 16 hold what is looked at of a file's beginning."""
_PUBLIC: Final = (
    "-----BEGIN PUBLIC KEY",
    "-----BEGIN RSA PUBLIC KEY",
    "ssh-rsa ",
    "ssh-ed25519 ",
    "sha512-",
    "sha384-",
)
"""Before what is meant for everybody (RFC 7468, RFC 4253; W3C Subresource Integrity)."""
_BEFORE_CHARS: Final = 48
_MAGIC: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"7z\xbc\xaf", b"Rar!",
    b"II*\0", b"MM\0*", b"RIFF", b"OggS", b"ID3", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"SQLite format 3",
    b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",
    b"fLaC", b"wOFF", b"wOF2", b"\0asm", b"BM", b"{\\rtf",
)  # fmt: skip
"""How files begin: images, PDF, ZIP and with it office files, archives, sound, fonts, programs (file(1)'s magic)."""
_MAGIC_AT: Final = ((4, b"ftyp"), (128, b"DICM"))
"""What stands further on: in films and pictures of ISO's base media format, in DICOM (PS3.10, 7.1)."""
_WRITTEN: Final = (b"%PDF", b"{\\rtf")
"""Files in letters, of which a reader sees something else than what is written."""
_BM_CHARS_MIN: Final = 200
"""Two letters prove nothing in a short stretch."""


def opaque(text: str) -> Spans:
    """Stretches of base64 or hexadecimal in `text` that no view reads in whole: files by their beginning, long noise.

    A reading: positions in characters. Never raises; linear in the text's length.
    """
    if len(text) < _MAGIC_CHARS_MIN:
        return NONE
    return tuple([span for match in _RUN.finditer(text) for span in _in_run(text, *match.span())])


def _in_run(text: str, start: int, end: int) -> Iterator[Span]:
    """What is opaque in a run: of lines that nobody reads, and that follow one another, at most one stretch."""
    lines = lines_of(text, start, end)
    body = joined(text, lines)
    if len(body) < _MAGIC_CHARS_MIN or not (_MIXED.search(body) or (_HEX_RUN.search(body) and _is_hexadecimal(body))):
        return
    unread: list[Sequence[range]] = []
    for block, is_read in codes(lines, lambda some: _is_read(joined(text, some)) or None):
        if not is_read:
            unread.append(block)
            continue
        yield from _stretch(text, unread)
        unread = []
    for span in _stretch(text, unread):
        yield span._replace(end=end) if span.end == lines[-1].stop else span


def _stretch(text: str, blocks: Sequence[Sequence[range]]) -> Iterator[Span]:
    """From the first block on that begins as a file or is long enough for one."""
    left = sum(len(line) for block in blocks for line in block)
    for at, block in enumerate(blocks):
        ahead = (line for later in blocks[at : at + _HEAD_LINES_MAX] for line in later)
        head = joined(text, islice(ahead, _HEAD_LINES_MAX))
        before = text[max(0, block[0].start - _BEFORE_CHARS) : block[0].start]
        if (code := _code_of(block, joined(text, block), head, left, before)) is not None:
            yield Span(block[0].start, blocks[-1][-1].stop, ENTITY_TYPE, 0.9, f"opaque:{code}")
            return
        left -= sum(map(len, block))


def _code_of(block: Sequence[range], body: str, head: str, chars: int, before: str) -> str | None:
    """The code in which a file begins here, or may; None where there is none.

    Args:
        block: lines of one length.
        body: what stands in them.
        head: how that and what follows begins.
        chars: how long it is.
        before: what stands before.
    """
    if _HEX.fullmatch(body) and _is_hexadecimal(body):
        raw = _digits(body)
        is_list = len(block) > 1 and len(block[0]) in _DIGESTS
        is_file = len(body) >= BLOB_DIGITS_MIN and not is_list
        return "hex" if is_file or _begins_as_file(raw) or unpacks(raw) else None
    raw = decoded64(head)
    if _begins_as_file(raw) or unpacks(raw):
        return "base64"
    if len(block[0]) < _MAGIC_CHARS_MIN:  # so narrow are lists of words, numbers and names
        is_file = len(body) >= BLOB_CHARS_MIN and len(block[0]) % 4 == 0 and _is_noise(body)
    else:
        is_file = chars >= BLOB_CHARS_MIN
    return "base64" if is_file and not any(mark in before for mark in _PUBLIC) else None


def _is_read(body: str) -> bool:
    """Whether a view reads all of `body`."""
    raw = _digits(body) if _HEX.fullmatch(body) else decoded64(body)
    content = said(raw)
    return content is not None and content.is_whole and not raw.startswith(_WRITTEN)


def _is_noise(body: str) -> bool:
    """Whether letters of either case and digits come in it as they do in base64 of noise, less than half as often."""
    counts = (sum(map(str.islower, body)), sum(map(str.isupper, body)), sum(map(str.isdigit, body)))
    return all(count >= share * len(body) for count, share in zip(counts, _SHARES_MIN, strict=True))


def _is_hexadecimal(body: str) -> bool:
    """Whether letters and digits come in it as in hexadecimal, about: a number has no letters, words have no digits."""
    shares = (sum(map(str.isalpha, body)) / len(body), sum(map(str.isdigit, body)) / len(body))
    return min(shares) >= _LETTERS_MIN


def _begins_as_file(raw: bytes) -> bool:
    if raw.startswith(b"BM"):
        return len(raw) * 4 >= _BM_CHARS_MIN * 3
    return raw.startswith(_MAGIC) or any(raw.startswith(magic, at) for at, magic in _MAGIC_AT)


def _digits(body: str) -> bytes:
    """Hexadecimal, its mark before it or not; an odd digit at the end falls away."""
    digits = body.lower().rpartition("x")[2]
    return bytes.fromhex(digits[: len(digits) // 2 * 2])
