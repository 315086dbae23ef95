"""The log's entries on disk: append-only segments, one entry a line. Blocking.

    entries-000000.ndjson   65,536 entries in order, each the exact bytes of its leaf, each ended by one newline
    entries-000000.idx      where each of them ends; beside every full segment
    entries-000001.ndjson   the segment that is being filled; where its entries end is kept in memory

Segments, entry bundles (256 entries) and tiles begin at the same entries. A crash can leave the end of the last segment
torn. What was never acknowledged may be cut; what a checkpoint covers may not, and a log that has lost it is not opened
again.
"""

from __future__ import annotations

import json
import os
import threading
from array import array
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder, Seen, seen, write_all
from ringfence_agent.offsets import SealedSegment, index_fits, write_index

__all__ = ["SEGMENT_ENTRIES", "LogError", "Replayed", "Segments", "segment_name"]

SEGMENT_ENTRIES: Final = 65_536
"""A full segment's entries: 256 bundles, one full tile of level 1."""
SEALED_OPEN_MAX: Final = 64
"""So many full segments are open at a time."""
_READ_BYTES: Final = 1024 * 1024


class Replayed(NamedTuple):
    """An entry as it is read when a log is opened."""

    place: int
    """Its index in the log."""
    entry: bytes
    """Its exact bytes."""
    record: dict[str, Any] | None
    """What it says; None where only its bytes were asked for."""


