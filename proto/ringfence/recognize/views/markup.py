"""Markup, comments and control characters inside an identifier: what a page or a program leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.recognize.views.passage import Edit

_TAG = re.compile(
    r"<!--.{0,400}?-->|<!\[CDATA\[|\]\]>|</?([A-Za-z][A-Za-z0-9:-]{0,31})(?:\s[^<>]{0,400})?/?>", re.DOTALL
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)
"""Elements that part what stands on either side of them (HTML 5, 4.3 to 4.10)."""
_MARKDOWN = re.compile(r"(?<=[A-Za-z0-9@.\-+(/:])(?:\*{1,3}|_{2,3}|~{1,2}|`{1,3}|\|\||==)(?=[A-Za-z0-9@.\-+(/:*_~`])")
_REACH_CHARS = 64
_LINK = re.compile(r"!?\[([^\]\[\n]{1,80})\]\([^()\s]{0,400}\)")
_BBCODE = re.compile(r"\[/?(?:b|i|u|s|code|color|size|font|url|quote|img|sub|sup)(?:=[^\]\n]{0,80})?\]", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.{0,400}?\*/|\{#.{0,400}?#\}|<%--.{0,400}?--%>|\(\*.{0,400}?\*\)", re.DOTALL)
_LATEX = re.compile(
    r"\\(?:text[a-z]{2}|emph|mathrm|mathbf|underline|mbox)\{([^{}]{0,200})\}|(?<=[A-Za-z0-9-])\{\}(?=[A-Za-z0-9-])|\\[,!;]"
)
_CONCAT = re.compile(r"([\"'`])\s{0,8}(?:\+|\.\.?|&|\|\||<<|,|\\\r?\n|\r?\n)?\s{0,8}[rbuf]?([\"'`])")
_CONTROL = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_TEMPLATE = re.compile(r"\$\{\s?[\"']([^\"'{}]{1,80})[\"']\s?\}|\{\{\s?[\"']([^\"'{}]{1,80})[\"']\s?\}\}")


def tags(text: str) -> Iterator[Edit]:
    """HTML and XML: tags inside a line fall away, those of blocks part, comments fall away."""
    for match in _TAG.finditer(text):
        name = match[1]
        yield Edit(match.start(), match.end(), " " if name is not None and name.lower() in _BLOCKS else "")


def joined_lines(text: str) -> Iterator[Edit]:
    """``<br>`` and ``<wbr>`` between digits: an identifier broken over two lines."""
    for match in _TAG.finditer(text):
        if match[1] is not None:
            yield Edit(match.start(), match.end(), "")


def markdown(text: str) -> Iterator[Edit]:
    """Marks of emphasis and code in words and numbers that have one inside, and links reduced to what they show."""
    reached = 0
    for match in _MARKDOWN.finditer(text):
        start = max(reached, match.start() - _REACH_CHARS, text.rfind("\n", 0, match.start()) + 1)
        end = text.find("\n", match.end(), match.end() + _REACH_CHARS)
        reached = match.end() + _REACH_CHARS if end < 0 else end
        mark = match.group()
        at = text.find(mark, start, reached)
        while at >= 0:  # the same mark, which opens or closes
            yield Edit(at, at + len(mark), "")
            start = at + len(mark)
            at = text.find(mark, start, reached)
    for match in _LINK.finditer(text):
        first = match.start(1)
        yield Edit(match.start(), match.end(), match[1], [(first + at, first + at + 1) for at in range(len(match[1]))])


def other_markup(text: str) -> Iterator[Edit]:
    """Comments of programs, forum tags, LaTeX's commands, templates' literals."""
    for pattern in (_BBCODE, _COMMENT):
        for match in pattern.finditer(text):
            yield Edit(match.start(), match.end(), "")
    for pattern in (_LATEX, _TEMPLATE):
        for match in pattern.finditer(text):
            group = next((number for number in range(1, (match.lastindex or 0) + 1) if match[number] is not None), None)
            if group is None:
                yield Edit(match.start(), match.end(), "")
            else:
                start = match.start(group)
                places = [(start + at, start + at + 1) for at in range(len(match[group]))]
                yield Edit(match.start(), match.end(), match[group], places)


def concatenated(text: str) -> Iterator[Edit]:
    """String literals of a program that are put together: ``"524-" + "71" + "-6038"``."""
    for match in _CONCAT.finditer(text):
        if match[1] == match[2] and "," not in match.group() and match.end() - match.start() > 2:  # noqa: PLR2004 - an empty literal
            yield Edit(match.start(), match.end(), "")


def controls(text: str) -> Iterator[Edit]:
    """Control characters and a terminal's colours (ECMA-48)."""
    for match in _CONTROL.finditer(text):
        yield Edit(match.start(), match.end(), "")
