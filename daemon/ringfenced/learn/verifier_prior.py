"""The shipped verifiers: what is believed of a cheap and of a strong model's answer before a site has any label."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfenced.learn.outcome import BadState
from ringfenced.learn.verifier import Verifier

__all__ = ["SHIPPED", "Prior", "question_key"]

SHIPPED: Final = Path(__file__).with_name("verifier.bin")
"""Their weights (models/routing/VERIFIER.md says where they are from)."""
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Two verifiers that read the same features: of the question and the cheap model's answer."""

    cheap: Verifier
    """P(the cheap model's answer is good)."""
    strong: Verifier
    """P(the strong model's answer to the same question will be)."""

    def to_bytes(self) -> bytes:
        """The same as bytes: both, each with its length before it."""
        parts = (self.cheap.to_bytes(), self.strong.to_bytes())
        return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)

    @classmethod
    def from_bytes(cls, content: bytes) -> Prior:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else.
        """
        verifiers = []
        for _ in range(2):
            length = int.from_bytes(content[:_LENGTH_BYTES], "big")
            if len(content) < _LENGTH_BYTES + length:
                raise BadState("the shipped verifiers are cut off; install again")
            verifiers.append(Verifier.from_bytes(content[_LENGTH_BYTES : _LENGTH_BYTES + length]))
            content = content[_LENGTH_BYTES + length :]
        if content:
            raise BadState("the shipped verifiers are followed by something else; install again")
        return cls(*verifiers)


def question_key(prompt: str) -> int:
    """64 bits that tell a question again, whatever its spaces and case; the judge keeps those of its training set."""
    plain = " ".join(prompt.lower().split())
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "big")
