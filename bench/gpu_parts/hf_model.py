"""A folder as Hugging Face's libraries read it: a llama of about a billion random weights in bf16.

    python -m gpu_parts.hf_model FOLDER

Needs torch and safetensors. The vocabulary is byte-level BPE: each byte, then pairs and pairs of pairs of letters.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import torch
from safetensors.torch import save_file

CONTROL = ("<|end|>", "<|im_start|>", "<|im_end|>")
"""Tokens that steer the model; the first ends an answer."""
LETTERS = "etaoinshrdlcumwfgypbvkxqjz"
"""By how often English has them: frequent ones are merged first."""
SPACE = "Ġ"
"""GPT-2's character for a space."""
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML (github.com/openai/openai-python, chatml.md)."""
SPREAD = 0.02
"""Standard deviation of the weights, as llamas begin their training."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a model; as they stand some 1.0 billion parameters."""

    width: int = 2048
    """Numbers that stand for a token."""
    layers: int = 16
    """Layers."""
    heads: int = 16
    """Attention heads, of 128 numbers each."""
    kv_heads: int = 8
    """Heads of keys and values."""
    feed_forward: int = 8192
    """Width inside the feed-forward part."""
    vocabulary: int = 16_384
    """Tokens."""
    context: int = 4096
    """Tokens that it says it was trained for."""

    @property
    def head(self) -> int:
        """Numbers of a head."""
        return self.width // self.heads


def write_model(folder: Path, sizes: Sizes, seed: int = 1) -> None:
    """Write config, tokenizer and weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in _texts(sizes).items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    draw = torch.Generator(device=device).manual_seed(seed)
    tensors = {}
    for name, shape in _shapes(sizes).items():
        if len(shape) == 1:
            tensor = torch.ones(shape, device=device)
        else:
            tensor = torch.empty(shape, device=device).normal_(0, SPREAD, generator=draw)
        tensors[name] = tensor.to(torch.bfloat16).cpu()
    tensors["lm_head.weight"][: len(CONTROL)] = 0  # a greedy answer runs to its limit
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _texts(sizes: Sizes) -> dict[str, object]:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "bos_token_id": None,
        "eos_token_id": 0,
        "hidden_act": "silu",
        "hidden_size": sizes.width,
        "intermediate_size": sizes.feed_forward,
        "max_position_embeddings": sizes.context,
        "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "num_key_value_heads": sizes.kv_heads,
        "head_dim": sizes.head,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "vocab_size": sizes.vocabulary,
    }
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": CONTROL[0],
        "model_max_length": sizes.context,
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False,
    }
    return {
        "config.json": config,
        "generation_config.json": {"eos_token_id": [0, 2]},
        "tokenizer_config.json": about,
        "tokenizer.json": _tokenizer(sizes.vocabulary),
    }


def _tokenizer(size: int) -> dict[str, object]:
    tokens = [*CONTROL, *_bytes()]
    pairs = [(first, second) for first, second in product(SPACE + LETTERS, LETTERS)]
    words = (("".join(first), "".join(second)) for first, second in product(pairs, pairs[len(LETTERS) :]))
    merges = [*pairs, *islice(words, size - len(tokens) - len(pairs))]
    names = [*tokens, *(first + second for first, second in merges)]
    assert len(set(names)) == size, "a vocabulary of 1,024 to 400,000 tokens"
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    controls = [
        {"id": number, "content": text, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False}
        for number, text in enumerate(CONTROL)
    ]  # fmt: skip
    return {
        "version": "1.0",
        "added_tokens": controls,
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [f"{first} {second}" for first, second in merges],
        },
    }


def _bytes() -> list[str]:
    """A printable character for each byte, GPT-2's (openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def _shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    width, queries, keys = sizes.width, sizes.heads * sizes.head, sizes.kv_heads * sizes.head
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (sizes.vocabulary, width),
        "lm_head.weight": (sizes.vocabulary, width),
        "model.norm.weight": (width,),
    }
    for layer in range(sizes.layers):
        within = {
            "input_layernorm": (width,),
            "post_attention_layernorm": (width,),
            "self_attn.q_proj": (queries, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, queries),
            "mlp.gate_proj": (sizes.feed_forward, width),
            "mlp.up_proj": (sizes.feed_forward, width),
            "mlp.down_proj": (width, sizes.feed_forward),
        }
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in within.items()}
    return shapes


def main() -> None:
    """Write the folder and say how large it is."""
    parser = argparse.ArgumentParser(description="Make a llama with random weights.")
    parser.add_argument("folder", type=Path, help="where to")
    parser.add_argument("--layers", type=int, default=Sizes.layers, help="layers; 16 are a billion parameters")
    options = parser.parse_args()
    write_model(options.folder, Sizes(layers=options.layers))
    print(f"{options.folder}: {(options.folder / 'model.safetensors').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
