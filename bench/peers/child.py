"""A recogniser in a child process: a line of JSON in, a line of JSON out; one thread, one core, its own CPU time."""

from __future__ import annotations

import json
import os
import select
import subprocess
from dataclasses import dataclass
from typing import Any, Self

START_S = 120.0
"""How long a child may take to start."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS")
"""What the libraries of both sides ask for their number of threads: one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recogniser says of one text."""

    spans: tuple[tuple[int, int, str, float], ...]
    """Start, end, its own type, score."""
    cpu_s: float
    """Its own CPU time, in seconds."""
    refused: str = ""
    """Why it says nothing: the name of its exception, or ``timeout``."""


class Child:
    """One process that answers. Not to be used from several threads.

    It first says ``{"ready": true}``, then answers ``{"text", "language"}`` with ``{"spans", "cpu_s"}`` or
    ``{"refused", "cpu_s"}``, and ``{"texts", "language", "repeat"}`` with ``{"cpu_s": [...]}``, the least of each.
    """

    def __init__(self, argv: list[str]) -> None:
        """Start it and wait until it is ready.

        Raises:
            RuntimeError: it did not get ready.
        """
        self._argv = argv
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | dict.fromkeys(THREADS, "1"),  # noqa: TID251 - the launcher of a child process
        )
        self.pid = self._process.pid
        os.sched_setaffinity(self.pid, {max(os.sched_getaffinity(0))})
        if self._read(START_S) != {"ready": True}:
            self.close()
            raise RuntimeError(f"{self._argv[1]} did not start")

    def scan(self, text: str, language: str = "en") -> list[tuple[int, int, str]]:
        """Start, end and type of what it finds; nothing where it refuses."""
        return [(start, end, label) for start, end, label, _ in self.answer(text, language).spans]

    def answer(self, text: str, language: str = "en", *, timeout_s: float = 600.0) -> Answer:
        """What it finds and the CPU time it took; past `timeout_s` of wall-clock time it is started anew."""
        said = self._ask({"text": text, "language": language}, timeout_s)
        if said is None:
            return Answer((), timeout_s, "timeout")
        spans = tuple((start, end, label, score) for start, end, label, score in said.get("spans", ()))
        return Answer(spans, said["cpu_s"], said.get("refused", ""))

    def cpu_s(self, texts: list[str], language: str = "en", *, repeat: int = 1) -> list[float]:
        """Seconds of CPU time for each of `texts`, the least of `repeat` rounds over all of them."""
        said = self._ask({"texts": texts, "language": language, "repeat": repeat}, 3600.0)
        if said is None:
            raise RuntimeError(f"{self._argv[1]} went away")
        return list(said["cpu_s"])

    def _ask(self, what: dict[str, Any], timeout_s: float) -> dict[str, Any] | None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()
        said = self._read(timeout_s)
        if said is None:
            self.close()
            self._start()
        return said

    def _read(self, timeout_s: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], timeout_s)[0]:
            return None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
