"""Templates: a small grammar whose expansion knows where each identifier stands. Pure, given a source of chance.

``{name}`` is a rule of the grammar or, where there is none of that name, a slot; ``{name:argument}`` a slot with
an argument; ``{=LABEL:text}`` is `text`, labelled; ``{@LABEL:rule}`` what `rule` becomes, labelled as a whole;
``{key=name}`` what it first became in this text;
``[a|b|]`` one of its parts. Everything else stands for itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from deid_parts.generate.document import Mark, Split, group_of

Rules = Mapping[str, Sequence[str]]
"""A rule's name and its alternatives."""
Piece = tuple[str, str | None]
"""A text and its label; None where it identifies nobody."""
Slots = Callable[[str, str], Sequence[Piece]]
"""A slot's name and its argument to what stands there."""

HELD_OUT_FROM = 6
"""A rule with so many alternatives or more keeps every fourth of them for evaluation."""


class Shared(tuple[str, ...]):
    """Alternatives that training and evaluation share."""

    __slots__ = ()


def split_of(index: int) -> Split:
    """Where alternative `index` of a long rule belongs."""
    return "eval" if index % 4 == 3 else "train"


@cache
def _halves(alternatives: tuple[str, ...]) -> Mapping[Split, tuple[str, ...]]:
    if len(alternatives) < HELD_OUT_FROM:
        return {"train": alternatives, "eval": alternatives}
    train = tuple(text for index, text in enumerate(alternatives) if split_of(index) == "train")
    held = tuple(text for index, text in enumerate(alternatives) if split_of(index) == "eval")
    return {"train": train, "eval": held}


def alternatives(rules: Rules, name: str, split: Split) -> tuple[str, ...]:
    """What rule `name` may become in `split`."""
    found = rules[name]
    return found if isinstance(found, Shared) else _halves(tuple(found))[split]


@dataclass(slots=True)
class Writing:
    """A text while it is written."""

    parts: list[str] = field(default_factory=list)
    """What stands so far."""
    marks: list[Mark] = field(default_factory=list)
    """Identifiers so far."""
    length: int = 0
    """Characters so far."""

    def add(self, text: str, label: str | None = None) -> None:
        """Write on. White space round an identifier is never part of it."""
        if label is not None and text.strip():
            start = self.length + len(text) - len(text.lstrip())
            self.marks.append(Mark(start, start + len(text.strip()), label, group_of(label)))
        self.parts.append(text)
        self.length += len(text)


def write(rules: Rules, rule: str, slots: Slots, rng: random.Random, split: Split) -> tuple[str, tuple[Mark, ...]]:
    """Expand `rule`.

    Args:
        rules: the grammar.
        rule: where to begin.
        slots: what fills names that are no rules.
        rng: chance.
        split: which alternatives of long rules may be used.

    Raises:
        ValueError: a template whose brackets do not match.
    """
    expansion = Expansion(rules, slots, rng, split)
    expansion.rule(rule)
    return "".join(expansion.writing.parts), tuple(expansion.writing.marks)


@dataclass(slots=True)
class Expansion:
    """One text on its way from a rule to words."""

    rules: Rules
    """The grammar."""
    slots: Slots
    """What fills names that are no rules."""
    rng: random.Random
    """Chance."""
    split: Split
    """Which alternatives of long rules may be used."""
    writing: Writing = field(default_factory=Writing)
    """What stands so far."""
    kept: dict[str, Sequence[Piece]] = field(default_factory=dict)
    """What ``{key=name}`` became."""

    def rule(self, name: str) -> None:
        """Write one alternative of rule `name`."""
        self.template(self.rng.choice(alternatives(self.rules, name, self.split)))

    def template(self, template: str) -> None:
        """Write what `template` becomes."""
        for kind, content in _tokens(template):
            if kind == "text":
                self.writing.add(content[0])
            elif kind == "choice":
                self.template(self.rng.choice(content))
            else:
                self._slot(*content[0].partition(":")[::2])

    def _slot(self, name: str, argument: str) -> None:
        if name.startswith("="):
            self.writing.add(argument, name[1:])
        elif name.startswith("@"):
            text = "".join(text for text, _ in self._apart(argument))
            self.writing.add(text, name[1:])
        elif "=" in name:
            if name not in self.kept:
                self.kept[name] = self._apart(name.partition("=")[2])
            for text, label in self.kept[name]:
                self.writing.add(text, label)
        elif name in self.rules:
            self.rule(name)
        else:
            for text, label in self.slots(name, argument):
                self.writing.add(text, label)

    def _apart(self, name: str) -> Sequence[Piece]:
        """What rule or slot `name` becomes, not yet written."""
        before, self.writing = self.writing, Writing()
        self._slot(name, "")
        written, self.writing = self.writing, before
        return _pieces(written)


def _pieces(writing: Writing) -> Sequence[Piece]:
    text, pieces, at = "".join(writing.parts), [], 0
    for mark in writing.marks:
        pieces += [(text[at : mark.start], None), (text[mark.start : mark.end], mark.label)]
        at = mark.end
    return [*pieces, (text[at:], None)]


@cache
def _tokens(template: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    tokens: list[tuple[str, tuple[str, ...]]] = []
    at = 0
    while at < len(template):
        if template[at] == "{":
            end = template.find("}", at)
            if end < 0:
                raise ValueError(f"template without a closing brace: {template!r}")
            tokens.append(("slot", (template[at + 1 : end],)))
            at = end + 1
        elif template[at] == "[":
            end = _closing(template, at)
            tokens.append(("choice", _parts(template[at + 1 : end])))
            at = end + 1
        else:
            end = min((place for place in (template.find("{", at), template.find("[", at)) if place >= 0), default=-1)
            end = len(template) if end < 0 else end
            tokens.append(("text", (template[at:end],)))
            at = end
    return tuple(tokens)


def _closing(template: str, start: int) -> int:
    depth = 0
    for at in range(start, len(template)):
        depth += {"[": 1, "]": -1}.get(template[at], 0)
        if depth == 0:
            return at
    raise ValueError(f"template without a closing bracket: {template!r}")


def _parts(inside: str) -> tuple[str, ...]:
    """The alternatives between two brackets: parted by strokes that stand in no inner brackets or braces."""
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(inside):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0)
        if character == "|" and depth == 0:
            parts.append(inside[begin:at])
            begin = at + 1
    return (*parts, inside[begin:])
