"""Models on disk in Hugging Face's layout: config.json, safetensors files, a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ringfenced.weights.bad import BadModelFile, shown
from ringfenced.weights.from_hf import shape_of_hf
from ringfenced.weights.reading import named, opened
from ringfenced.weights.safetensors import (
    StoredTensor,
    header_bytes,
    read_index,
    read_json,
    read_safetensors_header,
)
from ringfenced.weights.shape import ModelShape

JSON_BYTES_MAX: Final = 64 << 20
"""Longest configuration or index; the index of a model of 671 B parameters has 9 MB."""
FILES_MAX: Final = 1000
"""Files of one model; the largest known have some 200."""


def read_hf_folder(folder: Path) -> ModelShape:
    """Read what a model in Hugging Face's layout says of itself, and check that all its weights are there.

    Args:
        folder: with config.json and safetensors files.

    Raises:
        BadModelFile: it cannot be read, or is not what it should be; the message begins with the file's name.
    """
    config = _json(folder / "config.json")
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    files: Mapping[str, str] = {}
    if index.exists():
        with named(index):
            files = read_index(_all(index))
        names = sorted(set(files.values()))
        if len(names) > FILES_MAX:
            raise BadModelFile("limit", f"{shown(index.name)}: it names {len(names):,} files")
    tensors: list[StoredTensor] = []
    for name in names:
        with named(folder / name), opened(folder / name) as (file, size):
            data = file.read(8)
            data += file.read(header_bytes(data) - 8)
            tensors += read_safetensors_header(data, size)
    found = {tensor.name for tensor in tensors}
    if missing := set(files) - found:
        raise BadModelFile("missing", f"{shown(index.name)}: no file has the tensor {shown(min(missing))}")
    tokenizer = folder / "tokenizer_config.json"
    template = (folder / "chat_template.jinja").exists() or (
        tokenizer.exists() and bool(_json(tokenizer).get("chat_template"))
    )
    with named(folder / "config.json"):
        return shape_of_hf(config, tensors, has_chat_template=template, pooling=_pooling(folder))


def _pooling(folder: Path) -> str | None:
    """Return what sentence-transformers' pooling module says; None where there is none."""
    path = folder / "1_Pooling" / "config.json"
    if not path.exists():
        return None
    settings = _json(path)
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "last"}
    return next((kind for name, kind in names.items() if settings.get(name) is True), None)


def _json(path: Path) -> dict[str, Any]:
    with named(path):
        return read_json(_all(path), "it")


def _all(path: Path) -> bytes:
    with opened(path) as (file, size):
        if size > JSON_BYTES_MAX:
            raise BadModelFile("limit", f"it is {size:,} bytes long; {JSON_BYTES_MAX:,} are read at most")
        return file.read(JSON_BYTES_MAX)
