"""Vocabularies for made models: the bundled model's, or a byte-level BPE of any size."""

from __future__ import annotations

from itertools import islice, product
from pathlib import Path

import gguf

from fakes.random_gguf import BYTES_FROM, CHATML, CONTROL, byte_characters

TINY = Path(__file__).parents[2] / "models/tiny/ringfence-tiny.gguf"
LETTERS = "etaoinshrdlcumwfgypbvkxqjz"
"""By how often English has them: frequent ones are merged first."""
SPACE = "Ġ"
"""GPT-2's character for a space."""


def add_vocabulary(writer: gguf.GGUFWriter, size: int) -> int:
    """Add tokenizer and chat template.

    Args:
        writer: of the file.
        size: tokens; 0 for the bundled model's.

    Returns:
        How many control tokens it begins with.
    """
    return _copied(writer) if size == 0 else _made(writer, size)


def vocabulary_size(size: int) -> int:
    """Return how many tokens `add_vocabulary` adds."""
    return size or len(gguf.GGUFReader(TINY).fields["tokenizer.ggml.tokens"].data)


def _copied(writer: gguf.GGUFWriter) -> int:
    for name, field in gguf.GGUFReader(TINY).fields.items():
        if name.startswith("tokenizer."):
            kind, *inner = field.types
            writer.add_key_value(name, field.contents(), kind, inner[0] if inner else None)
    types = gguf.GGUFReader(TINY).fields["tokenizer.ggml.token_type"].contents()
    return next(number for number, kind in enumerate(types) if kind != gguf.TokenType.CONTROL)


def _made(writer: gguf.GGUFWriter, size: int) -> int:
    """Add bytes, then pairs of letters, then pairs of pairs, so that words become a few tokens each."""
    tokens = [*CONTROL, *byte_characters()]
    pairs = [(first, second) for first, second in product(SPACE + LETTERS, LETTERS)]
    pairs.sort(key=lambda pair: (SPACE + LETTERS).index(pair[0]) + LETTERS.index(pair[1]))
    words = (("".join(first), "".join(second)) for first, second in _by_sum(pairs))
    merges = [*pairs, *islice(words, size - len(tokens) - len(pairs))]
    assert size >= len(tokens) + len(pairs), "1,024 tokens at least"
    tokens += [first + second for first, second in merges]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.CONTROL] * len(CONTROL)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(tokens) - len(kinds)))
    writer.add_token_merges([f"{first} {second}" for first, second in merges])
    writer.add_eos_token_id(0)
    writer.add_eot_token_id(2)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(CHATML)
    return BYTES_FROM


def _by_sum(pairs):
    """Yield pairs of pairs, those of frequent letters first; the second never begins with a space."""
    inner = [pair for pair in pairs if pair[0] != SPACE]
    for total in range(len(pairs) + len(inner) - 1):
        for first in range(max(0, total - len(inner) + 1), min(total + 1, len(pairs))):
            yield pairs[first], inner[total - first]
