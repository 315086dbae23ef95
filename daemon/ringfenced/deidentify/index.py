"""All live surrogates by their letters: what may follow what has been read of one.

Letters are compared without case and accents, blanks and dashes as one of each. A node's strings are sorted into its
children when somebody first walks through it, so that thousands of surrogates cost a stream's start next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ringfence.recognize.fold import fold_char

_YEAR = re.compile(r"\d{4}")
_FIXED = re.compile(r"@|/x/")


class Entry(NamedTuple):
    """A surrogate and what it stands for."""

    surrogate: str
    """As it was placed, or in a further form."""
    original: str
    """What comes back."""
    is_rigid: bool = False
    """Whether it is a surrogate only as it is written here: ``May 10`` is none in other letters."""
    is_form: bool = False
    """Whether it was never placed, but is another form of what was."""

    def in_case_of(self, seen: str) -> str | None:
        """The original in the case of `seen`; None where `seen` is not this surrogate."""
        surrogate, original = self.surrogate, self.original
        if seen == surrogate or _FIXED.search(surrogate):
            return original
        if self.is_rigid:
            return None
        if seen.isupper() and not surrogate.isupper():
            return original.upper()
        if seen.islower() and not surrogate.islower():
            return original.lower()
        if seen.istitle() and (surrogate.isupper() or surrogate.islower()):
            return original.title()
        return original


class Node:
    """What has been read of one or more surrogates."""

    __slots__ = ("_children", "_depth", "_waiting", "entries")

    def __init__(self, depth: int = 0) -> None:
        """Begin with nothing; `depth` letters have been read."""
        self.entries: list[Entry] = []
        """Surrogates that end here."""
        self._depth = depth
        self._children: dict[str, Node] = {}
        self._waiting: list[tuple[str, Entry]] = []

    def add(self, key: str, entry: Entry) -> None:
        """File `entry` under `key`, its folded letters, of which the first ones have been read."""
        if len(key) == self._depth:
            self.entries.append(entry)
        else:
            self._waiting.append((key, entry))

    def step(self, letter: str) -> Node | None:
        """The node after one more folded letter; None where no surrogate goes on so."""
        self._sort()
        return self._children.get(letter)

    @property
    def goes_on(self) -> bool:
        """Whether a longer surrogate begins like this."""
        return bool(self._waiting or self._children)

    def letters(self) -> Iterable[str]:
        """The folded letters that may follow."""
        self._sort()
        return self._children.keys()

    def _sort(self) -> None:
        for key, entry in self._waiting:
            letter = key[self._depth]
            child = self._children.get(letter)
            if child is None:
                child = self._children[letter] = Node(self._depth + 1)
            child.add(key, entry)
        self._waiting.clear()


def folded(char: str) -> str:
    """One character as surrogates are compared by; empty for one that a reader does not see."""
    if char.isascii():
        return " " if char in "\n\t\r" else char.lower()
    plain = fold_char(char)
    return plain.lower() if len(plain) <= 1 and plain.isascii() else char.lower()


def index(placed: Iterable[tuple[str, str]], further: Iterable[tuple[str, str]]) -> Node:
    """The root over `placed` surrogates and `further` forms of them, each with its original."""
    root = Node()
    for surrogate, original in placed:
        root.add("".join(map(folded, surrogate)), Entry(surrogate, original))
    for form, original in further:
        root.add("".join(map(folded, form)), Entry(form, original, is_rigid=_YEAR.search(form) is None, is_form=True))
    return root
