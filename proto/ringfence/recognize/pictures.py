"""Pictures that a site knows: nothing here can read one, so only approved bytes count as read.

The list is a file as ``sha256sum`` writes it: a digest, a blank, a mark (blank or ``*``), a name, one picture a line.
Lines that are empty or begin with ``#`` are passed over. A picture is known by the digest of its exact bytes, and its
media type must be the one that its first bytes show.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

Approved = frozenset[str]
"""SHA-256 digests of approved pictures, hex."""

NOTHING_APPROVED: Final[Approved] = frozenset()
PICTURES_MAX: Final = 100_000
"""A longer list is a mistake."""

_LINE: Final = re.compile(r"\\?([0-9a-f]{64}) [ *].+")
"""GNU coreutils manual, "md5sum invocation"; a backslash before the digest says that the name is escaped."""


def read_approved(path: Path) -> Approved:
    """The digests in a file.

    Raises:
        ValueError: a line is no line of ``sha256sum``, or there are too many; names the line.
        OSError: it cannot be read.
    """
    digests = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"line {number} is no digest and name; write the file with sha256sum PICTURES > {path.name}"
            )
        digests.add(match[1])
    if len(digests) > PICTURES_MAX:
        raise ValueError(f"more than {PICTURES_MAX} pictures; list those that are used")
    return frozenset(digests)


def media_type_of(data: bytes) -> str:
    """The media type that the first bytes show; empty for any but these four.

    Sources: PNG 3rd edition, section 5.2; JFIF 1.02 (SOI and the next marker); GIF89a, section 17; RFC 9649, 2.4.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def is_known(data: bytes, media_type: str, approved: Approved) -> bool:
    """Whether a picture is approved, byte for byte, and is what it says it is."""
    return bool(media_type) and media_type == media_type_of(data) and hashlib.sha256(data).hexdigest() in approved
