"""The string, key and number leaves of a JSON document, with their places in its raw text.

Places matter: de-identification replaces a leaf where it stands, so whitespace, order and duplicate keys stay as they
are and the document stays valid (RFC 8259).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*+|[{}\[\],:]|true|false|null')


@dataclass(frozen=True, slots=True)
class JsonLeaf:
    """One leaf of a document."""

    path: str
    """Where it stands, for example ``.patient.names[0]``; a key's path ends in ``~``."""
    key: str
    """The nearest key above it: its context. Empty for a key itself and at the top."""
    text: str
    """Its value, unescaped; a number as it is written."""
    start: int
    """First character of its token in the raw text, quotation marks included."""
    end: int
    """One past the last."""
    is_string: bool
    """Whether it is a string or a key; else it is a number."""


def is_json(raw: str) -> bool:
    """Whether `raw` is a JSON document that Python's parser takes; never raises (deep nesting counts as no)."""
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def json_leaves(raw: str) -> Iterator[JsonLeaf]:
    """The leaves of `raw`, in order. `raw` must be a document (see `is_json`): nothing is checked here again."""
    stack: list[_Container] = []
    for token in _TOKEN.finditer(raw):
        piece = token.group()
        first = piece[0]
        if first in "{[":
            stack.append(_Container(path=_path(stack), is_object=first == "{", key=stack[-1].key if stack else ""))
        elif first in "}]":
            stack.pop()
        elif first == ":":
            stack[-1].in_key = False
        elif first == ",":
            stack[-1].step()
        elif first == '"' and stack and stack[-1].is_object and stack[-1].in_key:
            text: str = json.loads(piece)
            stack[-1].key = text
            yield JsonLeaf(f"{stack[-1].path}.{text}~", "", text, token.start(), token.end(), is_string=True)
        elif first == '"' or first in "-0123456789":
            is_string = first == '"'
            text = json.loads(piece) if is_string else piece
            yield JsonLeaf(
                _path(stack), stack[-1].key if stack else "", text, token.start(), token.end(), is_string=is_string
            )


@dataclass(slots=True)
class _Container:
    """An object or array that is open while the document is walked."""

    path: str
    is_object: bool
    key: str
    in_key: bool = True
    index: int = 0

    def step(self) -> None:
        """Go to the next member."""
        self.index += 1
        self.in_key = True


def _path(stack: list[_Container]) -> str:
    """The path of the value that comes next."""
    if not stack:
        return ""
    top = stack[-1]
    return f"{top.path}.{top.key}" if top.is_object else f"{top.path}[{top.index}]"
