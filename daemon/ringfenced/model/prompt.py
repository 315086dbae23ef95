"""What a model is given: messages, tools and how tokens are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Text:
    """Text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document, as text that parses."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; nothing here can read it, so it counts as RESTRICTED unless the site approved these bytes."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class File:
    """A file; text media types are decoded at the door, anything else counts as RESTRICTED."""

    data: bytes = field(repr=False)
    media_type: str
    name: str = field(repr=False)
    text: str | None = field(repr=False)
    """The decoded text; None where it is no text."""


Part = Text | Json | Image | File


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for."""

    id: str = field(repr=False)
    name: str = field(repr=False)
    arguments_json: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str = field(repr=False)
    description: str = field(repr=False)
    parameters_json_schema: str = field(repr=False)


class ToolMode(StrEnum):
    """Whether a tool must be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None takes the model's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    tokens_max: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None
    """Give each token's log-probability, and so many of the likeliest tokens beside it; None for none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: all of the request that a target ever sees."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_mode: ToolMode = ToolMode.AUTO
    tool_name: str = ""
    json_schema: str = field(default="", repr=False)
    """JSON Schema of the answer; empty for free text."""
    schema_name: str = ""
    sampling: Sampling = Sampling()
    grammar: str = field(default="", repr=False)
    """Grammar of the answer, GBNF, instead of a schema; local targets only. Empty for free text."""
    embeds: bool = False
    """Each message is a text to embed; nothing is answered."""
