"""An ONNX token classifier from a local folder: ``model.onnx``, ``tokenizer.json``, ``config.json`` with ``id2label``.

That is what Hugging Face's Optimum writes for a token classification model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringfence.recognize.plugins.claim import Claim, Reader
from ringfence.recognize.plugins.errors import PluginFailed, PluginUnavailable

TOKENS_MAX, STRIDE = 512, 64
"""Tokens in one run, special ones included, and how many of them the next repeats (BERT's positions end at 512)."""
_FILES = ("model.onnx", "tokenizer.json", "config.json")


def load_onnx(folder: Path) -> Reader:
    """The entities that the classifier in `folder` sees.

    Raises:
        PluginUnavailable: a library is not installed, or the folder holds no classifier that it can load, or one whose
            labels are not those of its graph.
    """
    try:
        onnxruntime, tokenizers = import_module("onnxruntime"), import_module("tokenizers")
    except ImportError:
        raise PluginUnavailable(
            "onnxruntime and tokenizers are not installed; pip install onnxruntime tokenizers"
        ) from None
    if missing := [name for name in _FILES if not (folder / name).is_file()]:
        raise PluginUnavailable(
            f"{folder}: {', '.join(missing)} missing; export the model with its tokenizer and config"
        )
    try:
        config = json.loads((folder / "config.json").read_bytes())
        labels = {int(index): str(label) for index, label in config["id2label"].items()}
        tokens_max = min(TOKENS_MAX, int(config.get("max_position_embeddings", TOKENS_MAX)))
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(max_length=tokens_max, stride=min(STRIDE, tokens_max // 4))
        tokenizer.no_padding()
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime and tokenizers raise many kinds
        raise PluginUnavailable(f"{folder}: cannot be loaded: {type(error).__name__}") from None
    shape = list(session.get_outputs()[0].shape)
    if wrong := misfit(labels, shape[-1] if shape else None):
        raise PluginUnavailable(f"{folder}: {wrong}; export model and config together")
    inputs = [put.name for put in session.get_inputs()]

    def read(text: str) -> Iterator[Claim]:
        encoding = tokenizer.encode(text)
        for part in (encoding, *encoding.overflowing):
            logits = session.run(None, _feed(part, inputs))[0][0]
            real = [not special for special in part.special_tokens_mask]
            yield from decode(np.asarray(logits, np.float64), part.offsets, real, labels)

    return read


def _feed(part: Any, inputs: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """What the graph wants to know of a run of tokens."""
    given = {"input_ids": part.ids, "attention_mask": part.attention_mask, "token_type_ids": part.type_ids}
    return {name: np.asarray([given[name]], np.int64) for name in inputs}


def misfit(labels: Mapping[int, str], width: object) -> str:
    """What is wrong between a model's labels and its graph; empty where nothing is.

    Args:
        labels: index to label.
        width: how many classes the graph has, by its own word; anything but a whole number where it leaves that open.
    """
    if not labels or set(labels) != set(range(len(labels))):
        return "id2label is not numbered from 0 on"
    if isinstance(width, int) and width != len(labels):
        return f"id2label has {len(labels)} labels and the graph {width} classes"
    return ""


def decode(
    logits: NDArray[np.float64],
    offsets: Sequence[tuple[int, int]],
    real: Sequence[bool],
    labels: Mapping[int, str],
) -> Iterator[Claim]:
    """Entities of one run of tokens.

    Args:
        logits: tokens x labels.
        offsets: characters that each token stands for.
        real: whether each token stands in the text, and is no special one.
        labels: index to label: ``O``, or a type with a prefix of BIO, BILOU or BIOES, or without.

    Neighbouring tokens of one type are one entity unless a later one begins another (B, S, U); a token inside (I, L, E)
    that follows nothing begins one: what the model half saw counts. The score is that of its least sure token.

    Raises:
        PluginFailed: the logits are not what a classifier of these labels says. A row with a NaN has its largest in the
            first place, and that is usually ``O``: nothing would be found.
    """
    if logits.shape != (len(offsets), len(labels)):
        raise PluginFailed("the graph's logits have not the shape tokens x labels")
    if not np.isfinite(logits).all():
        raise PluginFailed("the graph's logits are not all finite")
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    best = shares.argmax(axis=1)
    entity: Claim | None = None
    for index, (start, end) in enumerate(offsets):
        if not real[index] or start == end:
            continue
        said = labels.get(int(best[index]))
        if said is None:
            raise PluginFailed("the graph names a class that has no label")
        prefix, label = _split(said)
        score = float(shares[index, best[index]])
        if entity is not None and label == entity.label and prefix not in "BSU":
            entity = Claim(entity.start, end, label, min(entity.score, score))
            continue
        if entity is not None:
            yield entity
        entity = Claim(start, end, label, score) if label else None
    if entity is not None:
        yield entity


def _split(label: str) -> tuple[str, str]:
    """Prefix and type; ``I`` and no type for ``O``."""
    if label == "O":
        return "I", ""
    prefix, mark, rest = label.partition("-")
    return (prefix, rest) if mark and prefix in {"B", "I", "L", "E", "S", "U"} else ("I", label)
