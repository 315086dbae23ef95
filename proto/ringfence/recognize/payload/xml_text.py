"""XML (1.0, fifth edition) as a stream of tags and texts with their places, as far as it is XML.

Own, and not a parser's events: a payload may be a fragment, cut off or wrong in places, and each value's place in the
raw text is what counts. Entities and document types are never expanded or fetched: they are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

_TAG = re.compile(
    r"<(/?)([A-Za-z_][\w.-]*+(?::[A-Za-z_][\w.-]*+)?)((?:\s++[^\s<>\"'=/]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+)\s*+(/?)>"
)
_ATTRIBUTE = re.compile(r"([^\s<>\"'=/]+)\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')")
_SKIPPED = (("<!--", "-->"), ("<?", "?>"))
_CDATA = "<![CDATA["


class Attribute(NamedTuple):
    """An attribute's name and the place of its value."""

    name: str
    start: int
    end: int


class Event(NamedTuple):
    """A tag, or a text between two."""

    kind: Literal["open", "close", "empty", "text"]
    name: str
    """Of a tag, without its prefix."""
    start: int
    end: int
    attributes: tuple[Attribute, ...]


def events(text: str, at: int) -> Iterator[Event]:
    """Tags and texts from `at` on. What looks like a tag and is none is text; comments, instructions are left out."""
    written = at
    while (at := text.find("<", at)) >= 0:
        if text.startswith(_CDATA, at):
            yield Event("text", "", written, at, ())
            end = text.find("]]>", at)
            end = len(text) if end < 0 else end
            yield Event("text", "", at + len(_CDATA), max(at + len(_CDATA), end), ())
            at = written = min(len(text), end + 3)
            continue
        skipped = next((close for begin, close in _SKIPPED if text.startswith(begin, at)), None)
        if skipped is not None:
            yield Event("text", "", written, at, ())
            end = text.find(skipped, at)
            at = written = len(text) if end < 0 else end + len(skipped)
            continue
        tag = _TAG.match(text, at)
        if tag is None:
            at += 1
            continue
        yield Event("text", "", written, at, ())
        kind: Literal["open", "close", "empty"] = "close" if tag.group(1) else "empty" if tag.group(4) else "open"
        attributes = tuple(
            Attribute(found.group(1), *found.span(2 if found.group(2) is not None else 3))
            for found in _ATTRIBUTE.finditer(text, *tag.span(3))
        )
        yield Event(kind, tag.group(2).rpartition(":")[2], at, tag.end(), attributes)
        at = written = tag.end()
    yield Event("text", "", written, len(text), ())
