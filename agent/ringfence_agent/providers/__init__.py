"""Providers: a family is a module that talks, and one beside it that is pure and says a payload (``openai_body``).

Provider.encode    payload → the exact body; pure, and part of the judgement: what was scanned is what is sent
Provider.send      the body → deltas or vectors, then the finish; ProviderError where it fails

A family brings three things and no more: its paths, its fixed table of headers (a function of the API key), and how to
read its answers. ``make`` chooses the family; ``door`` is the one way onto the wire.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ringfence_agent.payload import Payload

if TYPE_CHECKING:
    from ringfence_agent.providers.rates import Rate


class ProviderError(Exception):
    """The provider failed. The text is the agent's own; nothing that the provider said is repeated."""

    def __init__(self, reason: str, message: str, retry_after_ms: int | None = None) -> None:
        """Describe the failure.

        Args:
            reason: ``unreachable``, ``rate_limited``, ``overloaded``, ``credentials``, ``rejected``, ``bad_answer``,
                ``too_long`` or ``deadline``.
            message: what happened and what to do.
            retry_after_ms: when to try again, where that helps.
        """
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_ms = retry_after_ms


class TextDelta(NamedTuple):
    """A piece of the answer."""

    text: str


class ToolCallDelta(NamedTuple):
    """A piece of a tool call."""

    position: int
    """Which of the answer's calls, from 0."""
    id: str
    name: str
    arguments_json: str


class Embeddings(NamedTuple):
    """Every vector of an answer, in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """How the answer ended."""

    reason: str
    """``stop``, ``length``, ``tool_calls`` or ``content_filter``."""
    prompt_tokens: int
    """As the provider counted them; 0 where it did not say, and so for the next two."""
    completion_tokens: int
    cached_tokens: int


@dataclass(slots=True)
class Tally:
    """What went over the wire for one request; filled while it runs, and true however it ends."""

    bytes_out: int = 0
    """Of the body, handed to a connection; every attempt counts."""
    bytes_in: int = 0
    """Of the answers' bodies."""
    attempts: int = 0
    """How often it was tried; a retry is one more."""
    rates: tuple[Rate, ...] = ()
    """What the last answer says is left of the provider's rates; empty where it says nothing."""
    caller: str = ""
    """Pseudonym of whose request it is: one caller's requests alone are no proof that a provider is down."""


Piece = TextDelta | ToolCallDelta | Embeddings | Finish
"""What an answer consists of."""


class Provider(Protocol):
    """One configured provider."""

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`; the same payload gives the same bytes.

        Raises:
            PayloadError: the provider has no words for it.
        """
        ...

    def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send a body that was judged, once, and stream the answer; the finish comes last.

        The path is the configuration's: it follows from the provider, the model and what the model is configured for.
        Closing the generator closes the connection.

        Raises:
            ProviderError: it failed, or took longer than `seconds_max`.
        """
        ...

    async def aclose(self) -> None:
        """Close idle connections."""
        ...
