"""Numbers drawn from a secret seed: the same seed and words give the same number, another seed another."""

from __future__ import annotations

import hashlib

_LETTERS = "QXZJ"
"""Letters of surrogate numbers: no USPS state, no country of the IBAN registry and no label is made of them."""


class Keyed:
    """A keyed function (BLAKE2b, RFC 7693, as a MAC) from words to numbers. Frozen; no state but the key."""

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        """Take `seed`, secret, of any length; 32 random bytes are right."""
        self._key = hashlib.blake2b(seed, digest_size=32, person=b"ringfence-deid").digest()

    def number(self, *words: str | int) -> int:
        """A number below 2**256 for `words`."""
        text = "\x00".join(map(str, words)).encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(text, key=self._key, digest_size=32).digest(), "big")


def fill(shape: str, digits: str) -> str:
    """`shape` with its digits replaced, in order, by `digits`, which holds as many."""
    following = iter(digits)
    return "".join(next(following) if char.isdigit() else char for char in shape)


def scramble(shape: str, number: int, prefix: str) -> str:
    """`shape` with other digits and letters: the first digits are those of `prefix`, the rest follows from `number`.

    Digits stay digits, letters letters of the same case, ASCII marks stay; any other mark becomes ``-``.
    """
    written: list[str] = []
    forced = iter(prefix)
    for char in shape:
        if char.isdigit():
            digit = next(forced, None)
            if digit is None:
                number, rest = divmod(number, 10)
                digit = str(rest)
            written.append(digit)
        elif char.isalpha():
            number, rest = divmod(number, len(_LETTERS))
            written.append(_LETTERS[rest] if char.isupper() else _LETTERS[rest].lower())
        else:
            written.append(char if char.isascii() else "-")
    return "".join(written)
