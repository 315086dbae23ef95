"""What the daemon hands over, as values of the agent's own: parsed strictly, nothing in it that cannot be scanned.

The provider's request is rebuilt from these values alone (``ringfence_agent.providers``). Numbers are brought to the
precision that providers use, so that their low digits carry nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.v1 import egress_pb2, types_pb2
from ringfence.wire import WireError, parse

_ROLES: Final[Mapping[int, str]] = {
    types_pb2.ROLE_SYSTEM: "system",
    types_pb2.ROLE_USER: "user",
    types_pb2.ROLE_ASSISTANT: "assistant",
    types_pb2.ROLE_TOOL: "tool",
}
_MODES: Final[Mapping[int, str]] = {
    types_pb2.ToolChoice.MODE_UNSPECIFIED: "auto",
    types_pb2.ToolChoice.MODE_AUTO: "auto",
    types_pb2.ToolChoice.MODE_NONE: "none",
    types_pb2.ToolChoice.MODE_REQUIRED: "required",
}
_FLOAT_DIGITS: Final = 4
_SEED_MAX: Final = 2**32


class PayloadError(ValueError):
    """The payload is not what the contract allows; the text names no content."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for earlier in the conversation."""

    id: str
    name: str
    arguments_json: str
    """Parses."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; its parts are all text."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``."""
    texts: tuple[str, ...]
    """Texts, JSON documents and text files, in their order."""
    name: str
    tool_calls: tuple[ToolCall, ...]
    tool_call_id: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str
    description: str
    parameters_json_schema: str
    """Parses; empty for none."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None takes the provider's default."""

    temperature: float | None
    top_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    seed: int | None
    tokens_max: int | None
    stop: tuple[str, ...]
    logit_bias: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Payload:
    """All that a provider will see."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    tool_mode: str
    """``auto``, ``none`` or ``required``."""
    tool_name: str
    """With ``required``: the one tool; empty for any."""
    json_schema: str
    """Of the answer; parses; empty for free text."""
    schema_name: str
    sampling: Sampling


def decode(data: bytes) -> Payload:
    """The payload in `data`.

    Raises:
        PayloadError: unknown fields at any depth, a part that is no text (nothing here can read pictures, and what
            cannot be scanned counts as RESTRICTED), JSON that does not parse, or nothing at all.
    """
    try:
        message = parse(egress_pb2.EgressPayload, data)
    except WireError as error:
        raise PayloadError(str(error)) from None
    if not message.messages:
        raise PayloadError("a payload has at least one message")
    for document in _documents(message):
        _demand_json(document)
    return Payload(
        messages=tuple(_message(one) for one in message.messages),
        tools=tuple(Tool(one.name, one.description, one.parameters_json_schema) for one in message.tools),
        tool_mode=_choose(_MODES, message.tool_choice.mode),
        tool_name=message.tool_choice.name,
        json_schema=message.response_format.json_schema,
        schema_name=message.response_format.name,
        sampling=_sampling(message.sampling),
    )


def leaves(payload: Payload) -> Iterator[str]:
    """Every string of a payload, those inside JSON documents too; a number counts as its digits.

    A message's texts come one by one and joined, so that nothing hides in two halves.
    """
    for message in payload.messages:
        yield from (message.name, message.tool_call_id, *message.texts, "".join(message.texts))
        for call in message.tool_calls:
            yield from (call.id, call.name, call.arguments_json)
    for tool in payload.tools:
        yield from (tool.name, tool.description, tool.parameters_json_schema)
    yield from (payload.tool_name, payload.json_schema, payload.schema_name, *payload.sampling.stop)
    for document in _json_texts(payload):
        yield from json_leaves(document)


def json_leaves(document: str | bytes) -> Iterator[str]:
    """Every string of a JSON document, keys too, also those under a key that comes twice; numbers as their digits."""
    return _walk(json.loads(document, object_pairs_hook=tuple))


def _walk(value: object) -> Iterator[str]:
    """The leaves of a parsed document; objects are tuples of pairs."""
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float():
            yield str(value)
        case list() | tuple():
            for item in value:
                yield from _walk(item)


def _json_texts(payload: Payload) -> Iterator[str]:
    """What of a payload is a JSON document; texts that happen to be one are among them."""
    for message in payload.messages:
        yield from (text for text in message.texts if _is_json(text))
        yield from (call.arguments_json for call in message.tool_calls if call.arguments_json)
    yield from (tool.parameters_json_schema for tool in payload.tools if tool.parameters_json_schema)
    if payload.json_schema:
        yield payload.json_schema


def _documents(message: egress_pb2.EgressPayload) -> Iterator[str]:
    """What of a message must be a JSON document."""
    for one in message.messages:
        yield from (part.json for part in one.parts if part.WhichOneof("content") == "json")
        yield from (call.arguments_json for call in one.tool_calls if call.arguments_json)
    yield from (tool.parameters_json_schema for tool in message.tools if tool.parameters_json_schema)
    if message.response_format.json_schema:
        yield message.response_format.json_schema


def _demand_json(text: str) -> None:
    """Refuse what nobody can take apart."""
    if not _is_json(text):
        raise PayloadError("a JSON part, tool arguments or a schema do not parse as JSON")


def _is_json(text: str) -> bool:
    """Whether `text` is a JSON document; nesting too deep to walk is none."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _message(message: types_pb2.Message) -> Message:
    return Message(
        role=_choose(_ROLES, message.role),
        texts=tuple(_text(part) for part in message.parts),
        name=message.name,
        tool_calls=tuple(ToolCall(call.id, call.name, call.arguments_json) for call in message.tool_calls),
        tool_call_id=message.tool_call_id,
    )


def _text(part: types_pb2.Part) -> str:
    """The text of a part."""
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "json":
            return part.json
        case "file" if part.file.media_type.startswith("text/"):
            try:
                return part.file.data.decode()
            except UnicodeDecodeError:
                raise PayloadError("a text file is not UTF-8") from None
        case _:
            raise PayloadError("pictures and files that are no text cannot be scanned, so they count as RESTRICTED")


def _sampling(sampling: types_pb2.Sampling) -> Sampling:
    """Sampling with numbers as coarse as they need be; what providers do not know is left out."""
    seed = sampling.seed if sampling.HasField("seed") else None
    if seed is not None and seed >= _SEED_MAX:
        raise PayloadError(f"a seed is smaller than {_SEED_MAX}")
    return Sampling(
        temperature=_coarse(sampling.temperature, given=sampling.HasField("temperature")),
        top_p=_coarse(sampling.top_p, given=sampling.HasField("top_p")),
        presence_penalty=_coarse(sampling.presence_penalty, given=sampling.HasField("presence_penalty")),
        frequency_penalty=_coarse(sampling.frequency_penalty, given=sampling.HasField("frequency_penalty")),
        seed=seed,
        tokens_max=sampling.tokens_max if sampling.HasField("tokens_max") else None,
        stop=tuple(sampling.stop),
        logit_bias=tuple((token, round(bias, _FLOAT_DIGITS)) for token, bias in sorted(sampling.logit_bias.items())),
    )


def _coarse(value: float, *, given: bool) -> float | None:
    """An optional number, rounded."""
    return round(value, _FLOAT_DIGITS) if given else None


def _choose(table: Mapping[int, str], number: int) -> str:
    """The name of an enumeration's number."""
    if number not in table:
        raise PayloadError("a role or a tool mode is not one that the contract knows")
    return table[number]
