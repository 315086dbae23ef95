"""Anthropic's Messages API, through its official SDK on our own transport. It has no embeddings.

Its stream speaks of blocks: text comes in pieces of text, a tool's arguments in pieces of JSON; what the model thinks
in blocks of its own is counted by the provider and not passed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Final
from urllib.parse import urlsplit

import anthropic
import httpx2
from anthropic.types import Message, RawMessageStreamEvent

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Finish, Piece, ProviderError, Tally, TextDelta, ToolCallDelta, anthropic_body
from ringfence_agent.providers.caps import EVENT_STREAM
from ringfence_agent.providers.door import Call, Door, Headers
from ringfence_agent.providers.failures import answering, next_piece, of_status, retry_after_ms
from ringfence_agent.providers.reading import call_piece, text, text_piece, tokens

PATH: Final = "/v1/messages"
VERSION: Final = b"2023-06-01"
"""Anthropic API reference, "Versions"."""
_NOT_A_KEY: Final = "set-by-the-door"
"""The SDK wants a key to start; the real one is the door's."""

_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Anthropic API reference, "Handling stop reasons"."""
_TYPES: Final = {
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "api_error": 500,
    "timeout_error": 408,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "not_found_error": 404,
}
"""What an error within a stream would have been as a status; Anthropic API reference, "Errors"."""


def headers(key: str) -> Headers:
    """The table of headers: Anthropic API reference, "Authentication"."""
    return ((b"anthropic-version", VERSION), (b"x-api-key", key.encode("ascii")))


class AnthropicProvider:
    """One configured provider."""

    def __init__(self, door: Door, base_url: str, *, tokens_max: int) -> None:
        """Send through `door`.

        Args:
            door: its connections; this provider owns them.
            base_url: where its API begins, without the version.
            tokens_max: upper bound on generated tokens where a payload names none.
        """
        self._door = door
        self._base_url = base_url
        self._target = urlsplit(base_url).path + PATH
        self._tokens_max = tokens_max

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return anthropic_body.encode(payload, wire_model, self._tokens_max)

    async def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`."""
        del wire_model  # it stands in the body; all models have one path
        end_s = asyncio.get_running_loop().time() + seconds_max
        http = httpx2.AsyncClient(
            transport=self._door.exchange(Call(self._target, EVENT_STREAM, headers, body), tally),
            trust_env=False,
            follow_redirects=False,
            timeout=None,
        )
        with answering(anthropic.AnthropicError, translate, seconds_max):
            async with anthropic.AsyncAnthropic(
                api_key=_NOT_A_KEY,
                base_url=self._base_url,
                max_retries=0,
                timeout=None,
                http_client=http,
                open_telemetry=False,
            ) as client:
                async with asyncio.timeout_at(end_s):
                    stream = await client.post(
                        PATH,
                        cast_to=Message,
                        content=body,
                        stream=True,
                        stream_cls=anthropic.AsyncStream[RawMessageStreamEvent],
                    )
                events, reader = aiter(stream), _Reader()
                while event := await next_piece(events, end_s, lambda: reader.ended):
                    for piece in reader.read(event):
                        yield piece
                yield reader.finish()

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._door.aclose()


class _Reader:
    """Events to pieces; keeps what the finish will say."""

    def __init__(self) -> None:
        self._reason = ""
        self._calls: dict[int, int] = {}
        self._prompt_tokens = self._completion_tokens = self._cached_tokens = 0

    @property
    def ended(self) -> bool:
        """Whether the provider has said why the answer ends."""
        return self._reason in _REASONS

    def read(self, event: RawMessageStreamEvent) -> Iterator[TextDelta | ToolCallDelta]:
        """What one event says. Cached tokens are part of the prompt here, and beside it there."""
        match event.type:
            case "message_start":
                usage = event.message.usage
                self._cached_tokens = tokens(usage.cache_read_input_tokens)
                made = tokens(usage.cache_creation_input_tokens)
                self._prompt_tokens = tokens(usage.input_tokens) + self._cached_tokens + made
                self._completion_tokens = tokens(usage.output_tokens)
            case "content_block_start" if event.content_block.type == "tool_use":
                position = self._calls.setdefault(event.index, len(self._calls))
                yield call_piece(position, event.content_block.id, event.content_block.name, "")
            case "content_block_start" if event.content_block.type == "text" and event.content_block.text:
                yield text_piece(event.content_block.text)
            case "content_block_delta" if event.delta.type == "text_delta" and event.delta.text:
                yield text_piece(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta" and event.delta.partial_json:
                yield call_piece(self._calls[event.index], "", "", event.delta.partial_json)
            case "message_delta":
                self._reason = text(event.delta.stop_reason or self._reason)
                self._completion_tokens = tokens(event.usage.output_tokens)
            case _:
                pass

    def finish(self) -> Finish:
        """How it ended; an answer that only stops coming did not end."""
        if not self.ended:
            raise ProviderError("bad_answer", "the provider's answer ended without saying why")
        return Finish(_REASONS[self._reason], self._prompt_tokens, self._completion_tokens, self._cached_tokens)


def translate(error: anthropic.AnthropicError) -> ProviderError:
    """The SDK's error as ours, without what the provider said."""
    match error:
        case anthropic.APIConnectionError() if isinstance(error.__cause__, ProviderError):
            return error.__cause__
        case anthropic.APITimeoutError():
            return ProviderError("deadline", "the provider took too long")
        case anthropic.APIConnectionError():
            return ProviderError("unreachable", "the provider cannot be reached")
        case anthropic.APIStatusError():
            # Within a stream the status is 200, and the error's type tells what it would have been.
            said = error.status_code if error.status_code >= 300 else _TYPES.get(error.type or "", 500)  # noqa: PLR2004
            return of_status(said, retry_after_ms(error.response.headers))
        case _:
            return ProviderError("bad_answer", "the provider broke off with an error in its stream")
