"""Which metadata and tensors llama.cpp asks for, by architecture (its src/models/*.cpp, load_arch_tensors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import gguf

from fakes.random_vocabulary import vocabulary_size

if TYPE_CHECKING:
    from fakes.random_model import Recipe

CONVOLUTION = 4
"""Mamba's convolution kernel."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor."""

    name: str
    """Its name."""
    shape: tuple[int, ...]
    """Its shape, rows first; a row is what one output needs."""
    value: float | None = None
    """What it is full of; None for random numbers."""
    is_small: bool = False
    """Whether llama.cpp wants it in 32 bits."""
    is_vocabulary: bool = False
    """Whether its rows are tokens."""


def _ones(name: str, *shape: int) -> Tensor:
    return Tensor(name, shape, 1.0, is_small=True)


def _matrix(name: str, *shape: int) -> Tensor:
    return Tensor(f"{name}.weight", shape)


def _ends(recipe: Recipe, *, is_tied: bool = False) -> list[Tensor]:
    shape = (vocabulary_size(recipe.vocabulary), recipe.width)
    names = ("token_embd",) if is_tied else ("token_embd", "output")
    return [
        *(Tensor(f"{name}.weight", shape, is_vocabulary=True) for name in names),
        _ones("output_norm.weight", recipe.width),
    ]


def _attention(recipe: Recipe, at: str) -> list[Tensor]:
    return [
        _matrix(f"{at}.attn_q", recipe.heads * recipe.head, recipe.width),
        _matrix(f"{at}.attn_k", recipe.kv_heads * recipe.head, recipe.width),
        _matrix(f"{at}.attn_v", recipe.kv_heads * recipe.head, recipe.width),
        _matrix(f"{at}.attn_output", recipe.width, recipe.heads * recipe.head),
    ]


def _feed_forward(recipe: Recipe, at: str) -> list[Tensor]:
    return [
        _ones(f"{at}.ffn_norm.weight", recipe.width),
        _matrix(f"{at}.ffn_gate", recipe.feed_forward, recipe.width),
        _matrix(f"{at}.ffn_up", recipe.feed_forward, recipe.width),
        _matrix(f"{at}.ffn_down", recipe.width, recipe.feed_forward),
    ]


def _experts(recipe: Recipe, at: str) -> list[Tensor]:
    return [
        _ones(f"{at}.ffn_norm.weight", recipe.width),
        Tensor(f"{at}.ffn_gate_inp.weight", (recipe.experts, recipe.width), is_small=True),
        _matrix(f"{at}.ffn_gate_exps", recipe.experts, recipe.feed_forward, recipe.width),
        _matrix(f"{at}.ffn_up_exps", recipe.experts, recipe.feed_forward, recipe.width),
        _matrix(f"{at}.ffn_down_exps", recipe.experts, recipe.width, recipe.feed_forward),
    ]


def _recurrent(recipe: Recipe, at: str, *, has_norms: bool) -> list[Tensor]:
    inner, rank = 2 * recipe.width, recipe.width // 16
    norms = (("dt_norm", rank), ("b_norm", recipe.state), ("c_norm", recipe.state)) if has_norms else ()
    return [
        _matrix(f"{at}.ssm_in", 2 * inner, recipe.width),
        Tensor(f"{at}.ssm_conv1d.weight", (inner, CONVOLUTION), is_small=True),
        _ones(f"{at}.ssm_conv1d.bias", inner),
        _matrix(f"{at}.ssm_x", rank + 2 * recipe.state, inner),
        Tensor(f"{at}.ssm_dt.weight", (inner, rank), is_small=True),
        _ones(f"{at}.ssm_dt.bias", inner),
        Tensor(f"{at}.ssm_a", (inner, recipe.state), -1.0, is_small=True),
        _ones(f"{at}.ssm_d", inner),
        _matrix(f"{at}.ssm_out", recipe.width, inner),
        *(_ones(f"{at}.ssm_{name}.weight", size) for name, size in norms),
    ]


def _llama(recipe: Recipe) -> list[Tensor]:
    tensors = _ends(recipe)
    for layer in range(recipe.layers):
        at = f"blk.{layer}"
        tensors += [_ones(f"{at}.attn_norm.weight", recipe.width), *_attention(recipe, at)]
        tensors += _experts(recipe, at) if recipe.experts else _feed_forward(recipe, at)
    return tensors


def _qwen2(recipe: Recipe) -> list[Tensor]:
    sizes = {"q": recipe.heads, "k": recipe.kv_heads, "v": recipe.kv_heads}
    return _llama(recipe) + [
        Tensor(f"blk.{layer}.attn_{name}.bias", (heads * recipe.head,), 0.0, is_small=True)
        for layer in range(recipe.layers)
        for name, heads in sizes.items()
    ]


def _head_norms(recipe: Recipe) -> list[Tensor]:
    return [
        _ones(f"blk.{layer}.attn_{name}_norm.weight", recipe.head) for layer in range(recipe.layers) for name in "qk"
    ]


def _gemma3(recipe: Recipe) -> list[Tensor]:
    output = "output.weight"
    tensors = [tensor for tensor in _llama(recipe) if tensor.name != output] + _head_norms(recipe)
    return tensors + [
        _ones(f"blk.{layer}.{name}.weight", recipe.width)
        for layer in range(recipe.layers)
        for name in ("post_attention_norm", "post_ffw_norm")
    ]


