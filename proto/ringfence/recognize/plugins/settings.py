"""What a site plugs in of others: plain values, read from the processes' configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What reads."""

    SPACY = "spacy"
    """A spaCy pipeline."""
    GLINER = "gliner"
    """A GLiNER model, asked for the labels that `Plugin.labels` names."""
    ONNX = "onnx"
    """An ONNX token classifier with its tokenizer."""
    LLM = "llm"
    """A model of this node, asked in words."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One recogniser of others. It can only add findings."""

    name: str
    """Names it in findings, ``plugin:NAME``."""
    kind: Kind
    """What it is."""
    path: Path | None = None
    """Its folder; None for an LLM. Nothing is ever downloaded."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its label to our entity type; empty for `labels.USUAL`. A label that is not here is passed over."""
    score_min: float = 0.5
    """What it is less sure of is passed over, where it says how sure it is."""
    seconds_max: float = 2.0
    """How long one text may take, in seconds. After that it counts as unread (RESTRICTED), and so does every other
    until the late one has come back."""
    chars_max: int = 8_000
    """Longest piece it gets at once; longer texts are read in pieces that overlap."""
    model: str = ""
    """With an LLM: which model of this node is asked."""
