"""What nobody here can read: encoded stretches of a text that hold a picture, an archive, a document or noise.

An attached image counts as RESTRICTED (DESIGN.md, invariant 8); pasted into a text as base64 or hexadecimal it is no
more readable. What a view reads only in part counts as unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.views.contents import said, unpacks
from ringfence.recognize.views.encodings import MORE_LINES64, decoded64, joined, lines64

ENTITY_TYPE: Final = "OPAQUE"
"""The type of a finding here; its label must be RESTRICTED, and no surrogate stands for it."""
BLOB_CHARS_MIN: Final = 400
"""A shorter stretch without a known beginning is a hash, a signature or a key identifier rather than a file."""
BLOB_DIGITS_MIN: Final = 1200
"""The same in hexadecimal: more than a key or a signature of 4,096 bits."""
_MAGIC_CHARS_MIN: Final = 40
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{16,}}+{MORE_LINES64}")
_MIXED = re.compile(r"[a-z0-9][A-Z]")
_HEX = re.compile(r"(?:0?[xX])?((?:[0-9a-fA-F]{2})+)")
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
    found = []
    for match in _RUN.finditer(text):
        begin, end = match.span()
        start = _start_of(next(lines64(text, begin, end)))
        if start is None or end - start < _MAGIC_CHARS_MIN:
            continue
        forms = [*lines64(text, start, end), *(lines64(text, begin, end) if begin < start else ())]
        before = text[max(0, start - _BEFORE_CHARS) : start]
        if (code := _code_of([joined(text, lines) for lines in forms], before)) is not None:
            found.append(Span(start, end, ENTITY_TYPE, 0.9, f"opaque:{code}"))
    return tuple(found)


def _start_of(lines: list[range]) -> int | None:
    """Where a code begins: after words on lines of their own; None where there is nothing else.

    A code is broken into lines of one length, but for the last, and for a long first one that a mark stands before.
    """
    at, last = 0, len(lines) - 1
    while at < last and len(lines[at]) < _MAGIC_CHARS_MIN and len(lines[at]) != len(lines[at + 1]):
        at += 1
    width = len(lines[at])
    is_list = width < _MAGIC_CHARS_MIN and any(len(line) != width for line in lines[at:-1])
    return None if is_list else lines[at].start


def _code_of(bodies: Sequence[str], before: str) -> str | None:
    """The code in which nobody can read a run, however one takes it; None where somebody can, or it is no code."""
    if _HEX.fullmatch(bodies[0]):
        code, is_short, decode = "hex", len(bodies[0]) < BLOB_DIGITS_MIN, _digits
    elif _MIXED.search(bodies[0]):
        code, is_short, decode = "base64", len(bodies[0]) < BLOB_CHARS_MIN, decoded64
    else:
        return None
    is_file = not is_short and not any(mark in before for mark in _PUBLIC)
    return code if all(_is_unread(decode(body), is_file=is_file) for body in bodies) else None


def _is_unread(raw: bytes, *, is_file: bool) -> bool:
    """Whether `raw` is a file or a part of one, by its beginning or if `is_file`, and no text."""
    content = said(raw)
    if content is not None and content.is_whole and not raw.startswith(_WRITTEN):
        return False
    return is_file or _begins_as_file(raw) or unpacks(raw)


def _begins_as_file(raw: bytes) -> bool:
    if raw.startswith(b"BM"):
        return len(raw) * 4 >= _BM_CHARS_MIN * 3
    return raw.startswith(_MAGIC) or any(raw.startswith(magic, at) for at, magic in _MAGIC_AT)


def _digits(body: str) -> bytes:
    digits = body.lower().partition("x")[2] or body
    return bytes.fromhex(digits[: len(digits) // 2 * 2])
