"""Bodies in buckets, so that a request's length on the wire says less about what it holds. Pure.

A body is filled up with spaces, which JSON allows behind a text (RFC 8259, section 2), as part of `encode`: what was
judged is what is sent. Buckets are 1 KiB, and above that the powers of two with seven sizes between them, evenly, so
that a body grows by less than an eighth.

What is left to learn for somebody on the way: which bucket, which is log2 of their number (6.6 bits up to 4 MiB, where
the exact length would be 22), when, how often, and how long the answer is. Padmé (PURBs, Nikitin et al., PETS 2019,
section 4) has the same cost at most, finer buckets for long bodies, and so leaves more to learn of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringfence_agent.payload import Payload

BUCKET_BYTES_MIN: Final = 1024
"""Shorter bodies are all this long."""
_SIZES_PER_DOUBLING: Final = 8
_SPACE: Final = b" "


def bucket_bytes(length: int) -> int:
    """The bucket of a body: the least size that holds `length` bytes."""
    if length <= BUCKET_BYTES_MIN:
        return BUCKET_BYTES_MIN
    step = (1 << ((length - 1).bit_length() - 1)) // _SIZES_PER_DOUBLING
    return -(-length // step) * step


def pad(body: bytes) -> bytes:
    """A JSON text, filled up to its bucket; it says the same."""
    return body.ljust(bucket_bytes(len(body)), _SPACE)


def padded(encode: Callable[[Payload], bytes]) -> Callable[[Payload], bytes]:
    """An `encode` whose bodies fill their buckets."""
    return lambda payload: pad(encode(payload))
