"""The project's own corpora: generated documents of the evaluation split, never trained on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deid_parts.generate import LANGUAGES, OPTIONAL, generate
from deid_parts.score import Gold, Row

SEED = 2026
"""Of all generated corpora; another gives other documents of the same kinds."""
CLINICAL = ("note", "discharge", "referral", "claim", "clean_note")
ASKED = ("query", "clean_query")
BANK = ("kyc", "chat", "email", "ticket", "clean_chat")

CORPORA: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        f"generated_{name}_{lang}": (lang, kinds)
        for lang in LANGUAGES
        for name, kinds in (("notes", CLINICAL), ("queries", ASKED), ("bank", BANK))
    }
)
"""Stem to language and kinds."""


def generated(stem: str, per_kind: int, seed: int = SEED) -> list[Row]:
    """The rows of one generated corpus.

    Args:
        stem: a key of `CORPORA`.
        per_kind: documents of each kind.
        seed: of the chance that makes them.
    """
    lang, kinds = CORPORA[stem]
    return [
        Row(
            document.text,
            lang,
            tuple(Gold(*span) for span in document.spans if span.label not in OPTIONAL),
            tuple((span.start, span.end) for span in document.spans if span.label in OPTIONAL),
        )
        for kind in kinds
        for document in generate(kind, lang, seed, per_kind, "eval", titles=True)
    ]