class Segments:
    """The entries of one log. One thread writes and looks; another may read what is there already."""

    def __init__(self, folder: LogFolder, segment_entries: int = SEGMENT_ENTRIES) -> None:
        """Nothing is read yet: `replay` is to be read to its end first.

        Args:
            folder: where they are.
            segment_entries: how many a full segment has; tests have smaller ones.
        """
        self._folder = folder
        self.segment_entries = segment_entries
        """A full segment's entries."""
        self._sealed: list[Seen] = []
        self._open: OrderedDict[int, SealedSegment] = OrderedDict()
        self._file = -1
        self._inode = 0
        self._ends = array("Q")
        self._looked_ns = 0
        self._sealing = threading.Lock()
        self.cut_bytes = 0
        """How much of a torn end was cut when the log was opened."""

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._sealed) * self.segment_entries + len(self._ends)

    @property
    def sealed(self) -> int:
        """How many segments are full and will not change."""
        return len(self._sealed)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def replay(self, start: int) -> Generator[Replayed]:
        """Every entry from `start` on, and those before it in its segment and in the last one, without their records.

        Ends at the end, or where the last segment is torn; `cut` then says so. May be called again: begins anew.

        Raises:
            LogError: a segment is missing, damaged, or not full although others follow.
            OSError: the folder cannot be listed, or a segment not be read.
        """
        self._forget()
        names = self._folder.segments()
        for number, name in enumerate(names):
            if name != segment_name(number):
                raise LogError(f"{self._folder.path}: segment {segment_name(number)} is missing")
            last = number == len(names) - 1
            if last or (number + 1) * self.segment_entries > start or not self._seal_unread(name):
                yield from self._replay_segment(number, start, last=last)

    def cut(self, covered: int) -> None:
        """Cut what a crash left torn after the last good entry.

        Args:
            covered: how many entries were promised.

        Raises:
            LogError: fewer are left; something that was promised is gone.
        """
        if self.size < covered:
            raise LogError(
                f"{self._folder.path}: the checkpoint covers {covered} entries and {self.size} are left; the log was "
                "truncated or damaged. Restore it from a copy; it must not be continued"
            )
        if self._file < 0:
            return
        torn = os.fstat(self._file).st_size - self._written
        if torn:
            os.ftruncate(self._file, self._written)
            os.fsync(self._file)
            self.cut_bytes = torn

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, entries: Sequence[bytes]) -> None:
        """Write entries; durable on return.

        Raises:
            OSError: they may or may not be durable; nothing may be appended any more.
            LogError: likewise; the files are not what they were.
        """
        self.look()
        while entries:
            if self._file < 0 or len(self._ends) == self.segment_entries:
                self._begin_segment()
            room = self.segment_entries - len(self._ends)
            self._append(entries[:room])
            entries = entries[room:]

    def look(self) -> None:
        """Pass if the files are the ones that were written; every full segment, too, whenever the folder changed.

        Raises:
            LogError: one was removed, replaced, cut or lengthened by somebody else.
        """
        changed_ns = self._folder.changed_ns()
        if self._file >= 0:
            self._folder.demand(Seen(segment_name(self.sealed), self._inode, self._written))
        if changed_ns != self._looked_ns:
            for each in self._sealed:
                self._folder.demand(each)
            self._looked_ns = changed_ns

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, index: int) -> bytes:
        """The exact bytes of an entry that is there; LogError where it is not as it was written."""
        number, within = divmod(index, self.segment_entries)
        with self._sealing:
            if number < self.sealed:
                return self._segment(number).read(within)[0]
            start = self._ends[within - 1] if within else 0
            line = os.pread(self._file, self._ends[within] - start, start)
        if not line.endswith(b"\n"):
            raise LogError(f"{segment_name(number)}: entry {index} was changed; restore the log from a copy")
        return line[:-1]

    def open_sealed(self, number: int) -> SealedSegment:
        """A full segment of the caller's own, to be closed by it."""
        return SealedSegment.open(self._folder, segment_name(number))

    def close(self) -> None:
        """Let go of the files."""
        self._forget()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _written(self) -> int:
        """Bytes in the segment that is being filled."""
        return self._ends[-1] if self._ends else 0

    def _append(self, entries: Sequence[bytes]) -> None:
        """Into the segment that is being filled, which has room."""
        data = b"\n".join(entries) + b"\n"
        write_all(self._file, data)
        os.fdatasync(self._file)
        self._folder.demand(Seen(segment_name(self.sealed), self._inode, self._written + len(data)))
        end = self._written
        ends = [end := end + len(entry) + 1 for entry in entries]
        self._ends.extend(ends)

    def _begin_segment(self) -> None:
        """Go on in another file; the full one gets its index."""
        if self._file >= 0:
            self._seal(self._file, self._ends)
        self._file = self._folder.open(segment_name(self.sealed), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        self._inode = os.fstat(self._file).st_ino
        self._folder.sync()

    def _seal(self, file: int, ends: array[int]) -> None:
        """The segment is full: from now on it is read through its index."""
        name = segment_name(self.sealed)
        write_index(self._folder, name, ends)
        with self._sealing:
            self._sealed.append(seen(name, file))
            self._ends = array("Q")
            self._file = -1
            os.close(file)

    def _seal_unread(self, name: str) -> bool:
        """Take a full segment by its index alone; False where that does not fit, so that it must be read."""
        file = self._folder.open(name, os.O_RDONLY)
        try:
            found = seen(name, file)
            fits = index_fits(self._folder, name, self.segment_entries, found.size_bytes)
            if fits:
                self._sealed.append(found)
            return fits
        finally:
            os.close(file)

    def _replay_segment(self, number: int, start: int, *, last: bool) -> Generator[Replayed]:
        """The entries of one segment, from its first on."""
        path, first = self._folder.path / segment_name(number), number * self.segment_entries
        ends, end = array("Q"), 0
        self._file = self._folder.open(path.name, os.O_RDWR | os.O_APPEND)
        self._inode, self._ends = os.fstat(self._file).st_ino, ends
        for line in self._lines():
            index = first + len(ends)
            record = _record(line, index) if index >= start else None
            if not line.endswith(b"\n") or (record is None and index >= start):
                if not last:
                    raise LogError(f"{path}: entry {index} is damaged, and later entries follow it")
                return
            if len(ends) == self.segment_entries:
                raise LogError(
                    f"{path}: has more than {self.segment_entries} entries; it was not written by this agent"
                )
            end += len(line)
            ends.append(end)
            yield Replayed(index, line[:-1], record)
        if last:
            return
        if len(ends) < self.segment_entries:
            raise LogError(f"{path}: entry {first + len(ends)} is missing, and later entries follow it")
        self._seal(self._file, ends)

    def _lines(self) -> Iterator[bytes]:
        """The lines of the segment at hand with their newlines; the last may lack it."""
        with os.fdopen(os.dup(self._file), "rb", buffering=_READ_BYTES) as stream:
            stream.seek(0)
            yield from stream

    def _segment(self, number: int) -> SealedSegment:
        """A full segment, one of the few that are open."""
        if number not in self._open:
            self._open[number] = self.open_sealed(number)
            if len(self._open) > SEALED_OPEN_MAX:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(number)
        return self._open[number]

    def _forget(self) -> None:
        """Let go of everything that was read."""
        for segment in self._open.values():
            segment.close()
        self._open.clear()
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._sealed.clear()
        self._ends = array("Q")


def segment_name(number: int) -> str:
    """A segment's file."""
    return f"entries-{number:06}.ndjson"


def _record(line: bytes, index: int) -> dict[str, Any] | None:
    """What a line says; None where it is no whole entry with this index."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("seq") != index:
        return None
    typed = isinstance(record.get("kind"), str) and isinstance(record.get("time_unix_ms"), int)
    return record if typed else None
