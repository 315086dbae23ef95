"""A GGUF file of the llama architecture with random weights and a byte for a token: a model that says anything."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>{# <tool_call> #}{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL = ("<|end|>", "<|im_start|>", "<|im_end|>")
BYTES_FROM = len(CONTROL)
"""Token of byte 0; those of the others follow it."""
MERGE = "t h"
"""The one merge; llama.cpp asks for one at least."""


def byte_characters():
    """GPT-2's printable character for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def write_random_gguf(
    path: Path, *, context: int = 512, width: int = 64, layers: int = 2, seed: int = 1, words: tuple[str, ...] = ()
) -> Path:
    """Write the file; the same arguments give the same weights. Each of `words` is a token, and they are the last."""
    random = np.random.default_rng(seed)
    vocabulary = [*CONTROL, *byte_characters(), MERGE.replace(" ", ""), *words]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 4)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(CONTROL)
        + [gguf.TokenType.NORMAL] * 257
        + [gguf.TokenType.USER_DEFINED] * len(words)
    )
    writer.add_token_merges([MERGE])
    writer.add_eos_token_id(0)
    writer.add_eot_token_id(2)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(CHATML)

    def tensor(name, *shape):
        values = random.standard_normal(shape) if len(shape) == 2 else np.ones(shape)
        writer.add_tensor(f"{name}.weight", (values / np.sqrt(shape[-1] if len(shape) == 2 else 1)).astype(np.float32))

    tensor("token_embd", len(vocabulary), width)
    tensor("output_norm", width)
    tensor("output", len(vocabulary), width)
    for layer in range(layers):
        tensor(f"blk.{layer}.attn_norm", width)
        tensor(f"blk.{layer}.attn_q", width, width)
        tensor(f"blk.{layer}.attn_k", width // 2, width)
        tensor(f"blk.{layer}.attn_v", width // 2, width)
        tensor(f"blk.{layer}.attn_output", width, width)
        tensor(f"blk.{layer}.ffn_norm", width)
        tensor(f"blk.{layer}.ffn_gate", 2 * width, width)
        tensor(f"blk.{layer}.ffn_up", 2 * width, width)
        tensor(f"blk.{layer}.ffn_down", width, 2 * width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
