"""What a loading engine tells its launcher: how far it is, on a pipe, and by its exit status whether memory ran out.

A line is a number, the share that is done (``0.43``), or words, what is being done (``warming up``). Nothing of it is
content: it ends before the engine listens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

EXIT_NO_MEMORY = 71
"""Exit status of an engine that could not get the memory that it needs (sysexits.h: EX_OSERR)."""

LINE_BYTES_MAX = 200
"""Longest line that counts; what is longer is dropped."""

READING = "reading weights"
"""The first stage."""

STEP = 0.01
"""Share after which it is told again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a loading engine is."""

    share: float = 0.0
    """0 to 1."""
    stage: str = READING
    """What is being done, for people."""


class ProgressReader:
    """Puts the launcher's end together from whatever arrives."""

    def __init__(self) -> None:
        self._rest = b""
        self.progress = Progress()
        """The newest."""

    def feed(self, data: bytes) -> bool:
        """Take what arrived; whether there is news. What is neither number nor printable words is passed over."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LINE_BYTES_MAX:]
        before = self.progress
        for line in lines:
            self._take(line)
        return self.progress != before

    def _take(self, line: bytes) -> None:
        text = line.decode("ascii", errors="replace").strip()
        if not text or len(line) > LINE_BYTES_MAX or not text.isprintable() or "\ufffd" in text:
            return
        try:
            share = float(text)
        except ValueError:
            self.progress = Progress(self.progress.share, text)
        else:
            if 0.0 <= share <= 1.0:
                self.progress = Progress(share, self.progress.stage)


class ProgressPipe:
    """The engine's end. A launcher that does not read, or that is gone, never stops the loading."""

    def __init__(self, descriptor: int) -> None:
        """Write to `descriptor`; negative for nowhere."""
        self._descriptor = descriptor
        self._told = -1.0
        if descriptor >= 0:
            os.set_blocking(descriptor, False)

    def tell(self, share: float) -> None:
        """Say how much is done, 0 to 1; in steps of `STEP`."""
        if share - self._told >= STEP or share >= 1.0 > self._told:
            self._told = share
            self._write(f"{share:.2f}")

    def say(self, stage: str) -> None:
        """Say what is being done."""
        self._write(stage)

    def close(self) -> None:
        """Nothing more is told."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, line: str) -> None:
        if self._descriptor < 0:
            return
        try:
            os.write(self._descriptor, f"{line}\n".encode("ascii", errors="replace"))
        except BlockingIOError:
            return
        except OSError:
            self.close()
