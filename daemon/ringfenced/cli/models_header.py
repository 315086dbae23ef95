"""What a model's own files say of it, for tables: a fact that is not known is None."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringfenced.library.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Header:
    """What people ask for first."""

    architecture: str | None = None
    """What computes it, for example ``llama``."""
    quantisation: str | None = None
    """How most of its weights are kept."""
    context_tokens: int | None = None
    """What it was trained for."""
    parameters: int | None = None
    """Numbers in all weights."""


def header_of(folder: Path, manifest: Manifest) -> Header:  # noqa: ARG001 - until the reader of headers is at hand
    """Read it, without the weights; all unknown where it cannot be read.

    Args:
        folder: where the model's files are.
        manifest: which they are.
    """
    return Header()
