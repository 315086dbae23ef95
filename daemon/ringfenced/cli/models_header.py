"""What a model's own files say of it, for tables: a fact that is not known is None."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringfenced.library.manifest import Manifest
from ringfenced.library.names import Format, first_weights
from ringfenced.weights import BadModelFile, ModelShape
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.folders import read_hf_folder


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


def header_of(folder: Path, manifest: Manifest) -> Header:
    """Read it, without the weights; all unknown where it cannot be read.

    Args:
        folder: where the model's files are.
        manifest: which they are.
    """
    try:
        shape = _shape(folder, manifest)
    except BadModelFile:
        return Header()
    return Header(
        architecture=shape.architecture or None,
        quantisation=shape.quantization or None,
        context_tokens=shape.context_trained,
        parameters=shape.parameters or None,
    )


def _shape(folder: Path, manifest: Manifest) -> ModelShape:
    if manifest.format is Format.SAFETENSORS:
        return read_hf_folder(folder)
    first = first_weights(file.path for file in manifest.files) or manifest.files[0].path
    return read_gguf_file(folder / first).shape
