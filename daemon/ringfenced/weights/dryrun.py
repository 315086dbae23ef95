"""How a model is to be loaded, what that takes on each device, and how a dry run is asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from ringfenced.weights.shape import ModelShape
from ringfenced.weights.types import BY_NAME

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
    full_windows: bool = True
    """Whether layers with a window keep all cells, which they need where prefixes of earlier requests are reused."""
    embeddings: bool = False
    """Whether it embeds texts and answers nothing: every token of a batch is an output."""
    is_pool: bool = True
    """Whether all sequences share the cells; otherwise each has its part of them, which a processor computes faster:
    it computes the attention to all cells of a pool and masks what is not meant."""
    contexts: int = 0
    """Whole contexts that the cells are to hold; 0 for one a sequence. Fewer where some sequences are only kept."""

    @property
    def outputs(self) -> int:
        """Rows of a batch whose distribution is computed, at most."""
        return self.batch_tokens if self.embeddings else min(self.sequences, self.batch_tokens)

    def cache_refusal(self, shape: ModelShape) -> str:
        """Return why llama.cpp does not keep a model's cache like that; empty where it does.

        Source: llama_init_from_model in src/llama-context.cpp.
        """
        caches = [layer for layer in shape.layers if layer.key_elements]
        is_flash = self.uses_flash(shape.heads)
        if not caches:
            return ""
        if "q" in self.value_type and not is_flash:
            return f"values of type {self.value_type} need flash attention"
        if any(not layer.value_elements for layer in caches) and self.key_type != self.value_type:
            return "keys and values have to be of one type in this model"
        for kind in (self.key_type, self.value_type):
            block = BY_NAME[kind].block
            if is_flash and shape.head_elements % block:
                return f"heads of {shape.head_elements} numbers do not fill {kind}'s blocks of {block}"
        return ""

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


def answer(uses: Iterable[DeviceUse] | None) -> str:
    """Return the line that answers one setting; None for one that llama.cpp refuses."""
    return json.dumps(None if uses is None else [asdict(use) for use in uses])


def answered(data: bytes, expected: int) -> tuple[tuple[DeviceUse, ...] | None, ...]:
    """Return what was answered, one value for each setting; None for one that llama.cpp refuses.

    Args:
        data: the dry run's standard output.
        expected: how many settings were asked.

    Raises:
        DryRunFailed: that is no such answer.
    """
    if len(data) > ANSWER_BYTES_MAX:
        raise DryRunFailed("the dry run answered too much")
    try:
        answers = [_uses(json.loads(line)) for line in data.splitlines()]
    except (ValueError, TypeError, RecursionError):
        raise DryRunFailed("the dry run answered something else") from None
    if len(answers) != expected:
        raise DryRunFailed("the dry run did not answer everything that it was asked")
    return tuple(answers)


def _uses(line: Any) -> tuple[DeviceUse, ...] | None:
    if line is None:
        return None
    uses = tuple(DeviceUse(**use) for use in line)
    for use in uses:
        figures = [getattr(use, name) for name in _FIGURES]
        if any(type(figure) is not int or figure < 0 for figure in figures):
            raise ValueError("no figures")
    return uses


_FIGURES = ("weights_bytes", "cache_bytes", "compute_bytes", "mapped_bytes")
