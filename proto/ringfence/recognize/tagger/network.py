"""The network: embeddings of a token's features, and convolutions over its neighbours.

An iterated dilated convolution (Strubell et al. 2017, "Fast and Accurate Entity Recognition with Iterated Dilated
Convolutions") without recurrence, so that a text is a handful of matrix products; and one sigmoid for each type of
entity, so that a training text that annotates some types says nothing of the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.tagger.features import Features

Floats = npt.NDArray[np.float32]

DILATIONS = (1, 2, 4, 1)
"""How far apart the three inputs of each layer stand: a token sees eight on each side."""
REACH = sum(DILATIONS)
"""Tokens on each side that a token's output depends on."""
_PAD = max(DILATIONS)
_LOGIT_MAX = np.float32(30)
_EPSILON = np.float32(1e-5)


class Weights(NamedTuple):
    """The network's parameters; h is its width, t the number of types."""

    table: Floats
    """rows x h: embeddings."""
    flags: Floats
    """flags x h: what the gazetteer's flags add."""
    layers: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    """For each layer 3h x h weights, h biases, h scales and h shifts of the normalisation."""
    out: Floats
    """h x t."""
    bias: Floats
    """t."""


def read_weights(path: Path) -> tuple[Weights, tuple[str, ...], str]:
    """The weights at `path`, the types that they tell, and their version.

    Raises:
        OSError, ValueError, KeyError: the file is not there or is none of ours.
    """
    with np.load(path, allow_pickle=False) as file:
        wide = {name: file[name] for name in file.files if file[name].dtype == np.float32}
        table = file["table"].astype(np.float32)  # one byte a number, and a scale for each row
        table *= file["scale"][:, None]
        layers = tuple(
            (wide[f"w{index}"], wide[f"b{index}"], wide[f"g{index}"], wide[f"s{index}"])
            for index in range(len(DILATIONS))
        )
        types = tuple(str(name) for name in file["types"])
        return Weights(table, wide["flags"], layers, wide["out"], wide["bias"]), types, str(file["version"])


def probabilities(weights: Weights, given: Features) -> Floats:
    """For each token and type the probability that the token belongs to such an entity: n x t."""
    return _forward(weights, given.rows, given.flags)


def _forward(weights: Weights, rows: npt.NDArray[np.int32], flags: Floats) -> Floats:
    """Mostly in place: a short text is a handful of tokens, and costs by the calls, not by their size."""
    count, width = len(rows), weights.table.shape[1]
    padded = np.zeros((count + 2 * _PAD, width), dtype=np.float32)
    hidden = padded[_PAD : _PAD + count]  # rows of zeros are its neighbours beyond both ends
    np.add(np.add.reduce(weights.table[rows], axis=1), flags @ weights.flags, out=hidden)
    for dilation, (matrix, bias, scale, shift) in zip(DILATIONS, weights.layers, strict=True):
        before, after = _PAD - dilation, _PAD + dilation
        wide = np.concatenate((padded[before : before + count], hidden, padded[after : after + count]), axis=1)
        step = wide @ matrix
        step += bias
        np.maximum(step, 0, out=step)
        hidden += step
        _normalise(hidden, scale, shift)
    logits: Floats = hidden @ weights.out
    logits += weights.bias
    np.maximum(logits, -_LOGIT_MAX, out=logits)
    np.minimum(logits, _LOGIT_MAX, out=logits)
    np.negative(logits, out=logits)
    np.exp(logits, out=logits)
    logits += 1
    return np.divide(1, logits, out=logits)


def _normalise(values: Floats, scale: Floats, shift: Floats) -> None:
    """Layer normalisation (Ba et al. 2016), in place."""
    width = np.float32(values.shape[1])
    values -= np.add.reduce(values, axis=1, keepdims=True) / width
    deviation = np.einsum("ij,ij->i", values, values)
    deviation /= width
    deviation += _EPSILON
    np.sqrt(deviation, out=deviation)
    np.divide(1, deviation, out=deviation)
    values *= deviation[:, None]
    values *= scale
    values += shift
