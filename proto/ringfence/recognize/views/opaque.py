"""What nobody here can read: encoded stretches of a text that hold a picture, an archive, a document or noise.

An attached image counts as RESTRICTED (DESIGN.md, invariant 8); pasted into a text as base64 it is no more readable.
"""

from __future__ import annotations

import re

from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.views.encodings import decoded64, inflated, is_text

ENTITY_TYPE = "OPAQUE"
"""The type of a finding here; its label must be RESTRICTED, and no surrogate stands for it."""
BLOB_CHARS_MIN = 400
"""A shorter stretch without a known beginning is a hash, a signature or a key identifier rather than a file."""
_MAGIC_CHARS_MIN = 40
_RUN = re.compile(
    r"[A-Za-z0-9+/_-]{40,}+(?:[ \t]{0,8}\r?\n[ \t>]{0,8}(?:[A-Za-z0-9+/_-]{4,}+|[A-Za-z0-9+/_-]{2,3}(?==)))*+={0,2}"
)
_MIXED = re.compile(r"[a-z0-9][A-Z]")
_PUBLIC = ("-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "ssh-rsa ", "ssh-ed25519 ", "sha512-", "sha384-")
"""Before what is meant for everybody (RFC 7468, RFC 4253; W3C Subresource Integrity)."""
_BEFORE_CHARS = 48
_HEAD_CHARS = 4096
_MAGIC = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"7z\xbc\xaf", b"Rar!",
    b"II*\0", b"MM\0*", b"RIFF", b"OggS", b"ID3", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"SQLite format 3",
    b"\x28\xb5\x2f\xfd",
    b"fLaC", b"\0\0\0\x18ftyp", b"\0\0\0\x20ftyp", b"BM", b"{\\rtf",
)  # fmt: skip
"""How files begin: images, PDF, ZIP and with it office files, archives, sound, film, programs (file(1)'s magic)."""
_BM_CHARS_MIN = 200
"""Two letters prove nothing in a short stretch."""


def opaque(text: str) -> Spans:
    """Stretches of base64 in `text` that no view can read: files by their beginning, long noise.

    A reading: positions in characters. Never raises; linear in the text's length.
    """
    if len(text) < _MAGIC_CHARS_MIN:
        return NONE
    found = []
    for match in _RUN.finditer(text):
        if _MIXED.search(match.group()) is None or not _is_opaque(text, match.start(), match.end()):
            continue
        found.append(Span(match.start(), match.end(), ENTITY_TYPE, 0.9, "opaque:base64"))
    return tuple(found)


def _is_opaque(text: str, start: int, end: int) -> bool:
    head = decoded64("".join(text[start : min(end, start + _HEAD_CHARS)].translate(_NO_BLANKS).rstrip("=")))
    if head.startswith(_MAGIC) and not (head.startswith(b"BM") and end - start < _BM_CHARS_MIN):
        plain = inflated(head)
        return plain is None or not is_text(plain)
    if end - start < BLOB_CHARS_MIN or is_text(head):
        return False
    before = text[max(0, start - _BEFORE_CHARS) : start]
    if any(mark in before for mark in _PUBLIC):
        return False
    return not is_text(head[: len(head) - len(head) % 3 - 3]) and not _is_wide(head)


def _is_wide(head: bytes) -> bool:
    """Whether it is UTF-16, which views read."""
    return head[1:2] == b"\0" or head[:1] == b"\0"


_NO_BLANKS = {ord(char): None for char in " \t\r\n>"}
