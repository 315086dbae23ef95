"""Plain texts to scan: notes of 2 KB and documents of any size, the same on every machine."""

from __future__ import annotations

from deid_parts.generate import generate

NOTE_CHARS = 2048
"""Characters of a note."""
KINDS = ("discharge", "note", "referral", "claim", "kyc", "email")
"""What the texts are drawn from, in turn."""


def notes(count: int) -> list[str]:
    """`count` English notes of `NOTE_CHARS` characters."""
    return [document(NOTE_CHARS, seed) for seed in range(count)]


def document(size: int, seed: int = 0) -> str:
    """English notes, letters, claims and files one after another, cut at `size` characters."""
    parts, length, number = list[str](), 0, 0
    while length < size:
        kind = KINDS[(seed + number) % len(KINDS)]
        text = generate(kind, "en", seed * 1000 + number // len(KINDS), 1)[0].text
        parts.append(text)
        length += len(text) + 2
        number += 1
    return "\n\n".join(parts)[:size]
