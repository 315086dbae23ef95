"""Presidio, as it can be installed without a download, in a child process: a text in, spans out.

    with PresidioPeer("regex") as peer:
        peer.scan("Call 212-555-0100")  # [(5, 17, 'PHONE_NUMBER')]

`scripts/peers.sh` sets its environment up; ``spacy`` needs the pipeline that `peers/train_spacy.py` trains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from peers.child import Answer, Child

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CHILD = Path(__file__).with_name("presidio_child.py")
MODEL = Path.home() / ".cache" / "ringfence" / "peers" / "spacy-ner"
"""The trained pipeline; as in `peers/train_spacy.py`, which another environment runs."""

Mode = Literal["bare", "regex", "spacy"]
"""bare: its pattern recognisers, no NLP at all (its NoOpNlpEngine), so no context words. regex: the same with a blank
spaCy tokenizer, so that context words work. spacy: with a trained pipeline of named entities."""

__all__ = ["MODEL", "Answer", "Mode", "PeerMissing", "PresidioPeer"]


class PeerMissing(RuntimeError):
    """A peer's environment or model is not there; says how to get it."""


class PresidioPeer(Child):
    """Presidio with every recogniser that it loads by default for en, es, fr and de, at its default threshold, 0."""

    def __init__(self, mode: Mode = "regex", *, model: Path = MODEL) -> None:
        """Start it and wait until it is ready.

        Args:
            mode: see `Mode`.
            model: folder of the trained pipeline; for ``spacy`` only.

        Raises:
            PeerMissing: its environment or its model is not there.
            RuntimeError: it did not start.
        """
        if not PYTHON.exists():
            raise PeerMissing("Presidio is not installed: run scripts/peers.sh")
        if mode == "spacy" and not model.exists():
            raise PeerMissing("no spaCy pipeline is there: run .venv-peers/bin/python bench/peers/train_spacy.py")
        super().__init__([str(PYTHON), str(CHILD), mode, "--model", str(model)])
