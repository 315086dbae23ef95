"""Persons: each word of a name has its surrogate, so that every form of the name has one too.

``John Smith``, ``SMITH, JOHN``, ``Mr Smith``, ``J. Smith`` and ``Smith's`` meet the same words, and the answer's
``Smith`` alone comes back without a rule of its own. Titles and particles (``van der``) stay, halves of double names
are words of their own, initials follow the name that they stand for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ringfence.recognize.generic import TITLE_WORDS, fold_word, is_letter, is_particle
from ringfenced.deidentify.genders import is_given

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_POSSESSIVE = ("'s", "\u2019s", "'S", "\u2019S")


class Piece(NamedTuple):
    """One word of a name."""

    start: int
    end: int
    role: str
    """``given``, ``family`` or ``initial``."""


class Person(NamedTuple):
    """A person whose full name is known; words folded."""

    givens: tuple[str, ...]
    family: str


class Roles:
    """What is known of the words of all names: which are surnames, and whose initials are whose."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._votes: Counter[str] = Counter()
        self._people: dict[Person, tuple[str, str]] = {}
        self._by_word: dict[str, list[Person]] = {}

    def learn(self, name: str) -> None:
        """Learn from `name`, where it has a given name and a surname."""
        found = pieces(name, self.role)
        family = [piece for piece in found if piece.role == "family"]
        families = [name[piece.start : piece.end] for piece in family]
        givens = [name[piece.start : piece.end] for piece in found if piece.role == "given"]
        if not families or len(found) == 1:
            return
        weight = 2 if "," in name else 1  # a comma says which is which
        self._votes.update(dict.fromkeys(map(fold_word, families), weight))
        self._votes.subtract(dict.fromkeys(map(fold_word, givens), weight))
        if givens:
            person = Person(tuple(map(fold_word, givens)), fold_word(families[-1]))
            if person not in self._people:
                whole = name[family[0].start : family[-1].end]  # both halves of a double name
                self._people[person] = (givens[0], whole if len(whole.split()) == 1 else families[-1])
                for word in {person.givens[0], person.family}:
                    self._by_word.setdefault(word, []).append(person)

    def role(self, word: str) -> str | None:
        """``family`` or ``given`` for a folded word that full names told of; else None."""
        vote = self._votes.get(word, 0)
        return None if vote == 0 else ("family" if vote > 0 else "given")

    def people(self) -> Iterator[tuple[str, str]]:
        """First given name and surname of each person, as first written."""
        yield from self._people.values()

    def named(self, letter: str, beside: str | None, role: str) -> str | None:
        """The word that the initial `letter` stands for beside the folded word `beside`; None where nobody knows.

        Args:
            letter: folded.
            beside: a surname where `role` is ``given``, a given name where it is ``family``.
            role: what the initial stands for.
        """
        for person in self._by_word.get(beside, ()) if beside is not None else ():
            word = person.givens[0] if role == "given" else person.family
            if word.startswith(letter):
                return word
        return None


def pieces(name: str, role: Callable[[str], str | None]) -> list[Piece]:
    """The words of `name` that identify, in order, with their roles.

    Args:
        name: a name in speaking order, or surname, comma, given names; titles may stand round it.
        role: what a folded word is, as far as other names tell.
    """
    words = [_without_possessive(name, *match.span()) for match in _WORD.finditer(name)]
    told = [word for word in words if fold_word(name[slice(*word)]) not in TITLE_WORDS]
    words = told or words
    if not words:
        return []
    comma = name.find(",")
    if words[0][0] < comma < words[-1][0]:
        family, given = [w for w in words if w[1] <= comma], [w for w in words if w[0] > comma]
    else:
        family, given = _spoken(name, words)
    found = [
        Piece(*word, "initial" if _is_initial(name, word) else _role(name, word, "given", role, len(words)))
        for word in given
    ]
    solid = [word for word in family if not is_particle(name[slice(*word)])] or family[-1:]
    found += [
        Piece(*word, "initial" if _is_initial(name, word) else _role(name, word, "family", role, len(words)))
        for word in solid
    ]
    return sorted(found)


def _role(name: str, word: tuple[int, int], place: str, role: Callable[[str], str | None], count: int) -> str:
    """What a word is: as other names tell, else a single one as the lists tell, else by its place."""
    folded = fold_word(name[slice(*word)])
    told = role(folded)
    if told is not None:
        return told
    return "given" if count == 1 and is_given(folded) else place


def _spoken(name: str, words: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Surname and given names of a name in speaking order: the last whole word, its particles and other halves."""
    cut = len(words) - 1
    while cut > 0 and _is_initial(name, words[cut]):
        cut -= 1
    head = cut
    while head > 0 and (
        name[words[head - 1][1] : words[head][0]] == "-"
        or (is_particle(name[slice(*words[head - 1])]) and (head > 1 or name[words[0][0]].islower() or len(words) > 2))  # noqa: PLR2004 - "Van Morrison" has a given name
    ):
        head -= 1
    return words[head : cut + 1], words[:head] + words[cut + 1 :]


def _without_possessive(name: str, start: int, end: int) -> tuple[int, int]:
    return (start, end - 2) if end - start > 3 and name.endswith(_POSSESSIVE, start, end) else (start, end)  # noqa: PLR2004


def _is_initial(name: str, word: tuple[int, int]) -> bool:
    return is_letter(name[slice(*word)])


_ACCENTS = str.maketrans("aeiouAEIOU", "áéíóúÁÉÍÓÚ")


def like(word: str, original: str) -> str:
    """`word` in the case of `original`, with an accent where `original` has one."""
    if not original.isascii() and fold_word(original).isascii():
        last = max(map(word.rfind, "aeiou"))
        word = word[:last] + word[last:].translate(_ACCENTS)
    if len(original) > 1 and original.isupper():
        return word.upper()
    return word.lower() if original.islower() else word


def initials_of(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The forms with initials of each given name and surname: ``J. Smith``, ``Smith, J.``, ``John S.``, ``J. S.``."""
    for given, family in names:
        yield f"{given[0]}. {family}"
        yield f"{given[0]} {family}"
        yield f"{family}, {given[0]}."
        yield f"{given} {family[0]}."
        yield f"{given[0]}.{family[0]}."
        yield f"{given[0]}. {family[0]}."
