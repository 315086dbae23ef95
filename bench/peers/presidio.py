"""Presidio, as it can be installed without a download, in a child process: a text in, spans out.

    with PresidioPeer("regex") as peer:
        peer.scan("Call 212-555-0100")  # [(5, 17, 'PHONE_NUMBER')]

`scripts/peers.sh` sets its environment up; ``spacy`` needs the pipeline that `peers/train_spacy.py` trains.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CHILD = Path(__file__).with_name("presidio_child.py")
MODEL = Path.home() / ".cache" / "ringfence" / "peers" / "spacy-ner"
"""The trained pipeline; as in `peers/train_spacy.py`, which another environment runs."""
START_S = 120.0
"""How long a child may take to start."""

Mode = Literal["bare", "regex", "spacy"]
"""bare: its pattern recognisers, no NLP at all (its NoOpNlpEngine), so no context words. regex: the same with a blank
spaCy tokenizer, so that context words work. spacy: with a trained pipeline of named entities."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer says of one text."""

    spans: tuple[tuple[int, int, str, float], ...]
    """Start, end, its own type, score."""
    cpu_s: float
    """Its own CPU time, in seconds."""
    refused: str = ""
    """Why it says nothing: the name of its exception, or ``timeout``."""


class PeerMissing(RuntimeError):
    """A peer's environment or model is not there; says how to get it."""


class PresidioPeer:
    """One child process. Not to be used from several threads."""

    def __init__(self, mode: Mode = "regex", *, model: Path = MODEL, score_min: float = 0.0) -> None:
        """Start it and wait until it is ready.

        Args:
            mode: see `Mode`.
            model: folder of the trained pipeline; for ``spacy`` only.
            score_min: findings below it are left out; Presidio's own default is 0.

        Raises:
            PeerMissing: its environment or its model is not there.
            RuntimeError: it did not start.
        """
        if not PYTHON.exists():
            raise PeerMissing("Presidio is not installed: run scripts/peers.sh")
        if mode == "spacy" and not model.exists():
            raise PeerMissing("no spaCy pipeline is there: run .venv-peers/bin/python bench/peers/train_spacy.py")
        self._argv = [str(PYTHON), str(CHILD), mode, "--model", str(model)]
        self._score_min = score_min
        self.mode = mode
        self._start()

    def _start(self) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
        self._child = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | threads,  # noqa: TID251 - the launcher of a child process
        )
        self.pid = self._child.pid
        if self._read(START_S) != {"ready": True}:
            self.close()
            raise RuntimeError("Presidio did not start")

    def scan(self, text: str, language: str = "en") -> list[tuple[int, int, str]]:
        """Start, end and type of what it finds; nothing where it refuses."""
        return [(start, end, label) for start, end, label, _ in self.answer(text, language).spans]

    def answer(self, text: str, language: str = "en", *, timeout_s: float = 600.0) -> Answer:
        """What it finds and the CPU time it took; past `timeout_s` of wall-clock time it is started anew."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"text": text, "language": language}).encode() + b"\n")
        self._child.stdin.flush()
        said = self._read(timeout_s)
        if said is None:
            self.close()
            self._start()
            return Answer((), timeout_s, "timeout")
        spans = tuple((start, end, label, score) for start, end, label, score in said.get("spans", ()))
        return Answer(
            tuple(span for span in spans if span[3] >= self._score_min), said["cpu_s"], said.get("refused", "")
        )

    def _read(self, timeout_s: float) -> dict[str, Any] | None:
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], timeout_s)[0]:
            return None
        line = self._child.stdout.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
