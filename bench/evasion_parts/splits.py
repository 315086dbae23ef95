"""Evasions of a whole request: an identifier in several messages, values, arguments or tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from evasion_parts.families import cut
from evasion_parts.seeds import Seed
from ringfenced.model import File, Json, Message, Prompt, Request, Role, Text, ToolCall

Build = Callable[[Seed, Random], Request]
"""The request that holds the identifier."""


@dataclass(frozen=True, slots=True)
class Split:
    """One way of spreading an identifier over a request."""

    name: str
    """Unique."""
    build: Build
    """Makes the request."""
    types: frozenset[str]
    """What it can be done to."""


SHAPED = frozenset({"SSN", "PAN", "IBAN", "PHONE", "EMAIL"})
GROUPED = frozenset({"SSN", "PHONE"})


def request(*messages: Message, metadata: dict[str, str] | None = None) -> Request:
    """A request of these messages."""
    return Request("r", Prompt(messages), metadata=metadata or {})


def said(text: str, role: Role = Role.USER) -> Message:
    """A message of one text."""
    return Message(role, (Text(text),))


def _value(seed: Seed) -> str:
    """Cards and accounts without blanks: a piece's own blanks at its ends would not be seen by a reader either."""
    return seed.value.replace(" ", "")


def _two_messages(seed: Seed, rng: Random) -> Request:
    left, right = cut(_value(seed), rng)
    return request(said(seed.before + left), said(right + seed.after))


def _answer_between(seed: Seed, rng: Random) -> Request:
    left, right = cut(_value(seed), rng)
    return request(said(seed.before + left), said("Go on, please.", Role.ASSISTANT), said(right + seed.after))


def _parts(seed: Seed, rng: Random) -> Request:
    pieces = cut(_value(seed), rng, 3)
    return request(Message(Role.USER, tuple(map(Text, [seed.before, *pieces, seed.after]))))


def _text_and_file(seed: Seed, rng: Random) -> Request:
    left, right = cut(_value(seed), rng)
    rest = right + seed.after
    return request(Message(Role.USER, (Text(seed.before + left), File(rest.encode(), "text/plain", "rest.txt", rest))))


def _groups(seed: Seed) -> list[str]:
    return seed.value.replace(" ", "-").split("-")


def _array(seed: Seed, _rng: Random) -> Request:
    return request(Message(Role.USER, (Json(json.dumps({"values": _groups(seed)})),)))


def _fields(seed: Seed, _rng: Random) -> Request:
    return request(Message(Role.USER, (Json(json.dumps({f"p{at}": piece for at, piece in enumerate(_groups(seed))})),)))


def _digits(seed: Seed, _rng: Random) -> Request:
    return request(Message(Role.USER, (Json(json.dumps([char for char in seed.value if char.isdigit()])),)))


def _arguments(seed: Seed, _rng: Random) -> Request:
    arguments = json.dumps({f"p{at}": piece for at, piece in enumerate(_groups(seed))})
    return request(Message(Role.ASSISTANT, (), tool_calls=(ToolCall("1", "look_up", arguments),)))


def _calls(seed: Seed, _rng: Random) -> Request:
    calls = tuple(ToolCall(str(at), "add", json.dumps({"piece": piece})) for at, piece in enumerate(_groups(seed)))
    return request(Message(Role.ASSISTANT, (), tool_calls=calls))


def _tags(seed: Seed, _rng: Random) -> Request:
    return request(said("Hello."), metadata={f"p{at}": piece for at, piece in enumerate(_groups(seed))})


def _address(seed: Seed, _rng: Random) -> Request:
    name, _, host = seed.value.partition("@")
    return request(Message(Role.USER, (Json(json.dumps({"name": name, "sign": "@", "host": host})),)))


def _escaped(seed: Seed, _rng: Random) -> Request:
    inner = json.dumps({"note": "".join(f"\\u{ord(char):04x}" for char in seed.value)})
    return request(Message(Role.USER, (Json(json.dumps({"payload": inner})),)))


SPLITS = (
    Split("over two messages", _two_messages, SHAPED),
    Split("over two messages, an answer between", _answer_between, SHAPED),
    Split("over parts of a message", _parts, SHAPED),
    Split("over a text and a file", _text_and_file, SHAPED),
    Split("groups as an array", _array, GROUPED | {"IBAN"}),
    Split("groups as fields", _fields, GROUPED | {"IBAN"}),
    Split("digits as an array", _digits, frozenset({"SSN", "PAN"})),
    Split("groups as arguments of a tool", _arguments, GROUPED | {"IBAN"}),
    Split("groups over tool calls", _calls, GROUPED | {"IBAN"}),
    Split("groups over metadata", _tags, GROUPED),
    Split("an address as fields", _address, frozenset({"EMAIL"})),
    Split("escaped JSON in JSON", _escaped, SHAPED),
)
