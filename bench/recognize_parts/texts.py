"""Plain texts to scan: notes of 2 KB and documents of any size, the same on every machine."""

from __future__ import annotations

from deid_parts.generate import generate

NOTE_CHARS = 2048
"""Characters of a note."""
KINDS = ("discharge", "note", "referral", "claim", "kyc", "email")
"""What the texts are drawn from, in turn."""


def notes(count: int) -> list[str]:
    """`count` English notes of `NOTE_CHARS` characters: two documents of somebody, then clinical prose.

    Ten identifiers or so in each, as in the published clinical cases of MEDDOCAN (9.5 for the same length).
    """
    return [_note(seed) for seed in range(count)]


def _note(seed: int) -> str:
    parts = [generate(KINDS[(seed + place) % len(KINDS)], "en", seed, 1)[0].text for place in range(2)]
    while sum(map(len, parts)) < NOTE_CHARS:
        parts.append(generate("clean_note", "en", seed * 1000 + len(parts), 1)[0].text)
    return "\n\n".join(parts)[:NOTE_CHARS]


def forms(count: int) -> list[str]:
    """`count` texts of `NOTE_CHARS` characters that are hardly more than identifiers, one in fifty characters."""
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
