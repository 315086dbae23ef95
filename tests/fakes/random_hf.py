"""A folder as Hugging Face's libraries read it: a llama with random weights and a byte for a token.

Written without those libraries, so that the project's own environment makes what vLLM's reads. The vocabulary is that
of `random_gguf`: three control tokens, a token for each byte, one merge.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from fakes.random_gguf import CHATML, CONTROL, MERGE, byte_characters

HEAD = 32
"""Size of an attention head: the smallest that vLLM's kernels for processors take."""


def write_random_hf(
    folder: Path,
    *,
    context: int = 512,
    width: int = 128,
    layers: int = 2,
    heads: int = 4,
    seed: int = 1,
    scale: int = 2,
) -> Path:
    """Write config, tokenizer and weights; the same arguments give the same weights. `scale` is the MLP's."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [*CONTROL, *byte_characters(), MERGE.replace(" ", "")]
    _write_json(
        folder / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "bos_token_id": None,
            "eos_token_id": 0,
            "hidden_act": "silu",
            "hidden_size": width,
            "intermediate_size": scale * width,
            "max_position_embeddings": context,
            "num_attention_heads": heads,
            "num_hidden_layers": layers,
            "num_key_value_heads": heads // 2,
            "head_dim": HEAD,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "torch_dtype": "float32",
            "vocab_size": len(vocabulary),
        },
    )
    _write_json(folder / "generation_config.json", {"eos_token_id": [0, 2]})
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": CONTROL[0],
            "model_max_length": context,
            "chat_template": CHATML,
            "clean_up_tokenization_spaces": False,
        },
    )
    _write_json(folder / "tokenizer.json", _tokenizer(vocabulary))
    _write_safetensors(
        folder / "model.safetensors",
        _weights(len(vocabulary), width=width, layers=layers, heads=heads, scale=scale, seed=seed),
    )
    return folder


def write_random_lora(folder: Path, *, width: int = 128, layers: int = 2, rank: int = 8, strength: float = 4.0) -> Path:
    """Write a LoRA adapter of such a model, on the MLP's way down; with a strength of 0 it changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(
        folder / "adapter_config.json",
        {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": rank,
            "lora_alpha": rank,
            "target_modules": ["down_proj"],
            "bias": "none",
        },
    )
    random = np.random.default_rng(7)
    weights = {}
    for layer in range(layers):
        name = f"base_model.model.model.layers.{layer}.mlp.down_proj"
        weights[f"{name}.lora_A.weight"] = random.standard_normal((rank, 2 * width)) / np.sqrt(2 * width)
        weights[f"{name}.lora_B.weight"] = strength * random.standard_normal((width, rank)) / np.sqrt(rank)
    _write_safetensors(folder / "adapter_model.safetensors", weights)
    return folder


def _weights(vocabulary, *, width, layers, heads, scale, seed):
    random = np.random.default_rng(seed)

    def matrix(rows, columns):
        return random.standard_normal((rows, columns), np.float32) / np.float32(np.sqrt(columns))

    weights = {
        "model.embed_tokens.weight": matrix(vocabulary, width),
        "model.norm.weight": np.ones(width),
        "lm_head.weight": matrix(vocabulary, width),
    }
    for layer in range(layers):
        name = f"model.layers.{layer}"
        weights |= {
            f"{name}.input_layernorm.weight": np.ones(width),
            f"{name}.post_attention_layernorm.weight": np.ones(width),
            f"{name}.self_attn.q_proj.weight": matrix(heads * HEAD, width),
            f"{name}.self_attn.k_proj.weight": matrix(heads // 2 * HEAD, width),
            f"{name}.self_attn.v_proj.weight": matrix(heads // 2 * HEAD, width),
            f"{name}.self_attn.o_proj.weight": matrix(width, heads * HEAD),
            f"{name}.mlp.gate_proj.weight": matrix(scale * width, width),
            f"{name}.mlp.up_proj.weight": matrix(scale * width, width),
            f"{name}.mlp.down_proj.weight": matrix(width, scale * width),
        }
    return weights


def _tokenizer(vocabulary: list[str]):
    """The file of the tokenizers library: byte-level BPE."""
    added = [
        {
            "id": number,
            "content": text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number, text in enumerate(CONTROL)
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {text: number for number, text in enumerate(vocabulary)},
            "merges": [MERGE.split(" ")],
        },
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _write_safetensors(path: Path, weights) -> None:
    """Write 32-bit floats (the format's own page: a length of 8 bytes, JSON, the data)."""
    header, start = {"__metadata__": {"format": "pt"}}, 0
    for name, values in weights.items():
        size = 4 * values.size
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in weights.values():
            file.write(np.ascontiguousarray(values, np.float32).tobytes())
