"""Generated clinical and bank documents with the places of their identifiers, and look-alikes without any.

``generate(kind, lang, seed, n, split)`` is pure: the same arguments give the same documents on every machine. What
``split="eval"`` is made of never occurs with ``"train"``: one name, town or facility word in five (by CRC-32), every
fourth alternative of each list of six or more (layouts, sentences, drugs, diagnoses), and another stream of chance.
"""

from __future__ import annotations

import random

from deid_parts.generate.cast import Cast
from deid_parts.generate.document import GROUPS, OPTIONAL, Document, Mark, Split
from deid_parts.generate.grammar import Rules, write
from deid_parts.generate.reading import grammar

__all__ = ["CLEAN", "GROUPS", "KINDS", "LANGUAGES", "OPTIONAL", "Document", "Mark", "generate"]

LANGUAGES = ("en", "es", "fr", "de")
KINDS = ("query", "note", "discharge", "referral", "claim", "kyc", "chat", "email", "ticket")
"""What speaks of somebody."""
CLEAN = ("clean_query", "clean_note", "clean_chat")
"""What speaks of nobody."""


def generate(
    kind: str, lang: str, seed: int, n: int, split: Split = "train", *, titles: bool = False
) -> list[Document]:
    """`n` documents.

    Args:
        kind: one of `KINDS` or `CLEAN`.
        lang: en, es, fr or de.
        seed: any number; document i of a seed is the same whatever `n` is.
        n: how many.
        split: ``train``, or ``eval`` for what no training may see.
        titles: mark titles before names (Dr., Frau, Mme) too, as ``TITLE``.

    Raises:
        KeyError: no such kind or language.
    """
    rules = grammar(lang)
    made = [_one(rules, kind, lang, split, f"{kind}-{lang}-{split}-{seed}-{number}") for number in range(n)]
    return made if titles else [_without_titles(document) for document in made]


def _without_titles(document: Document) -> Document:
    return document._replace(spans=tuple(span for span in document.spans if span.label != "TITLE"))


def _one(rules: Rules, kind: str, lang: str, split: Split, name: str) -> Document:
    rng = random.Random(name)
    text, spans = write(rules, kind, Cast(lang, rng, split, may_be_old=kind not in CLEAN), rng, split)
    kept = text.rstrip()
    return Document(name, lang, kept, spans)
