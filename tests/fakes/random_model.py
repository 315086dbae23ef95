"""GGUF files with random weights, of any size and of several architectures: models that say anything, made in seconds.

    write_model(path, LLAMA_300M)                                   # f16, 32,000 tokens
    write_model(path, replace(LLAMA_300M, layers=4, vocabulary=0))  # the bundled model's tokenizer
    write_model(path, LLAMA_8B, weights="q4_K", sparse=True)        # for dry runs: a hole where the weights would be

The tokens that end an answer have weights of 0 in the output, so that a greedy answer runs to its limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from fakes.random_architectures import KEYS, TENSORS, Tensor
from fakes.random_vocabulary import add_vocabulary

POOL = 1 << 20
"""Random numbers that are drawn; larger tensors repeat them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The sizes of a model."""

    architecture: str = "llama"
    """A key of `fakes.random_architectures.TENSORS`."""
    width: int = 256
    """Numbers that stand for a token (embedding)."""
    layers: int = 4
    """Layers."""
    heads: int = 4
    """Attention heads."""
    kv_heads: int = 2
    """Heads of keys and values."""
    head_size: int = 0
    """Numbers of a head; 0 for the width divided by the heads."""
    feed_forward: int = 512
    """Width inside the feed-forward part; of one expert where there are experts."""
    vocabulary: int = 32_000
    """Tokens, 1,024 at least; 0 for the bundled model's tokenizer."""
    context: int = 4096
    """Tokens that it says it was trained for."""
    experts: int = 0
    """Experts of a layer; 0 for none."""
    experts_used: int = 0
    """Experts that each token asks."""
    window: int = 0
    """Sliding window in tokens; 0 for none."""
    state: int = 0
    """Numbers of the state of a recurrent channel; 0 for none."""
    full_every: int = 0
    """One layer in so many has full attention; the others a window (gemma3) or a recurrent state (jamba)."""
    kv_rank: int = 0
    """Width of the compressed keys and values (MLA); 0 for none."""
    rope_size: int = 0
    """Numbers of a head that are rotated; 0 for all."""

    @property
    def head(self) -> int:
        """Numbers of a head."""
        return self.head_size or self.width // self.heads


LLAMA_300M = Recipe(width=1024, layers=20, heads=16, kv_heads=8, feed_forward=2816)
"""301 million parameters."""
LLAMA_8B = Recipe(width=4096, layers=32, heads=32, kv_heads=8, feed_forward=14336, vocabulary=128_256, context=131_072)
"""The shape of Llama 3.1 8B."""
LLAMA_70B = Recipe(width=8192, layers=80, heads=64, kv_heads=8, feed_forward=28672, vocabulary=128_256, context=131_072)
"""The shape of Llama 3.1 70B."""
SMALL = {
    "llama": Recipe(),
    "qwen2": Recipe("qwen2", heads=8, kv_heads=2),
    "moe": Recipe("qwen3moe", heads=4, kv_heads=2, feed_forward=128, experts=8, experts_used=2),
    "gemma3": Recipe("gemma3", layers=8, heads=4, kv_heads=1, head_size=64, window=512, full_every=6),
    "mamba": Recipe("mamba", state=16),
    "jamba": Recipe("jamba", layers=8, state=16, full_every=4),
    "deepseek2": Recipe("deepseek2", heads=8, head_size=48, kv_heads=1, kv_rank=128, rope_size=16,
                        feed_forward=128, experts=8, experts_used=2),
}  # fmt: skip
"""A small one of each kind of memory."""


def write_model(
    path: Path, recipe: Recipe = SMALL["llama"], *, weights: str = "f16", seed: int = 1, sparse: bool = False,
    shards: int = 1,
) -> Path:  # fmt: skip
    """Write the file; the same arguments give the same bytes.

    Args:
        path: where to; of several shards, the folder and the stem count.
        recipe: what to make.
        weights: type of the matrices: ``f32``, ``f16``, ``q8_0`` or ``q4_0``; any other of ggml's where it is sparse.
        seed: of the random numbers.
        sparse: leave a hole in the file where the weights would be: they read as zeros and take no room.
        shards: files to split it into.

    Returns:
        The file, or the first of its shards.
    """
    kind = Type[weights.upper()]
    wanted = TENSORS[recipe.architecture](recipe)
    writer = gguf.GGUFWriter(
        path, recipe.architecture, split_max_tensors=-(-len(wanted) // shards) if shards > 1 else 0
    )
    KEYS[recipe.architecture](writer, recipe)
    controls = add_vocabulary(writer, recipe.vocabulary)
    for tensor in wanted:
        raw = Type.F32 if tensor.is_small else kind
        block, size = gguf.GGML_QUANT_SIZES[raw]
        assert tensor.shape[-1] % block == 0, f"{tensor.name}: rows of {weights} are multiples of {block}"
        elements = math.prod(tensor.shape)
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), elements // block * size, raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    by_name = {tensor.name: tensor for tensor in wanted}
    numbers = None if sparse else _Numbers(np.random.default_rng(seed), controls)
    for file, tensors in zip(writer.fout, writer.tensors, strict=True):
        writer.write_padding(file, file.tell())
        for name, info in tensors.items():
            end = file.tell() + writer.ggml_pad(info.nbytes, writer.data_alignment)
            for piece in numbers.of(by_name[name], info.dtype) if numbers else ():
                file.write(piece)
            file.truncate(end)
            file.seek(end)
        tensors.clear()
    paths = [Path(file.name) for file in writer.fout]
    writer.close()
    return paths[0]


class _Numbers:
    """Random weights, drawn once, and once for each type and width."""

    def __init__(self, random: np.random.Generator, controls: int) -> None:
        self._random = random
        self._controls = controls
        self._pool = random.standard_normal(POOL, np.float32)
        self._scaled: dict[tuple[int, Type], memoryview] = {}

    def of(self, tensor: Tensor, kind: Type) -> Iterator[memoryview]:
        """Yield a tensor's bytes."""
        block, size = gguf.GGML_QUANT_SIZES[kind]
        left = math.prod(tensor.shape) // block * size
        if tensor.value is not None:
            yield memoryview(np.full(math.prod(tensor.shape), tensor.value, np.float32))
            return
        if tensor.is_vocabulary:
            zeros = self._controls * tensor.shape[-1] // block * size
            yield memoryview(bytes(zeros))
            left -= zeros
        scaled = self._of_width(tensor.shape[-1], kind)
        start = int(self._random.integers(len(scaled) // size)) * size
        while left:
            piece = scaled[start : start + left]
            yield piece
            left -= len(piece)
            start = 0

    def _of_width(self, width: int, kind: Type) -> memoryview:
        if (width, kind) not in self._scaled:
            values = gguf.quantize(self._pool / np.float32(math.sqrt(width)), kind)
            self._scaled[width, kind] = memoryview(values.view(np.uint8).reshape(-1))
        return self._scaled[width, kind]
