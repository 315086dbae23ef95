"""JSON documents in a payload: whether they are such, and what stands in them. Pure.

What must be a document has to be one that any body can carry: finite numbers, whole characters, and no deeper than
every provider can follow. What merely happens to be one is taken apart as far as it can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

DEPTH_MAX: Final = 64
"""Deeper nesting is refused. Protocol Buffers' JSON, which Google's API reads, allows 100 with what is around it."""


def parsed(document: str) -> Any:
    """The value of a JSON document that a body can carry.

    Raises:
        ValueError: it is none (RFC 8259), a number in it is not finite, a string holds half a character, or it is
            nested deeper than `DEPTH_MAX`. The text names no content.
    """
    try:
        value = json.loads(document)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("it does not parse as JSON that can be sent") from None
    if _is_deep(value):
        raise ValueError(f"it is nested deeper than {DEPTH_MAX}")
    return value


def is_json(text: str) -> bool:
    """Whether a text happens to be a JSON document; nesting too deep to parse is none."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def leaves(document: str | bytes) -> Iterator[str]:
    """Every string of a JSON document, keys too, also those under a key that comes twice; numbers as their digits.

    A string that is a document itself gives its strings too. Half a character, which only an escape can write, comes as
    ``?``.
    """
    left: list[object] = [json.loads(document, object_pairs_hook=tuple)]
    while left:
        match left.pop():
            case str() as text:
                yield text.encode(errors="replace").decode()
                left.extend(_inner(text))
            case bool() | None:
                continue
            case int() | float() as number:
                yield str(number)
            case list() | tuple() as items:
                left.extend(reversed(items))


def _inner(text: str) -> tuple[object, ...]:
    """The document that a string is; nothing for one that is none."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return ()
    try:
        return (json.loads(text, object_pairs_hook=tuple),)
    except (ValueError, RecursionError):
        return ()


def _is_deep(value: object) -> bool:
    """Whether a value is nested deeper than `DEPTH_MAX`; looks at one level after another."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
