"""What the daemon hands over, as values of the agent's own, and every string of it that a scan has to see. Pure.

A payload is a conversation or texts to embed, never both. A picture in it is one that the site approved, byte for byte.
``ringfence_agent.decode`` makes these values; the provider's request is rebuilt from them alone
(``ringfence_agent.providers``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence_agent import documents


class PayloadError(ValueError):
    """The payload is not what the contract allows; the text names no content."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that the site approved."""

    data: bytes = field(repr=False)
    media_type: str
    """``image/png``, ``image/jpeg``, ``image/gif`` or ``image/webp``; as its first bytes show."""

    def base64(self) -> str:
        """Its bytes as text (RFC 4648, section 4)."""
        return base64.b64encode(self.data).decode("ascii")

    def base64url(self) -> str:
        """The same with the alphabet for URLs (RFC 4648, section 5), as Google's SDK writes bytes."""
        return base64.urlsafe_b64encode(self.data).decode("ascii")

    def data_url(self) -> str:
        """The same as a URL (RFC 2397)."""
        return f"data:{self.media_type};base64,{self.base64()}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for earlier in the conversation."""

    id: str
    name: str
    arguments_json: str
    """Parses."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; its parts are text, or pictures that the site approved."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``."""
    parts: tuple[str | Picture, ...]
    """Texts, JSON documents, text files and pictures, in their order. Pictures are shown by users alone."""
    name: str
    tool_calls: tuple[ToolCall, ...]
    tool_call_id: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts that are text."""
        return tuple(part for part in self.parts if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The parts that are none."""
        return tuple(part for part in self.parts if isinstance(part, Picture))


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
    logit_bias: tuple[tuple[int, int], ...]


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
    embedding_inputs: tuple[str, ...] = ()
    """Texts to embed; then there is nothing else."""
    embedding_dimensions: int = 0
    """Length of each vector; 0 for the model's own."""

    @property
    def task(self) -> str:
        """``chat`` or ``embeddings``: which kind of model it is for."""
        return "embeddings" if self.embedding_inputs else "chat"


def leaves(payload: Payload) -> Iterator[str]:
    """Every string of a payload, those inside JSON documents too; a number counts as its digits.

    A message's texts come one by one and joined, and so do texts to embed, so that nothing hides in two halves.
    """
    for message in payload.messages:
        yield from (message.name, message.tool_call_id, *message.texts, "".join(message.texts))
        for call in message.tool_calls:
            yield from (call.id, call.name, call.arguments_json)
    for tool in payload.tools:
        yield from (tool.name, tool.description, tool.parameters_json_schema)
    yield from (payload.tool_name, payload.json_schema, payload.schema_name, *payload.sampling.stop)
    yield from (*payload.embedding_inputs, "".join(payload.embedding_inputs))
    for document in _json_texts(payload):
        yield from documents.leaves(document)


def known_leaves(payload: Payload) -> Iterator[str]:
    """What stands in a body for pictures: the site approved these bytes, so that no scan needs to look at them."""
    for message in payload.messages:
        for picture in message.pictures:
            yield from (picture.base64(), picture.base64url(), picture.data_url())


def _json_texts(payload: Payload) -> Iterator[str]:
    """What of a payload is a JSON document; texts that happen to be one are among them."""
    for message in payload.messages:
        yield from (text for text in message.texts if documents.is_json(text))
        yield from (call.arguments_json for call in message.tool_calls if call.arguments_json)
    yield from (tool.parameters_json_schema for tool in payload.tools if tool.parameters_json_schema)
    if payload.json_schema:
        yield payload.json_schema
    yield from (text for text in payload.embedding_inputs if documents.is_json(text))
