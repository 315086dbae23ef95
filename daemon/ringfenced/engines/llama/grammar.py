"""From a JSON Schema to the grammar that binds an answer to it; the conversion is llama-cpp-python's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ringfenced.engines.llama.gbnf import REPETITIONS_MAX

SCHEMA_CHARS_MAX = 64 * 1024
"""Longest schema."""

GRAMMAR_CHARS_MAX = 256 * 1024
"""Longest grammar that may come of it."""

_BOUNDS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
"""Keywords that the converter writes out as so many copies."""

_SURROGATES = re.compile(r"\\\\|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")
"""An escaped backslash, or the two halves of a character that JSON escapes as UTF-16 does (RFC 8259, section 7)."""


class BadSchema(ValueError):
    """A schema that cannot become a grammar; without its text."""


def schema_to_grammar(schema: str) -> str:
    """Return GBNF for a JSON Schema. The answer follows it in form; whether numbers are in range is not checked.

    Raises:
        BadSchema: it is no JSON, refers to anything outside itself, is too long, or uses what has no grammar.
    """
    if len(schema) > SCHEMA_CHARS_MAX:
        raise BadSchema(f"a schema of more than {SCHEMA_CHARS_MAX} characters")
    from llama_cpp.llama_grammar import json_schema_to_gbnf  # noqa: PLC0415  # an engine without it reads tools too

    try:
        value = json.loads(schema)
        is_closed = all(reference.startswith("#") for reference in _references(value))
        is_bounded = all(bound <= REPETITIONS_MAX for bound in _bounds(value))  # the converter writes out each copy
        is_taken = is_closed and is_bounded  # and fetches what is outside
        grammar = str(json_schema_to_gbnf(schema)) if is_taken else ""
    except Exception:  # noqa: BLE001  # the converter raises whatever happens to it; its text may quote the schema
        raise BadSchema("a schema that cannot be converted") from None
    grammar = _SURROGATES.sub(_join, grammar)
    if not is_closed:
        raise BadSchema("a reference to something outside the schema")
    if not is_bounded:
        raise BadSchema(f"a repetition of more than {REPETITIONS_MAX}")
    if len(grammar) > GRAMMAR_CHARS_MAX:
        raise BadSchema(f"a grammar of more than {GRAMMAR_CHARS_MAX} characters")
    return grammar


def _join(match: re.Match[str]) -> str:
    """Write a character's two halves as the one escape that GBNF has for it."""
    if match[1] is None:
        return match[0]
    return f"\\U{0x10000 + ((int(match[1], 16) - 0xD800) << 10) + int(match[2], 16) - 0xDC00:08x}"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if reference is not None:
            yield str(reference)
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _bounds(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        yield from (bound for key in _BOUNDS & value.keys() if isinstance(bound := value[key], int | float))
        for item in value.values():
            yield from _bounds(item)
    elif isinstance(value, list):
        for item in value:
            yield from _bounds(item)
