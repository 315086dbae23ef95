"""What a target answers, in pieces and whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ringfenced.model.prompt import ToolCall


class FinishReason(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run used."""

    prompt_tokens: int
    """Tokens of the prompt."""
    completion_tokens: int
    """Tokens of the answer."""
    cached_tokens: int = 0
    """Of the prompt's, those that a cache answered."""
    time_to_first_token_us: int = 0
    """To the first token, from the start of the run; 0 where it was not measured."""
    duration_us: int = 0
    """Of the whole run."""
    logprob_min: float | None = None
    """Lowest log-probability of a generated token; None where the target gives none."""


class TokenLogprob(NamedTuple):
    """One token of an answer, with how likely the model found it."""

    text: str
    """Empty for a token that is part of a character."""
    data: bytes
    """Its bytes."""
    logprob: float
    """Natural logarithm of its probability, in the model's own distribution."""
    likeliest: tuple[TokenLogprob, ...] = ()
    """The likeliest tokens in its place, likeliest first."""

    def __repr__(self) -> str:
        """Without the text."""
        return f"TokenLogprob(logprob={self.logprob})"


class TextDelta(NamedTuple):
    """A piece of the answer; a named tuple because one is made per message on the hot path."""

    text: str
    """What it says."""
    tokens: int
    """How many tokens it stands for; 0 where the target does not say."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of its tokens, where the request asked for them."""

    def __repr__(self) -> str:
        """Without the text."""
        return f"TextDelta(tokens={self.tokens})"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; `id` and `name` come with the first piece of each."""

    index: int
    """Which call of the answer it belongs to, from 0."""
    id: str
    """The call's; empty in further pieces."""
    name: str = field(repr=False)
    """The tool's; empty in further pieces."""
    arguments_json: str = field(repr=False)
    """What it adds to the arguments' text."""


Delta = TextDelta | ToolCallDelta


@dataclass(frozen=True, slots=True)
class Finish:
    """How a run ended."""

    reason: FinishReason
    """Why it ended."""
    usage: Usage
    """What it used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rung answered, whole, for those who judge it."""

    text: str = field(repr=False)
    """Everything it said."""
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)
    """The calls that it asked for."""
    logprobs: tuple[float, ...] = ()
    """Of each token, where the target gave them."""

    @classmethod
    def of(cls, said: Iterable[object]) -> Answer:
        """What was said, put together from its deltas; other events are passed over."""
        texts: list[TextDelta] = []
        calls: dict[int, ToolCall] = {}
        for event in said:
            if isinstance(event, TextDelta):
                texts.append(event)
            elif isinstance(event, ToolCallDelta):
                before = calls.get(event.index, ToolCall("", "", ""))
                calls[event.index] = ToolCall(
                    before.id or event.id, before.name or event.name, before.arguments_json + event.arguments_json
                )
        return cls(
            text="".join(piece.text for piece in texts),
            tool_calls=tuple(calls[index] for index in sorted(calls)),
            logprobs=tuple(one.logprob for piece in texts for one in piece.logprobs),
        )


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an engine made of texts to embed."""

    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    """One an input, of length 1."""
    usage: Usage
    """What making them used."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """The embeddings of a request's inputs, in their order."""

    values: tuple[tuple[float, ...], ...] = field(repr=False)
    """One an input."""
