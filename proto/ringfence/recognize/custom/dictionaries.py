"""A site's lists of terms as a stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.recognize.custom.cache import cache_name
from ringfence.recognize.custom.errors import read_file
from ringfence.recognize.custom.literals import Literal, Literals, load_literals
from ringfence.recognize.custom.settings import Case, Dictionary
from ringfence.recognize.custom.terms import Term, read_terms, written
from ringfence.recognize.span import Span, Spans

SCORE = 0.95
"""A term that the site itself lists."""

_DIGITS = frozenset(b"0123456789")


@dataclass(frozen=True, slots=True)
class Owner:
    """What a hit of a dictionary becomes."""

    entity_type: str
    """What its terms are."""
    recogniser: str
    """Names it in findings."""
    capital: bool
    """Whether only hits count that begin with a capital or a digit."""

    @classmethod
    def of(cls, dictionary: Dictionary) -> Owner:
        """That of `dictionary`."""
        return cls(dictionary.entity_type, f"dictionary:{dictionary.name}", dictionary.case is Case.CAPITAL)

    def span(self, folded: bytes, start: int, end: int) -> Spans:
        """The span of a hit, or none where its first letter is small and must not be."""
        if self.capital and not (folded[start : start + 1].isupper() or folded[start] in _DIGITS):
            return ()
        return (Span(start, end, self.entity_type, SCORE, self.recogniser),)


class Dictionaries:
    """Finds the terms of plain lists in folded bytes."""

    __slots__ = ("_literals", "_owners")

    def __init__(self, literals: Literals, owners: Sequence[Owner]) -> None:
        """Serve `literals`, whose owners count in `owners`."""
        self._literals = literals
        self._owners = tuple(owners)

    def __call__(self, folded: bytes) -> Iterable[Span]:
        """What stands in `folded`. Never raises; linear; may be called from several threads."""
        return [
            span
            for start, end, owner in self._literals.find(folded)
            for span in self._owners[owner].span(folded, start, end)
        ]


def load_dictionaries(
    dictionaries: Sequence[Dictionary], cache_dir: Path | None
) -> tuple[Dictionaries, tuple[str, ...], tuple[bytes, ...]]:
    """The stage of plain `dictionaries`, the names of its cache files, and the digested content of its lists.

    The cache is keyed by the lists' bytes and settings; where it is whole, no list is parsed again.

    Raises:
        CustomError: a list cannot be read, or holds what cannot be looked for.
    """
    contents = tuple(read_file(one.path) for one in dictionaries)
    settings = tuple(
        repr((one.name, one.case.value, one.whole_word, one.person_variants, one.column, one.path.suffix)).encode()
        for one in dictionaries
    )
    literals, names = load_literals(
        lambda: _literals(dictionaries),
        cache_dir=cache_dir,
        name=cache_name("dictionaries", (*settings, *contents)),
    )
    return Dictionaries(literals, [Owner.of(one) for one in dictionaries]), names, contents


def _literals(dictionaries: Sequence[Dictionary]) -> list[Literal]:
    found: dict[Literal, None] = {}
    for owner, dictionary in enumerate(dictionaries):
        for term in read_terms(dictionary):
            for ways in written(term, variants=dictionary.person_variants):
                found[literal(ways, owner, dictionary)] = None
    return list(found)


def literal(term: Term, owner: int, dictionary: Dictionary) -> Literal:
    """One way to write a term, as `dictionary` wants it read."""
    exact = dictionary.case is Case.EXACT
    text = b" ".join(term)
    return Literal(text if exact else text.lower(), owner, dictionary.whole_word, exact)
