"""Cedar text: its policies one by one, and the place of what is wrong, which Cedar's parser does not tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r'(?P<comment>//[^\n]*)|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|[=!<>]=|&&|\|\||\S', re.DOTALL)
"""Comments, strings, names, numbers, operators. Source: https://docs.cedarpolicy.com/policies/syntax-grammar.html"""
_NAMED: Final = re.compile(r"`([^`]+)`|: (\w+)$|'([^']+)'")
"""How Cedar's messages name what they dislike."""
NESTED_MAX: Final = 64
"""Brackets within brackets, or signs before signs, of one policy. Cedar's parser calls itself for each and ends the
process some 500 deep (cedarpy 4.12, a thread's stack of 8 MiB)."""
OPERATORS_MAX: Final = 200
"""Operators of one policy: a chain of them nests as deep as it is long."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_SIGNS = frozenset("!-")
_CHAINED = frozenset({"&&", "||", "+", "-", "*", "if", ".", "has"})
_TOO_SHORT: Final = "unexpected end of input"
"""Cedar's word for a text that is right as far as it goes."""

Fault = Callable[[str], str]
"""What Cedar says is wrong with a text; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Source:
    """Some policies and where they come from."""

    name: str
    """For people: a file's name, or what made it."""
    text: str
    """Cedar."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a source."""

    source: str
    """Name of the source."""
    line: int
    """From 1."""
    column: int
    """From 1, in code points."""

    def __str__(self) -> str:
        """Print as compilers do: ``policy.cedar:12:5``."""
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy as it is written."""

    source: Source
    """Where it stands."""
    line: int
    """Line of its first character there, from 1; comments before it are left out."""
    column: int
    """Column of that, from 1."""
    text: str
    """From its first annotation to its semicolon."""

    def place(self, offset: int = 0) -> Place:
        """Where a character of it stands."""
        before = self.text[:offset]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else self.column + offset
        return Place(self.source.name, self.line + lines, column)


def statements(source: Source) -> tuple[Statement, ...]:
    """The policies of a source in their order; what follows the last semicolon counts as one."""
    text = source.text
    found: list[Statement] = []
    start: int | None = None
    line, counted = 1, 0
    for token in _tokens(text):
        if start is None:
            start = token.start()
            line, counted = line + text.count("\n", counted, start), start
        if token.group() == ";":
            found.append(_statement(source, start, token.end(), line))
            start = None
    if start is not None:
        found.append(_statement(source, start, len(text), line))
    return tuple(found)


def is_blank(text: str) -> bool:
    """Whether a text holds no policy at all: nothing, blanks, comments. Cedar takes it for a set of none."""
    return next(_tokens(text), None) is None


def too_deep(statement: Statement) -> Place | None:
    """Where a policy nests deeper, or chains more, than its parser bears; None where it does not."""
    depth = signs = chained = 0
    for token in _tokens(statement.text):
        word = token.group()
        depth = max(0, depth + (word in _OPENING) - (word in _CLOSING))
        signs = signs + 1 if word in _SIGNS else 0
        chained += word in _CHAINED
        if depth + signs > NESTED_MAX or chained > OPERATORS_MAX:
            return statement.place(token.start())
    return None


def fault_place(statement: Statement, message: str, fault: Fault) -> Place:
    """Where in a policy the fault is that Cedar told without its place.

    Args:
        statement: the policy.
        message: what Cedar said.
        fault: asks Cedar about a text.

    A name in the message is looked for. Otherwise the shortest beginning is that Cedar calls wrong rather than short:
    its parser reads from left to right, so that every longer one is wrong as well.
    """
    tokens = list(_tokens(statement.text))
    if not tokens:
        return statement.place()
    if message == _TOO_SHORT:
        return statement.place(tokens[-1].start())
    if not message.startswith("unexpected token"):
        offset = named_offset(statement, message)
        return statement.place(offset if offset is not None else 0)
    low, high = 0, len(tokens) - 1
    while low < high:
        middle = (low + high) // 2
        if fault(statement.text[: tokens[middle].end()]) in {"", _TOO_SHORT}:
            low = middle + 1
        else:
            high = middle
    named = message.partition("`")[2].rstrip("`")
    while low and tokens[low].group() != named:  # the parser had to look one further to see it
        low -= 1
    return statement.place(tokens[low].start())


def named_offset(statement: Statement, message: str) -> int | None:
    """Where the first thing stands that `message` names; None where it names nothing that stands in the policy."""
    tokens = list(_tokens(statement.text))
    for name in _NAMED.finditer(message):
        wanted = next(group for group in name.groups() if group)
        for token in tokens:
            if token.group() == wanted:
                return token.start()
        if (offset := statement.text.find(wanted)) >= 0:
            return offset
    return None


def entity_place(statement: Statement, kind: str, name: str) -> Place:
    """Where a policy names an entity first; its own place where it writes it in another way.

    Args:
        statement: the policy.
        kind: the entity's type.
        name: its id, without quotation marks.
    """
    tokens = list(_tokens(statement.text))
    quoted = f'"{name}"'
    for one, colons, other in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (one.group(), colons.group(), other.group()) == (kind, "::", quoted):
            return statement.place(one.start())
    return statement.place()


def _statement(source: Source, start: int, end: int, line: int) -> Statement:
    return Statement(source, line, start - source.text.rfind("\n", 0, start), source.text[start:end])


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(text) if token.group("comment") is None)
