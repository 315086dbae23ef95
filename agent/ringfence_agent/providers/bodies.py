"""What the bodies of several families have in common: one way to write JSON, and turns that must alternate. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from ringfence_agent.payload import Message, Payload, PayloadError

Json = dict[str, Any]


def dump(body: Json) -> bytes:
    """The exact bytes of a body: fields in the order given, no spaces, UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def set_only(fields: Json) -> Json:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def an_object(document: str, what: str) -> Json:
    """A JSON document that must be an object; the empty one where there is none.

    Raises:
        PayloadError: it is not.
    """
    value = json.loads(document) if document else {}
    if not isinstance(value, dict):
        raise PayloadError(f"{what} must be a JSON object for this provider")
    return value


def system_texts(payload: Payload) -> list[str]:
    """What the system says, from all its messages in order; providers that have one place for it get it there."""
    return [text for message in payload.messages if message.role == "system" for text in message.texts if text]


def turns(
    messages: Iterable[Message], role_of: Callable[[str], str], parts_of: Callable[[Message], list[Json]]
) -> list[tuple[str, list[Json]]]:
    """Turns that alternate: what one role says in a row is one turn, and what says nothing is none.

    Args:
        messages: of a payload; those of the system are left out.
        role_of: the payload's role to the provider's, for example a tool's to the user's.
        parts_of: what a message says.
    """
    said = [(role_of(one.role), parts_of(one)) for one in messages if one.role != "system"]
    return [
        (role, [part for _, parts in group for part in parts])
        for role, group in groupby(((role, parts) for role, parts in said if parts), key=lambda turn: turn[0])
    ]
