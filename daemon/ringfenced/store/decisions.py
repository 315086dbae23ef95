"""What decisions were made from, on disk: a bounded record without content, written beside the requests' way.

    add ──▶ memory ──every FLUSH_S──▶ one thread: lines ──▶ NAME.jsonl, until it is half of the limit, then NAME.1.jsonl

A crash loses the last `FLUSH_S`; a disk that fails loses what it could not take, and no request waits for it.
`ringfenced.decide.record` has the lines, and reads them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ringfenced.decide.record import Recorded, RecordEncoder

FLUSH_S: Final = 0.5
"""How long a decision may wait to be written, in seconds."""

WAITING_MAX: Final = 20_000
"""Most decisions that wait for the disk; what comes on top of them is not kept."""

_TAIL_BYTES: Final = 1 << 20
"""How much of a file is read at a time to find the end of its last line, in bytes."""

_LOG = logging.getLogger("ringfenced.decisions")


class DecisionFiles:
    """Keeps the last decisions. Belongs to one event loop; its thread alone touches the disk."""

    def __init__(self, folder: Path, name: str, bytes_max: int, pseudonym: Callable[[str], str]) -> None:
        """Prepare; nothing is written before the first decision.

        Args:
            folder: where the files lie; made where it is missing.
            name: of the two files, without ending; no other process writes them.
            bytes_max: most bytes of both files together.
            pseudonym: identity to keyed pseudonym.
        """
        self._path, self._former = folder / f"{name}.jsonl", folder / f"{name}.1.jsonl"
        self._bytes_max = bytes_max // 2
        self._pseudonym = pseudonym
        self._encoder: RecordEncoder | None = None
        self._descriptor = -1
        self._bytes = 0
        self._waiting: list[Recorded] = []
        self._writing: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "decisions")

    def add(self, recorded: Recorded) -> None:
        """Keep a decision; it is written within `FLUSH_S`, or at once where no event loop runs. Never raises."""
        if len(self._waiting) >= WAITING_MAX:
            return
        self._waiting.append(recorded)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_later(FLUSH_S, self._hand_over_once_written)
            except RuntimeError:
                self._hand_over()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._hand_over()
        self._thread.shutdown(wait=True)
        self._shut()

    def _hand_over_once_written(self) -> None:
        """Hand over what waits, unless the disk still has what came before: that is how memory stays bounded."""
        if self._writing is not None and not self._writing.done():
            asyncio.get_running_loop().call_later(FLUSH_S, self._hand_over_once_written)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._writing = self._thread.submit(self._write, waiting)

    def _write(self, several: list[Recorded]) -> None:
        """Write decisions; where the disk fails, they are lost and the next ones are tried on a file opened anew."""
        try:
            for recorded in several:
                self._write_one(recorded)
        except OSError as error:
            self._shut()
            fields = {"problem": error.strerror, "lost": len(several)}
            _LOG.warning("decisions_not_kept", extra={"fields": fields})

    def _write_one(self, recorded: Recorded) -> None:
        if self._encoder is None or self._bytes >= self._bytes_max:
            self._begin()
        assert self._encoder is not None
        data = "".join(self._encoder.lines(recorded)).encode()
        while data:
            written = os.write(self._descriptor, data)
            self._bytes += written
            data = data[written:]

    def _begin(self) -> None:
        """Go on with the file that is there, or begin a new one where that is full."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._bytes >= self._bytes_max:
            self._shut()
            self._path.replace(self._former)
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
            self._bytes = _cut_to_lines(self._descriptor)
        self._encoder = RecordEncoder(self._pseudonym)

    def _shut(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._encoder, self._bytes = -1, None, 0


def _cut_to_lines(descriptor: int) -> int:
    """Take a line off that a crash left half written; the file's length."""
    size = start = os.fstat(descriptor).st_size
    end = 0
    while start and not end:  # from the end on: the whole may be larger than memory, and than one read
        start = max(0, start - _TAIL_BYTES)
        if at := os.pread(descriptor, _TAIL_BYTES, start).rfind(b"\n") + 1:
            end = start + at
    if end < size:
        os.ftruncate(descriptor, end)
    return end
