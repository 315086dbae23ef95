"""How a model is to be loaded, what that takes on each device, and how a dry run is asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

HOST: Final = "cpu"
"""The device that is the machine's own memory."""
CACHE_TYPES: Final = ("f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""How a cache can be kept; those with q need flash attention."""
SCORES_BYTES_MAX: Final = 256 * 1024 * 1024
"""Attention scores of a batch up to which a processor computes them whole (engines/design.md says why)."""
ANSWER_BYTES_MAX: Final = 1 << 20
"""Longest answer of a dry run that is read."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How llama.cpp is to load a model."""

    cells: int
    """Tokens that the cache holds, all sequences together."""
    sequences: int = 1
    """Answers at the same time."""
    batch_tokens: int = 512
    """Most tokens in one batch."""
    key_type: str = "f16"
    """How the cache keeps keys, of `CACHE_TYPES`."""
    value_type: str = "f16"
    """How it keeps values."""
    gpu_layers: int = 0
    """Layers on GPUs; -1 for all."""
    tensor_split: tuple[float, ...] = ()
    """Each GPU's part of those layers, in proportion; empty to split by free memory."""
    flash_attention: str = "auto"
    """``auto``, ``on`` or ``off``."""
    embeddings: bool = False
    """Whether it embeds texts and answers nothing: every token of a batch is an output."""

    @property
    def outputs(self) -> int:
        """Rows of a batch whose distribution is computed, at most."""
        return self.batch_tokens if self.embeddings else min(self.sequences, self.batch_tokens)

    def uses_flash(self, heads: int) -> bool:
        """Return whether attention is computed without the whole matrix of scores.

        Args:
            heads: attention heads of the model.
        """
        if self.flash_attention != "auto":
            return self.flash_attention == "on"
        if self.gpu_layers or self.value_type.startswith("q"):
            return True
        return 4 * heads * self.cells * self.batch_tokens > SCORES_BYTES_MAX


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What a model takes of one device."""

    device: str
    """``cpu``, or a GPU as llama.cpp or NVML calls it."""
    weights_bytes: int
    """Weights, those of a mapped file included."""
    cache_bytes: int
    """Cache and recurrent states."""
    compute_bytes: int
    """What is computed with, outputs included."""
    mapped_bytes: int = 0
    """Of the weights, what is a mapped file: the kernel may take that memory back and read the file again."""

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.cache_bytes + self.compute_bytes


class DryRunFailed(Exception):
    """A dry run without an answer; the message says why."""


def ask(path: str, settings: Iterable[LoadSettings]) -> bytes:
    """Return what a dry run reads on its standard input.

    Args:
        path: the GGUF file.
        settings: what to try, one after the other.
    """
    return json.dumps({"model": path, "settings": [asdict(one) for one in settings]}).encode()


def asked(data: bytes) -> tuple[str, tuple[LoadSettings, ...]]:
    """Return path and settings of a question."""
    question = json.loads(data)
    settings = tuple(
        LoadSettings(**{**one, "tensor_split": tuple(one["tensor_split"])}) for one in question["settings"]
    )
    return question["model"], settings


def answer(uses: Iterable[DeviceUse]) -> str:
    """Return the line that answers one setting."""
    return json.dumps([asdict(use) for use in uses])


def answered(data: bytes, expected: int) -> tuple[tuple[DeviceUse, ...], ...]:
    """Return what was answered, one value for each setting.

    Args:
        data: the dry run's standard output.
        expected: how many settings were asked.

    Raises:
        DryRunFailed: that is no such answer.
    """
    if len(data) > ANSWER_BYTES_MAX:
        raise DryRunFailed("the dry run answered too much")
    try:
        answers = [[DeviceUse(**use) for use in json.loads(line)] for line in data.splitlines()]
    except (ValueError, TypeError, RecursionError):
        raise DryRunFailed("the dry run answered something else") from None
    figures = [getattr(use, name) for one in answers for use in one for name in _FIGURES]
    if len(answers) != expected or any(type(figure) is not int or figure < 0 for figure in figures):
        raise DryRunFailed("the dry run did not answer everything that it was asked")
    return tuple(map(tuple, answers))


_FIGURES = ("weights_bytes", "cache_bytes", "compute_bytes", "mapped_bytes")
