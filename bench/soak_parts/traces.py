"""Looks for what callers wrote in all that a site leaves: its logs, its ledger, the egress log, the archive, caches."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from soak_parts.load import MARK, NAME

CHUNK_BYTES = 1 << 20


def needles() -> tuple[bytes, ...]:
    """The mark and the name as they are and in the encodings that a log, a database or a debugger would use."""
    found: set[bytes] = set()
    for text in (MARK, NAME):
        for data in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            found |= {data, data.hex().encode(), data.hex().upper().encode(), *_base64(data)}
        found |= {quote(text).encode(), text.upper().encode(), text[::-1].encode()}
    return tuple(sorted(found))


def _base64(data: bytes) -> Iterator[bytes]:
    """What stands in base64 of any text with `data` in it, at each of the three offsets; both alphabets."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data)
        # The first characters hold bits of what stands before, the last ones of what comes after.
        inner = encoded[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def found_in(folder: Path, sought: tuple[bytes, ...], *, but: frozenset[str] = frozenset()) -> list[str]:
    """Names of the files under `folder` that hold one of `sought`; of those named in `but`, none is read."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in but)
    return [str(path.relative_to(folder)) for path in files if _holds(path, sought)]


def foreign_lines(log: Path) -> int:
    """How many lines of a process's log are not its own: tracebacks, and whatever libraries write beside it."""
    return sum(not line.startswith(b"{") for line in log.read_bytes().splitlines() if line)


def _holds(path: Path, sought: tuple[bytes, ...]) -> bool:
    overlap = max(map(len, sought)) - 1
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            text = before + chunk
            if any(needle in text for needle in sought):
                return True
            before = text[-overlap:]
    return False
