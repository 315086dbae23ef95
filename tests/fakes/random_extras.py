"""What stands beside a random model: LoRA adapters for it, and models that embed."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_random_adapter(
    path: Path, *, width: int = 64, layers: int = 2, rank: int = 4, scale: float = 1.0, seed: int = 1
):
    """Write a LoRA adapter for `fakes.random_gguf.write_random_gguf`'s model; a scale of 0 changes nothing."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for layer in range(layers):
        for name in ("attn_q", "attn_output"):
            inner = random.standard_normal((rank, width)).astype(np.float32)
            outer = scale * random.standard_normal((width, rank)).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_a", inner)
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_b", outer)
    return _write(writer, path)


def write_random_bert(path: Path, *, pooling=gguf.PoolingType.MEAN, context: int = 128, width: int = 32, seed: int = 1):
    """Write a model that embeds: two layers that read in both directions, a letter for a token."""
    random = np.random.default_rng(seed)
    letters = [chr(code) for code in range(0x21, 0x7F)]
    vocabulary = [*SPECIAL, *(f"\u2581{letter}" for letter in letters), *letters]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list(vocabulary)
    writer.add_token_types([gguf.TokenType.CONTROL] * 5 + [gguf.TokenType.NORMAL] * (len(vocabulary) - 5))
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)

    def matrix(name, *shape):
        writer.add_tensor(f"{name}.weight", (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))

    def bias(name, size):
        writer.add_tensor(f"{name}.bias", np.zeros(size, np.float32))

    def norm(name):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
        bias(name, width)

    matrix("token_embd", len(vocabulary), width)
    matrix("token_types", 2, width)
    matrix("position_embd", context, width)
    norm("token_embd_norm")
    for layer in range(2):
        for name, out, into in (
            ("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
            ("attn_output", width, width), ("ffn_up", 2 * width, width), ("ffn_down", width, 2 * width),
        ):  # fmt: skip
            matrix(f"blk.{layer}.{name}", out, into)
            bias(f"blk.{layer}.{name}", out)
        norm(f"blk.{layer}.attn_output_norm")
        norm(f"blk.{layer}.layer_output_norm")
    return _write(writer, path)


def _write(writer, path):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
