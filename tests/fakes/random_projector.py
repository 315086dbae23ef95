"""A projector (mmproj) with random weights: makes 'pictures' of the tokens that a random model reads."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import gguf
import numpy as np

SIDE = 28
"""Pixels of a picture's side; pictures of other sizes are scaled."""
PATCH = 14


def write_random_projector(
    path: Path, *, text_width: int = 64, width: int = 32, layers: int = 2, seed: int = 1
) -> Path:
    """Write a vision encoder as LLaVA 1.5 has it, for a model of that width: 4 tokens a picture."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_string("general.type", "mmproj")
    writer.add_bool("clip.has_vision_encoder", val=True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", val=True)
    at = "clip.vision."
    writer.add_uint32(f"{at}image_size", SIDE)
    writer.add_uint32(f"{at}patch_size", PATCH)
    writer.add_uint32(f"{at}embedding_length", width)
    writer.add_uint32(f"{at}feed_forward_length", 2 * width)
    writer.add_uint32(f"{at}projection_dim", text_width)
    writer.add_uint32(f"{at}block_count", layers)
    writer.add_uint32(f"{at}attention.head_count", 4)
    writer.add_float32(f"{at}attention.layer_norm_epsilon", 1e-5)
    writer.add_array(f"{at}image_mean", [0.5, 0.5, 0.5])
    writer.add_array(f"{at}image_std", [0.5, 0.5, 0.5])

    def tensor(name, *shape):
        writer.add_tensor(name, (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32))

    def flat(name, size, value=0.0):
        writer.add_tensor(name, np.full(size, value, np.float32))

    patches = (SIDE // PATCH) ** 2
    tensor("v.class_embd", width)
    tensor("v.patch_embd.weight", width, 3, PATCH, PATCH)
    tensor("v.position_embd.weight", patches + 1, width)
    for name in ("v.pre_ln", "v.post_ln"):
        flat(f"{name}.weight", width, 1.0)
        flat(f"{name}.bias", width)
    for layer in range(layers):
        block = f"v.blk.{layer}"
        for name, out, into in (
            ("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width), ("attn_out", width, width),
            ("ffn_up", 2 * width, width), ("ffn_down", width, 2 * width),
        ):  # fmt: skip
            tensor(f"{block}.{name}.weight", out, into)
            flat(f"{block}.{name}.bias", out)
        for name in ("ln1", "ln2"):
            flat(f"{block}.{name}.weight", width, 1.0)
            flat(f"{block}.{name}.bias", width)
    tensor("mm.0.weight", text_width, width)
    flat("mm.0.bias", text_width)
    tensor("mm.2.weight", text_width, text_width)
    flat("mm.2.bias", text_width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
