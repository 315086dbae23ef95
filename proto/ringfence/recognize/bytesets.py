"""Sets of bytes of a folded text that several second looks ask for."""

from __future__ import annotations

WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")
"""Letters, foreign ones included, and digits."""
DIGITS = frozenset(b"0123456789")
"""Digits."""
NO_DIGITS = bytes(byte for byte in range(256) if byte not in DIGITS)
"""Every byte that is no digit."""
_POINT = 46


def digits_of(raw: bytes) -> str:
    """The digits of `raw`."""
    return raw.translate(None, NO_DIGITS).decode("ascii")


def has_digit(raw: bytes) -> bool:
    """Whether a digit is in `raw`."""
    return not DIGITS.isdisjoint(raw)


def is_bounded(buf: bytes, start: int, end: int) -> bool:
    """Whether neither a letter, a digit nor a decimal point continues the span `start` to `end` of `buf`."""
    if start and (buf[start - 1] in WORD or (buf[start - 1] == _POINT and start > 1 and buf[start - 2] in DIGITS)):
        return False
    if end == len(buf):
        return True
    return not (buf[end] in WORD or (buf[end] == _POINT and end + 1 < len(buf) and buf[end + 1] in DIGITS))
