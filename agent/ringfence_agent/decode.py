"""From the daemon's bytes to a payload: parsed strictly, nothing in it that cannot be scanned. Pure.

Unknown fields are refused at any depth, for they would be a covert channel. Numbers are brought to where they carry
next to nothing (``ringfence_agent.numbers``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ringfence.recognize.pictures import Approved, is_known
from ringfence.v1 import egress_pb2, types_pb2
from ringfence.wire import WireError, parse
from ringfence_agent import documents, numbers
from ringfence_agent.payload import Message, Payload, PayloadError, Picture, Sampling, Tool, ToolCall

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
_INPUTS_MAX: Final = 2048
"""Texts to embed at once; OpenAI API reference, "Create embeddings"."""
_DIMENSIONS_MAX: Final = 16_384
"""No model gives longer vectors; a larger number would only carry something."""


def decode(data: bytes, approved: Approved) -> Payload:
    """The payload in `data`.

    Args:
        data: a serialised EgressPayload.
        approved: digests of the pictures that may be in it.

    Raises:
        PayloadError: unknown fields at any depth, a part that is neither text nor an approved picture (nothing here can
            read pictures, and what cannot be scanned counts as RESTRICTED), JSON that cannot be sent, numbers out of
            their range, messages and texts to embed at once, or nothing at all.
    """
    try:
        message = parse(egress_pb2.EgressPayload, data)
    except WireError as error:
        raise PayloadError(str(error)) from None
    _demand_one_task(message)
    for document in _documents(message):
        try:
            documents.parsed(document)
        except ValueError as error:
            raise PayloadError(f"a JSON part, tool arguments or a schema: {error}") from None
    return Payload(
        messages=tuple(_message(one, approved) for one in message.messages),
        tools=tuple(Tool(one.name, one.description, one.parameters_json_schema) for one in message.tools),
        tool_mode=_choose(_MODES, message.tool_choice.mode),
        tool_name=message.tool_choice.name,
        json_schema=message.response_format.json_schema,
        schema_name=message.response_format.name,
        sampling=_sampling(message.sampling),
        embedding_inputs=tuple(message.embedding_inputs),
        embedding_dimensions=message.embedding_dimensions,
    )


def _demand_one_task(message: egress_pb2.EgressPayload) -> None:
    """Refuse a payload that is for no task, or for two."""
    embeds = bool(message.embedding_inputs)
    if not embeds and not message.messages:
        raise PayloadError("a payload has at least one message, or a text to embed")
    alone = egress_pb2.EgressPayload(
        embedding_inputs=message.embedding_inputs, embedding_dimensions=message.embedding_dimensions
    )
    if embeds and message != alone:
        raise PayloadError("texts to embed come alone: no messages, tools, schema or sampling beside them")
    if len(message.embedding_inputs) > _INPUTS_MAX:
        raise PayloadError(f"more than {_INPUTS_MAX} texts to embed; send them in several requests")
    if message.embedding_dimensions > (_DIMENSIONS_MAX if embeds else 0):
        raise PayloadError(f"vectors have at most {_DIMENSIONS_MAX} dimensions, and a conversation has none")


def _documents(message: egress_pb2.EgressPayload) -> Iterator[str]:
    """What of a message must be a JSON document."""
    for one in message.messages:
        yield from (part.json for part in one.parts if part.WhichOneof("content") == "json")
        yield from (call.arguments_json for call in one.tool_calls if call.arguments_json)
    yield from (tool.parameters_json_schema for tool in message.tools if tool.parameters_json_schema)
    if message.response_format.json_schema:
        yield message.response_format.json_schema


def _message(message: types_pb2.Message, approved: Approved) -> Message:
    role = _choose(_ROLES, message.role)
    parts = tuple(_part(part, approved) for part in message.parts)
    if role != "user" and any(isinstance(part, Picture) for part in parts):
        raise PayloadError("a picture stands in a user's message, and in no other")
    return Message(
        role=role,
        parts=parts,
        name=message.name,
        tool_calls=tuple(ToolCall(call.id, call.name, call.arguments_json) for call in message.tool_calls),
        tool_call_id=message.tool_call_id,
    )


def _part(part: types_pb2.Part, approved: Approved) -> str | Picture:
    """The text of a part, or the picture that it is."""
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "json":
            return part.json
        case "image" if is_known(part.image.data, part.image.media_type, approved):
            return Picture(part.image.data, part.image.media_type)
        case "file" if part.file.media_type.startswith("text/"):
            try:
                return part.file.data.decode()
            except UnicodeDecodeError:
                raise PayloadError("a text file is not UTF-8") from None
        case _:
            raise PayloadError(
                "pictures that classification.approved_pictures does not list, and files that are no text, cannot be "
                "scanned, so they count as RESTRICTED"
            )


def _sampling(sampling: types_pb2.Sampling) -> Sampling:
    """Sampling with numbers as coarse as they need be; what providers do not know is left out."""
    given = {field.name: value for field, value in sampling.ListFields()}
    try:
        return Sampling(
            temperature=numbers.coarse("temperature", given.get("temperature")),
            top_p=numbers.coarse("top_p", given.get("top_p")),
            presence_penalty=numbers.coarse("presence_penalty", given.get("presence_penalty")),
            frequency_penalty=numbers.coarse("frequency_penalty", given.get("frequency_penalty")),
            seed=numbers.seed(given.get("seed")),
            tokens_max=numbers.tokens(given.get("tokens_max")),
            stop=tuple(sampling.stop),
            logit_bias=numbers.biases(sampling.logit_bias),
        )
    except numbers.NumberError as error:
        raise PayloadError(str(error)) from None


def _choose(table: Mapping[int, str], number: int) -> str:
    """The name of an enumeration's number."""
    if number not in table:
        raise PayloadError("a role or a tool mode is not one that the contract knows")
    return table[number]
