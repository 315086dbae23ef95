"""Where the entries of a full segment end: ``entries-NNNNNN.idx`` beside it, one 8-byte little-endian number an entry.

Derived from the segment, written when it is full, and made anew where it is missing or does not fit. Blocking.
"""

from __future__ import annotations

import os
import sys
from array import array
from dataclasses import dataclass
from typing import Final

from ringfence.tiles import ENTRY_BYTES_MAX
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder, write_all

OFFSET_BYTES: Final = 8
_LINE_BYTES_MAX: Final = ENTRY_BYTES_MAX + 1


@dataclass(slots=True)
class SealedSegment:
    """A full segment, open for reading. Safe to read from several threads; closed by its owner."""

    name: str
    """The segment's file."""
    entries: int
    """The segment's descriptor."""
    index: int
    """The index's descriptor."""

    @classmethod
    def open(cls, folder: LogFolder, name: str) -> SealedSegment:
        """Open segment and index; LogError where one cannot be."""
        try:
            entries = folder.open(name, os.O_RDONLY)
            try:
                return cls(name, entries, folder.open(index_name(name), os.O_RDONLY))
            except OSError:
                os.close(entries)
                raise
        except OSError as error:
            raise LogError(f"{folder.path / name}: {error.strerror}; restore it from a copy") from None

    def read(self, first: int, count: int = 1) -> list[bytes]:
        """The exact bytes of `count` entries from the segment's `first` on.

        Raises:
            LogError: they are not where the index says.
        """
        before = 1 if first else 0
        ends = _ends(os.pread(self.index, (count + before) * OFFSET_BYTES, (first - before) * OFFSET_BYTES))
        start = ends.pop(0) if before and ends else 0
        length = ends[-1] - start if len(ends) == count else 0
        data = os.pread(self.entries, length, start) if count <= length <= count * _LINE_BYTES_MAX else b""
        lines = data.split(b"\n")
        if lines.pop() or [len(line) for line in lines] != _lengths(start, ends) or len(lines) != count:
            raise LogError(f"{self.name}: entries are not where {index_name(self.name)} says; one of them was changed")
        return lines

    def close(self) -> None:
        """Let go of both files."""
        os.close(self.entries)
        os.close(self.index)


def index_name(segment: str) -> str:
    """The index's file for a segment's."""
    return segment.removesuffix(".ndjson") + ".idx"


def write_index(folder: LogFolder, segment: str, ends: array[int]) -> None:
    """Write where a segment's entries end; durable on return."""
    file = folder.open(index_name(segment), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(file, _little(ends).tobytes())
        os.fsync(file)
    finally:
        os.close(file)


def index_fits(folder: LogFolder, segment: str, count: int, size_bytes: int) -> bool:
    """Whether the index is there for `count` entries of a segment of `size_bytes` in all."""
    try:
        file = folder.open(index_name(segment), os.O_RDONLY)
    except OSError:
        return False
    try:
        last = os.pread(file, OFFSET_BYTES, (count - 1) * OFFSET_BYTES)
        return os.fstat(file).st_size == count * OFFSET_BYTES and int.from_bytes(last, "little") == size_bytes
    finally:
        os.close(file)


def _ends(data: bytes) -> array[int]:
    ends = array("Q")
    ends.frombytes(data[: len(data) - len(data) % OFFSET_BYTES])
    return _little(ends)


def _lengths(start: int, ends: array[int]) -> list[int]:
    """How long each entry is, without its newline."""
    return [end - before - 1 for before, end in zip([start, *ends], ends, strict=False)]


def _little(numbers: array[int]) -> array[int]:
    """The same numbers in the file's byte order, or back."""
    if sys.byteorder == "little":
        return numbers
    swapped = array("Q", numbers)
    swapped.byteswap()
    return swapped
