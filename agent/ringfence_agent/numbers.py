"""A request's numbers, brought to where they still do their work and carry next to nothing. Pure.

A number is no string, so the scan sees its digits only, and nine of them without a label are anybody's. So none gets
through as it came:

    temperature, top_p, penalties   within the providers' ranges, two digits after the point
    seed                            modulo 1000: enough for other answers, and the same seed still gives the same one
    tokens_max                      two significant digits, rounded down: never more than was asked for
    logit_bias                      at most 32 tokens, ids below 2^18, whole numbers from -100 to 100

Ranges: OpenAI API reference, "Create chat completion"; the other families' lie within them. docs/threat-model.md counts
the bits that are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SEEDS: Final = 1000
TOKENS_MAX: Final = 10_000_000
"""More than any model generates."""
BIASES_MAX: Final = 32
TOKEN_ID_MAX: Final = 2**18 - 1
"""The largest vocabularies have some 262,000 tokens."""
BIAS_MAX: Final = 100
_DIGITS: Final = 2
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


class NumberError(ValueError):
    """A number out of its range; the text names the range, not the number."""


def coarse(name: str, value: float | None) -> float | None:
    """A number of sampling with two digits after the point; None for none, and so for the others.

    Raises:
        NumberError: it is out of its range, or none (not a number is in no range).
    """
    least, most = _RANGES[name]
    if value is None:
        return None
    if not least <= value <= most:
        raise NumberError(f"{name} lies between {least} and {most}")
    return round(value, _DIGITS) + 0.0  # no negative zero: it would be one bit


def seed(value: int | None) -> int | None:
    """The seed that stands for `value`."""
    return None if value is None else value % SEEDS


def tokens(value: int | None) -> int | None:
    """An upper bound on generated tokens, rounded down to two significant digits.

    Raises:
        NumberError: it is 0, or more than any model generates.
    """
    if value is None:
        return None
    if not 1 <= value <= TOKENS_MAX:
        raise NumberError(f"tokens_max lies between 1 and {TOKENS_MAX}")
    step = 10 ** max(0, len(str(value)) - _DIGITS)
    return int(value // step * step)


def biases(given: Mapping[int, float]) -> tuple[tuple[int, int], ...]:
    """Biases as whole numbers, by token.

    Raises:
        NumberError: there are too many, or a token or a bias is out of its range.
    """
    if len(given) > BIASES_MAX:
        raise NumberError(f"logit_bias has at most {BIASES_MAX} tokens")
    if any(token > TOKEN_ID_MAX or not -BIAS_MAX <= bias <= BIAS_MAX for token, bias in given.items()):
        raise NumberError(f"logit_bias has tokens up to {TOKEN_ID_MAX} and biases from -{BIAS_MAX} to {BIAS_MAX}")
    return tuple((token, round(bias)) for token, bias in sorted(given.items()))
