"""What the strings of a payload say together: an identifier that is cut in two and stands in none of them alone. Pure.

The daemon reads messages and documents so (``ringfence.recognize.joined``, which says what counts); a rogue one cuts
where it would not look. So here every string of the payload is read on into the next, whatever field it stands in, and
into the next of its own kind: descriptions, names, ids, constants of a schema, stop strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, islice

from ringfence.recognize import joined
from ringfence.recognize.joined import Piece
from ringfence.recognize.place import Place
from ringfence_agent.payload import Payload

_PIECES_MAX = 20_000
"""More strings than this are read on no further: a request of so many is a table, and each of them is scanned."""


def texts(payload: Payload) -> Iterator[str]:
    """Texts to scan beside the payload's own strings; each with what a reader knows of it before."""
    said, named = list(islice(_said(payload), _PIECES_MAX)), list(islice(_named(payload), _PIECES_MAX))
    values = islice((piece for group in _documents(payload) for piece in group), _PIECES_MAX)
    found = (
        *joined.texts([(piece.container, piece) for piece in said]),
        *joined.texts([(piece.container, piece) for piece in named]),
        *joined.values(values),
        *joined.values(sorted((*said, *named), key=lambda piece: piece.container)),
    )
    for one in found:
        yield f"{one.context.replace('_', ' ')}: {one.text}" if one.context else one.text


def _said(payload: Payload) -> Iterator[Piece]:
    """What is said in words, in order; its container is the kind of field."""
    for message in payload.messages:
        yield from (_piece(text, message.role) for text in message.texts if text)
        for call in message.tool_calls:
            yield from _constants(call.arguments_json)
    for tool in payload.tools:
        yield from _filled("description", tool.description)
        yield from _constants(tool.parameters_json_schema)
    yield from _constants(payload.json_schema)
    for stop in payload.sampling.stop:
        yield from _filled("stop", stop)
    for text in payload.embedding_inputs:
        yield from _filled("input", text)


def _named(payload: Payload) -> Iterator[Piece]:
    """Names and ids, likewise."""
    for message in payload.messages:
        yield from (*_filled("name", message.name), *_filled("answered", message.tool_call_id))
        for call in message.tool_calls:
            yield from (*_filled("call", call.id), *_filled("called", call.name))
    for tool in payload.tools:
        yield from _filled("tool", tool.name)
    yield from (*_filled("tool", payload.tool_name), *_filled("schema", payload.schema_name))


def _filled(kind: str, text: str) -> Iterator[Piece]:
    """A field that is not empty."""
    if text:
        yield _piece(text, kind)


def _constants(document: str) -> Iterator[Piece]:
    """Strings of a document that are words, and what follows words: figures alone are a table's, see `_values`."""
    after_words = False
    for piece in _values("", document):
        is_words = any(map(str.isalpha, piece.text))
        if not piece.is_number and (is_words or after_words):
            yield _piece(piece.text, "constant")
        after_words = is_words


def _documents(payload: Payload) -> Iterator[Iterator[Piece]]:
    """The values of each document; arguments of several calls are read on from one to the next."""
    for index, message in enumerate(payload.messages):
        yield from (_values(f"{index}.{at}", text) for at, text in enumerate(message.texts))
    for message in payload.messages:
        yield from (_values("calls", call.arguments_json) for call in message.tool_calls)
    for index, tool in enumerate(payload.tools):
        yield _values(f"tool{index}", tool.parameters_json_schema)
    yield _values("answer", payload.json_schema)
    yield from (_values(f"input{index}", text) for index, text in enumerate(payload.embedding_inputs))


def _values(name: str, document: str) -> Iterator[Piece]:
    """The values of a document, in order; none where it is none. `name` is part of what tells containers apart."""
    if document[:1] not in ("{", "[", '"'):
        return
    try:
        parsed = json.loads(document, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return
    containers = count()
    left: list[tuple[object, str, int]] = [(parsed, "", next(containers))]
    while left:
        value, key, container = left.pop()
        match value:
            case tuple() as pairs:
                inner = next(containers)
                left.extend((item, above, inner) for above, item in reversed(pairs))
            case list() as items:
                inner = next(containers)
                left.extend((item, key, inner) for item in reversed(items))
            case str() as text:
                yield _piece(text, f"{name}.{container}", key)
            case bool() | None:
                continue
            case _:
                yield _piece(str(value), f"{name}.{container}", key, is_number=True)


def _piece(text: str, container: str, key: str = "", *, is_number: bool = False) -> Piece:
    """A piece; where it stands is of no concern here."""
    return Piece("", text, key, Place("", 0, len(text), 0), container, is_number)
