"""Variation: the same texts with other names, places, firms and numbers in them, so that the frame is what is learned.

Replacements come from Faker's lists of many countries and from the other texts; the form is kept: one word for one
word, an initial for an initial, capitals for capitals.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from faker import Faker

from tagger.corpus import Document, Span

_LOCALES = [
    *("en_US", "en_GB", "en_IN", "es_ES", "es_MX", "fr_FR", "de_DE", "nl_NL", "pt_BR"),
    *("pl_PL", "cs_CZ", "hr_HR", "ro_RO", "sv_SE", "da_DK", "fi_FI", "tr_TR"),
]
"""Without it_IT, whose towns Faker orders by the hash of the day."""
_INITIAL = re.compile(r"[A-Z]\.?")
_DIGIT = re.compile(r"\d")
_CAPITAL = re.compile(r"(?<![a-z])[A-Z](?![a-z])")
_CASES = 0.06
"""Share of varied texts that are lower-cased, and that are upper-cased."""


class Augmenter:
    """Varies documents; seeded."""

    def __init__(self, documents: Sequence[Document], seed: int) -> None:
        """Collect the places and firms of `documents` to mix."""
        self._draw = random.Random(seed)
        # One Faker a country, each seeded: the one that mixes countries draws them by a chance of its own.
        self._fakers = [Faker(locale) for locale in _LOCALES]
        for faker in self._fakers:
            faker.seed_instance(seed)
        self._first = self._some("first_name", 6000)
        self._last = self._some("last_name", 8000)
        self._pool: dict[tuple[str, str], list[str]] = {}
        for document in documents:
            for start, end, kind in document.spans:
                if kind in ("PLACE", "ORGANISATION"):
                    self._pool.setdefault((document.corpus.partition("_")[0], kind), []).append(
                        document.text[start:end]
                    )
        self._towns = self._some("city", 4000)
        self._firms = self._some("company", 3000)

    def _some(self, kind: str, count: int) -> list[str]:
        """Different names of a kind, of all countries in turn, sorted."""
        return sorted({getattr(self._fakers[draw % len(self._fakers)], kind)() for draw in range(count)})

    def vary(self, document: Document) -> Document | None:
        """`document` with most of its entities exchanged; None where there is nothing to exchange."""
        if not document.spans or (document.corpus.startswith("meddocan") and self._draw.random() < 0.5):
            return None
        text, spans, at = [], [], 0
        length = 0
        last = -1
        known: dict[str, str] = {}
        for start, end, kind in sorted(document.spans):
            if start < last:
                return None  # nested ones: leave the text alone
            last = end
            old = document.text[start:end]
            new = known.setdefault(old, self._new(document.corpus, kind, old)) if self._draw.random() < 0.8 else old
            text += [document.text[at:start], new]
            length += start - at
            spans.append((length, length + len(new), kind))
            length += len(new)
            at = end
        made = "".join(text) + document.text[at:]
        return _cased(made, tuple(spans), document, self._draw.random())

    def _new(self, corpus: str, kind: str, old: str) -> str:
        if kind == "PERSON":
            return self._person(old)
        if kind in ("PLACE", "ORGANISATION"):
            return self._thing(corpus, kind, old)
        if kind in ("ID", "CONTACT", "ADDRESS"):
            return self._digits(old)
        return old

    def _person(self, old: str) -> str:
        words = old.split(" ")
        made = []
        for index, word in enumerate(words):
            bare = word.strip(".,")
            if len(bare) <= 1 or _INITIAL.fullmatch(word):
                made.append(re.sub("[A-Za-z]", self._draw.choice("ABCDEFGHIJKLMNOPRSTW"), word))
            elif not bare[:1].isupper() or bare in ("Dr", "Mr", "Mrs", "Ms", "Prof"):
                made.append(word)
            else:
                pool = self._first if index == 0 and len(words) > 1 else self._last
                if len(words) == 1 and self._draw.random() < 0.5:
                    pool = self._first
                new = self._draw.choice(pool)
                tail = word[len(bare) :] if word.startswith(bare) else ""
                made.append((new.upper() if bare.isupper() and len(bare) > 2 else new) + tail)
        return " ".join(made)

    def _thing(self, corpus: str, kind: str, old: str) -> str:
        chance = self._draw.random()
        mine = self._pool.get((corpus.partition("_")[0], kind), [old])
        if chance < 0.6 or not old[:1].isupper():
            return self._draw.choice(mine)
        if kind == "ORGANISATION":
            return self._draw.choice(self._firms)
        words = old.split(" ")
        name = self._draw.choice(self._towns if self._draw.random() < 0.6 else self._last)
        if any(word in ("Hospital", "Clinic", "Center", "Centre", "Medical", "Health") for word in words):
            kept = [
                word
                for word in words
                if word
                in (
                    "Hospital",
                    "Clinic",
                    "Center",
                    "Centre",
                    "Medical",
                    "Health",
                    "General",
                    "Memorial",
                    "Children's",
                    "Regional",
                    "University",
                )
            ]
            return " ".join([name, *kept])
        return name

    def _digits(self, old: str) -> str:
        new = _DIGIT.sub(lambda _: self._draw.choice("0123456789"), old)
        return (
            _CAPITAL.sub(lambda _: self._draw.choice("ABCDEFGHJKLMNPRSTUVWXYZ"), new)
            if self._draw.random() < 0.5
            else new
        )


def _cased(text: str, spans: tuple[Span, ...], document: Document, chance: float) -> Document:
    lowered = text.lower() if chance < _CASES else text.upper() if chance > 1 - _CASES / 2 else text
    return Document(lowered if len(lowered) == len(text) else text, spans, document.known, document.corpus)
