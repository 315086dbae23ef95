"""Media types that callers write, down to names that everybody uses: what a caller makes up would travel unscanned."""

from __future__ import annotations

import mimetypes
from typing import Final

TEXT: Final = ("text/", "application/json", "application/xml", "application/x-ndjson")
"""Media types whose bytes are text by their registration (RFC 2046, RFC 8259, RFC 7303)."""
UNKNOWN: Final = "application/octet-stream"
"""What bytes of no known type are (RFC 2046, section 4.5.1)."""

_KNOWN: Final = frozenset(mimetypes.MimeTypes().types_map[True].values()) | {
    "application/x-ndjson",
    "application/dicom",
    "image/webp",
    "text/markdown",
}
"""Python's own table, and what callers of ours send; the machine's files are not read."""
_SUFFIXES: Final = {"+json": "application/json", "+xml": "application/xml"}
"""What may be read as something simpler (RFC 6839, section 3.1; RFC 7303, section 4.2)."""


def media_type_of(written: str) -> str:
    """The media type without parameters, in lower case, by a name that is known.

    Args:
        written: as the caller wrote it; empty for none, which stays.

    Returns:
        ``text/plain`` for a text of a kind that is not known, `UNKNOWN` for anything else that is not.
    """
    bare = written.partition(";")[0].strip().lower()
    if not bare or bare in _KNOWN:
        return bare
    for suffix, simpler in _SUFFIXES.items():
        if bare.endswith(suffix):
            return simpler
    return "text/plain" if bare.startswith("text/") else UNKNOWN
