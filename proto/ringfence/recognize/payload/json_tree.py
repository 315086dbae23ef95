"""A JSON text (RFC 8259) as a tree of places, read as far as it goes: cut off anywhere, or wrong somewhere.

Own, because no parser in reach says where in the text a value stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

DEPTH_MAX = 64
"""Deeper values are read as documents of their own. FHIR's deepest profiles stay below 20."""
_TOKEN = re.compile(r'[ \t\r\n]*+(?:("(?:[^"\\]|\\.)*+")|([{}\[\],:])|([^\s"{}\[\],:]++))', re.DOTALL)
_OPEN_STRING = re.compile(r'[ \t\r\n]*+"')

Kind = Literal["object", "array", "string", "scalar"]


@dataclass(slots=True)
class Node:
    """A value and its place."""

    kind: Kind
    start: int
    """First character; of a string the first inside its quotation marks."""
    end: int
    """One past the last; of a string the closing quotation mark."""
    members: list[tuple[str, Node]] = field(default_factory=list)
    """Of an object: keys and values, duplicates included."""
    items: list[Node] = field(default_factory=list)
    """Of an array."""

    def get(self, key: str) -> Node | None:
        """The first value of `key`."""
        return next((node for name, node in self.members if name == key), None)


@dataclass(slots=True)
class Tree:
    """What stands at one place of a text."""

    root: Node
    end: int
    """Where reading stopped."""
    walls: list[tuple[int, int]]
    """Quotation marks, brackets, colons and commas."""


def unquoted(text: str, start: int, end: int) -> str:
    """What stands between two quotation marks, unescaped; as it is written where its escapes are wrong."""
    inside = text[start:end]
    if "\\" not in inside:
        return inside
    try:
        value: str = json.loads(f'"{inside}"', strict=False)
    except ValueError:
        return inside
    return value


def read_tree(text: str, at: int) -> Tree:
    """The document that begins at `at`, where a brace or bracket stands."""
    reader = _Reader(text, at)
    while reader.stack and reader.step():
        pass
    return Tree(reader.root, reader.at, reader.walls)


class _Reader:
    """Reads one document, token by token."""

    __slots__ = ("at", "key", "root", "stack", "text", "walls")

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.root = Node("object" if text[at] == "{" else "array", at, len(text))
        self.stack = [self.root]
        self.key: str | None = None  # of the member that is being read
        self.walls = [(at, at + 1)]
        self.at = at + 1

    def step(self) -> bool:
        """Read one token; False where the document ends or is none any more."""
        token = _TOKEN.match(self.text, self.at)
        if token is None:
            return self._cut_off()
        string, mark, scalar = token.groups()
        start, end = token.start(token.lastindex or 0), token.end()
        wants_key = self.stack[-1].kind == "object" and self.key is None
        if (scalar is not None and wants_key) or (mark and mark in "{[" and len(self.stack) >= DEPTH_MAX):
            self.at = start
            return False
        self.at = end
        if string is not None:
            self.walls += [(start, start + 1), (end - 1, end)]
            if wants_key:
                self.key = unquoted(self.text, start + 1, end - 1)
            else:
                self._put(Node("string", start + 1, end - 1))
        elif scalar is not None:
            self._put(Node("scalar", start, end))
        else:
            self._mark(mark, start)
        return True

    def _mark(self, mark: str, start: int) -> None:
        self.walls.append((start, start + 1))
        if mark in "{[":
            node = Node("object" if mark == "{" else "array", start, len(self.text))
            self._put(node)
            self.stack.append(node)
        elif mark in "}]":
            self.stack.pop().end = start + 1
            self.key = None

    def _cut_off(self) -> bool:
        """A string without an end is one up to the end of its line."""
        opened = _OPEN_STRING.match(self.text, self.at)
        if opened is not None:
            line_end = self.text.find("\n", opened.end())
            self.at = len(self.text) if line_end < 0 else line_end
            self.walls.append((opened.end() - 1, opened.end()))
            self._put(Node("string", opened.end(), self.at))
        return False

    def _put(self, node: Node) -> None:
        parent = self.stack[-1]
        if parent.kind == "array":
            parent.items.append(node)
        elif self.key is not None:
            parent.members.append((self.key, node))
        self.key = None
