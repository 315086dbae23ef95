"""The bytes of each token of a Hugging Face vocabulary. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"


def pieces_of(
    vocabulary: Mapping[str, int], special: Collection[int], added: Collection[int], decoders: Collection[str]
) -> Sequence[bytes] | None:
    """Return the bytes of each token, by its number; special ones have none.

    Args:
        vocabulary: every token's name and number.
        special: numbers of the control tokens.
        added: numbers of the tokens whose name is their text as it stands.
        decoders: what the tokenizer puts text together with, as its file names them.

    Returns:
        None where these decoders make text otherwise than token by token.
    """
    if "ByteLevel" in decoders:
        characters = _byte_of_character()
    elif not {"ByteFallback", "Metaspace"}.isdisjoint(decoders):
        characters = None
    else:
        return None
    pieces = [b""] * (max(vocabulary.values(), default=-1) + 1)
    for name, number in vocabulary.items():
        if number in special:
            continue
        if number in added:
            pieces[number] = name.encode()
        elif characters is None:
            byte = _BYTE.fullmatch(name)
            pieces[number] = bytes.fromhex(byte[1]) if byte else name.replace(_SPACE, " ").encode()
        else:
            pieces[number] = bytes(characters[character] for character in name if character in characters)
    return pieces


def decoders_of(decoder: Mapping[str, object] | None) -> frozenset[str]:
    """Return the names of all decoders in a tokenizer's file."""
    if decoder is None:
        return frozenset()
    inner = decoder.get("decoders")
    names = {str(decoder.get("type"))}
    for part in inner if isinstance(inner, list) else ():
        names |= decoders_of(part)
    return frozenset(names)


def _byte_of_character() -> dict[str, int]:
    """GPT-2's table of a printable character for each byte, read backwards (openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return {chr(byte) if byte in printable else chr(next(others)): byte for byte in range(256)}