def _mamba(recipe: Recipe) -> list[Tensor]:
    tensors = _ends(recipe)
    for layer in range(recipe.layers):
        at = f"blk.{layer}"
        tensors += [_ones(f"{at}.attn_norm.weight", recipe.width), *_recurrent(recipe, at, has_norms=False)]
    return tensors


def _is_full(recipe: Recipe, layer: int) -> bool:
    return (layer + 1) % recipe.full_every == 0


def _jamba(recipe: Recipe) -> list[Tensor]:
    tensors = _ends(recipe)
    for layer in range(recipe.layers):
        at = f"blk.{layer}"
        tensors += [_ones(f"{at}.attn_norm.weight", recipe.width), *_feed_forward(recipe, at)]
        tensors += _attention(recipe, at) if _is_full(recipe, layer) else _recurrent(recipe, at, has_norms=True)
    return tensors


def _deepseek2(recipe: Recipe) -> list[Tensor]:
    """Multi-head latent attention; as many numbers of a value's head as of a key's that are not rotated."""
    tensors = _ends(recipe)
    plain = recipe.head - recipe.rope_size
    for layer in range(recipe.layers):
        at = f"blk.{layer}"
        tensors += [
            _ones(f"{at}.attn_norm.weight", recipe.width),
            _ones(f"{at}.attn_q_a_norm.weight", recipe.kv_rank),
            _ones(f"{at}.attn_kv_a_norm.weight", recipe.kv_rank),
            _matrix(f"{at}.attn_q_a", recipe.kv_rank, recipe.width),
            _matrix(f"{at}.attn_q_b", recipe.heads * recipe.head, recipe.kv_rank),
            _matrix(f"{at}.attn_kv_a_mqa", recipe.kv_rank + recipe.rope_size, recipe.width),
            _matrix(f"{at}.attn_k_b", recipe.heads, recipe.kv_rank, plain),
            _matrix(f"{at}.attn_v_b", recipe.heads, plain, recipe.kv_rank),
            _matrix(f"{at}.attn_output", recipe.width, recipe.heads * plain),
            *_experts(recipe, at),
            _matrix(f"{at}.ffn_gate_shexp", recipe.feed_forward, recipe.width),
            _matrix(f"{at}.ffn_up_shexp", recipe.feed_forward, recipe.width),
            _matrix(f"{at}.ffn_down_shexp", recipe.width, recipe.feed_forward),
        ]
    return tensors


def _keys(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    writer.add_name("random")
    writer.add_context_length(recipe.context)
    writer.add_embedding_length(recipe.width)
    writer.add_block_count(recipe.layers)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary_size(recipe.vocabulary))


def _transformer(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _keys(writer, recipe)
    writer.add_feed_forward_length(recipe.feed_forward)
    writer.add_head_count(recipe.heads)
    writer.add_head_count_kv(recipe.kv_heads)
    writer.add_rope_dimension_count(recipe.rope_size or recipe.head)
    if recipe.architecture != "deepseek2" and recipe.head_size:
        writer.add_key_length(recipe.head_size)
        writer.add_value_length(recipe.head_size)
    if recipe.experts:
        writer.add_expert_count(recipe.experts)
        writer.add_expert_used_count(recipe.experts_used)
        writer.add_expert_feed_forward_length(recipe.feed_forward)


def _windowed(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _transformer(writer, recipe)
    writer.add_sliding_window(recipe.window)
    writer.add_sliding_window_pattern([not _is_full(recipe, layer) for layer in range(recipe.layers)])


def _state(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _keys(writer, recipe)
    writer.add_ssm_conv_kernel(CONVOLUTION)
    writer.add_ssm_inner_size(2 * recipe.width)
    writer.add_ssm_state_size(recipe.state)
    writer.add_ssm_time_step_rank(recipe.width // 16)


def _mamba_keys(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _state(writer, recipe)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)


def _jamba_keys(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _state(writer, recipe)
    writer.add_feed_forward_length(recipe.feed_forward)
    writer.add_head_count(recipe.heads)
    writer.add_head_count_kv([recipe.kv_heads if _is_full(recipe, layer) else 0 for layer in range(recipe.layers)])


def _latent_keys(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    _transformer(writer, recipe)
    writer.add_q_lora_rank(recipe.kv_rank)
    writer.add_kv_lora_rank(recipe.kv_rank)
    writer.add_key_length(recipe.kv_rank + recipe.rope_size)
    writer.add_value_length(recipe.kv_rank)
    writer.add_key_length_mla(recipe.head)
    writer.add_value_length_mla(recipe.head - recipe.rope_size)
    writer.add_expert_shared_count(1)


TENSORS = {
    "llama": _llama,
    "qwen2": _qwen2,
    "qwen3moe": lambda recipe: _llama(recipe) + _head_norms(recipe),
    "gemma3": _gemma3,
    "mamba": _mamba,
    "jamba": _jamba,
    "deepseek2": _deepseek2,
}
"""The tensors of a recipe."""

KEYS = {
    "llama": _transformer,
    "qwen2": _transformer,
    "qwen3moe": _transformer,
    "gemma3": _windowed,
    "mamba": _mamba_keys,
    "jamba": _jamba_keys,
    "deepseek2": _latent_keys,
}
"""What adds the metadata of a recipe."""
