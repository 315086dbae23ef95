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
    """What it says."""


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document, as text that parses."""

    text: str = field(repr=False)
    """The document."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; nothing here can read it, so it counts as RESTRICTED unless the site approved these bytes."""

    data: bytes = field(repr=False)
    """Its bytes."""
    media_type: str = field(repr=False)
    """For example ``image/png``."""


@dataclass(frozen=True, slots=True)
class File:
    """A file; text media types are decoded at the door, anything else counts as RESTRICTED."""

    data: bytes = field(repr=False)
    """Its bytes."""
    media_type: str = field(repr=False)
    """For example ``text/csv``."""
    name: str = field(repr=False)
    """The file's; empty for none."""
    text: str | None = field(repr=False)
    """The decoded text; None where it is no text."""


Part = Text | Json | Image | File


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for."""

    id: str = field(repr=False)
    """What the answer to it names it by."""
    name: str = field(repr=False)
    """The tool's."""
    arguments_json: str = field(repr=False)
    """The arguments, a JSON document."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    """Who speaks."""
    parts: tuple[Part, ...]
    """What is said, in order."""
    name: str = field(default="", repr=False)
    """The speaker's; empty for none."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Of the assistant: calls that it asked for."""
    tool_call_id: str = field(default="", repr=False)
    """Of a tool: the call that it answers."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str = field(repr=False)
    """What calls name it by."""
    description: str = field(repr=False)
    """What it does, for the model."""
    parameters_json_schema: str = field(repr=False)
    """JSON Schema of its arguments."""


class ToolMode(StrEnum):
    """Whether a tool must be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None takes the model's default."""

    temperature: float | None = None
    """How freely: 0 takes the likeliest token."""
    top_p: float | None = None
    """Only the likeliest tokens that together have this probability."""
    top_k: int | None = None
    """Only so many of the likeliest tokens."""
    min_p: float | None = None
    """Only tokens at least so likely, as a share of the likeliest one's probability."""
    presence_penalty: float | None = None
    """Taken off the logit of each token that was said already."""
    frequency_penalty: float | None = None
    """The same, for each time that it was said."""
    repeat_penalty: float | None = None
    """Makes what was said already less likely by this factor; 1 for no difference."""
    seed: int | None = None
    """Seed of the draws."""
    tokens_max: int | None = None
    """Most tokens of the answer; None for what the context leaves."""
    stop: tuple[str, ...] = field(default=(), repr=False)
    """The answer ends before the first of these."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Tokens by their ids, and what is added to their logits."""
    logprobs: int | None = None
    """Give each token's log-probability, and so many of the likeliest tokens beside it; None for none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: all of the request that a target ever sees."""

    messages: tuple[Message, ...]
    """The conversation, in order."""
    tools: tuple[Tool, ...] = ()
    """What the model may call."""
    tool_mode: ToolMode = ToolMode.AUTO
    """Whether it must."""
    tool_name: str = field(default="", repr=False)
    """The one tool that it must call; empty for any."""
    json_schema: str = field(default="", repr=False)
    """JSON Schema of the answer; empty for free text."""
    schema_name: str = field(default="", repr=False)
    """A name for the schema, for providers that ask for one."""
    sampling: Sampling = Sampling()
    """How tokens are drawn."""
    grammar: str = field(default="", repr=False)
    """Grammar of the answer, GBNF, instead of a schema; local targets only. Empty for free text."""
    embeds: bool = False
    """Each message is a text to embed; nothing is answered."""
