"""Write the trained network and its tokenizer as one GGUF file, matrices in Q8_0, and the file's SHA-256 beside it.

The same weights and tokenizer give the same bytes. Run it with `python -m tiny.convert --from FOLDER --to FILE.gguf`.
Metadata keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Final

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tiny import tokenizer
from tiny.network import Shape

NAME: Final = "Ringfence Tiny"
"""What the file says the model is called."""


def neighbours(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Reorder the rows of a query or key matrix as llama.cpp wants them.

    Rows i and i + half of each head, which `network.rotate` turns together, become neighbours.
    """
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def named(weights: dict[str, torch.Tensor], shape: Shape) -> dict[str, NDArray[np.float32]]:
    """Return the tensors under their GGUF names."""
    arrays = {name: tensor.float().numpy() for name, tensor in weights.items()}
    result = {"token_embd.weight": arrays["token_embd.weight"], "output_norm.weight": arrays["output_norm.weight"]}
    for layer in range(shape.layers):
        old, new = f"layers.{layer}.", f"blk.{layer}."
        q, k, v = np.split(arrays[f"{old}attn_qkv.weight"], 3)
        gate, up = np.split(arrays[f"{old}ffn_gate_up.weight"], 2)
        result |= {
            f"{new}attn_norm.weight": arrays[f"{old}attn_norm.weight"],
            f"{new}attn_q.weight": neighbours(q, shape.heads),
            f"{new}attn_k.weight": neighbours(k, shape.heads),
            f"{new}attn_v.weight": v,
            f"{new}attn_output.weight": arrays[f"{old}attn_output.weight"],
            f"{new}ffn_norm.weight": arrays[f"{old}ffn_norm.weight"],
            f"{new}ffn_gate.weight": gate,
            f"{new}ffn_up.weight": up,
            f"{new}ffn_down.weight": arrays[f"{old}ffn_down.weight"],
        }
    return result


def add_vocabulary(writer: gguf.GGUFWriter, encoder: Tokenizer) -> None:
    """Add tokens, merges, special tokens and the chat template."""
    places = encoder.get_vocab()
    tokens = sorted(places, key=lambda token: places[token])
    kinds = [gguf.TokenType.CONTROL if token in tokenizer.SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in json.loads(encoder.to_str())["model"]["merges"]])
    end = tokenizer.SPECIAL.index(tokenizer.END)
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(tokenizer.SPECIAL.index("<|pad|>"))
    writer.add_add_bos_token(value=False)
    writer.add_add_eos_token(value=False)
    writer.add_chat_template(tokenizer.CHAT_TEMPLATE)


def write(path: Path, weights: dict[str, torch.Tensor], encoder: Tokenizer, shape: Shape) -> None:
    """Write the GGUF file and `path` with `.sha256` appended, in the format that `sha256sum -c` reads."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(NAME)
    writer.add_license("Apache-2.0")
    writer.add_size_label("0.9M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    add_vocabulary(writer, encoder)
    for name, array in named(weights, shape).items():
        if array.ndim == 1:
            writer.add_tensor(name, array)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")


def main() -> None:
    """Read the arguments and convert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True, help="folder that tiny.train wrote")
    parser.add_argument("--to", type=Path, required=True, help="the GGUF file to write")
    arguments = parser.parse_args()
    weights = torch.load(arguments.source / "weights.pt", weights_only=True)
    write(arguments.to, weights, tokenizer.load(arguments.source / "tokenizer.json"), Shape())


if __name__ == "__main__":
    main()
