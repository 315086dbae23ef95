"""OpenAI, and everything compatible with its chat completions, through its official SDK on our own transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Finish, ProviderError, Tally, TextDelta, ToolCallDelta, openai_body
from ringfence_agent.providers.door import Door

_REASONS: Final = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_STATUS: Final = {
    401: ("credentials", "the provider does not accept the agent's API key; renew api_key_file"),
    403: ("credentials", "the provider does not allow the agent's API key to do this"),
    404: ("rejected", "the provider knows no such model or path; see base_url and models"),
    429: ("rate_limited", "the provider limits how often it may be asked"),
    503: ("overloaded", "the provider has too much to do"),
}
_NOT_A_KEY: Final = "set-by-the-door"
"""The SDK wants a key to start; the real one is the door's."""


class OpenAIProvider:
    """One configured provider."""

    def __init__(self, door: Door, base_url: str, tokens_field: str) -> None:
        """Send through `door`.

        Args:
            door: its connections; this provider owns them.
            base_url: where its API begins.
            tokens_field: what it calls the upper bound on generated tokens.
        """
        self._door = door
        self._base_url = base_url
        self._tokens_field = tokens_field

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return openai_body.encode(payload, wire_model, self._tokens_field)

    async def send(
        self, body: bytes, tally: Tally, seconds_max: float
    ) -> AsyncGenerator[TextDelta | ToolCallDelta | Finish, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`."""
        end_s = asyncio.get_running_loop().time() + seconds_max
        http = httpx2.AsyncClient(
            transport=self._door.exchange(body, tally), trust_env=False, follow_redirects=False, timeout=None
        )
        async with openai.AsyncOpenAI(
            api_key=_NOT_A_KEY, base_url=self._base_url, max_retries=0, timeout=None, http_client=http
        ) as client:
            try:
                async with asyncio.timeout_at(end_s):
                    stream = await client.post(
                        "/chat/completions",
                        cast_to=ChatCompletionChunk,
                        content=body,
                        stream=True,
                        stream_cls=openai.AsyncStream[ChatCompletionChunk],
                    )
                chunks = aiter(stream)
                reader = _Reader()
                while chunk := await _next(chunks, reader, end_s):
                    for event in reader.read(chunk):
                        yield event
                yield reader.finish()
            except TimeoutError:
                raise ProviderError("deadline", f"the provider took longer than {seconds_max:.1f} s") from None
            except openai.APIError as error:
                raise translate(error) from None
            except (ValueError, TypeError, AttributeError):
                raise ProviderError("bad_answer", "the provider's answer is no stream of chat completions") from None

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._door.aclose()


async def _next(
    chunks: AsyncIterator[ChatCompletionChunk], reader: _Reader, end_s: float
) -> ChatCompletionChunk | None:
    """The next chunk; None after the last. A connection that breaks once the answer has ended breaks nothing."""
    try:
        async with asyncio.timeout_at(end_s):
            return await anext(chunks, None)
    except ProviderError as error:
        if reader.ended and error.reason == "bad_answer":
            return None
        raise


class _Reader:
    """Chunks to events; keeps what the finish will say."""

    def __init__(self) -> None:
        self._reason = ""
        self._usage = (0, 0, 0)

    @property
    def ended(self) -> bool:
        """Whether the provider has said why the answer ends."""
        return self._reason in _REASONS

    def read(self, chunk: ChatCompletionChunk) -> list[TextDelta | ToolCallDelta]:
        """What one chunk says."""
        events: list[TextDelta | ToolCallDelta] = []
        if usage := chunk.usage:
            details = usage.prompt_tokens_details
            cached = (details.cached_tokens or 0) if details else 0
            self._usage = (usage.prompt_tokens, usage.completion_tokens, cached)
        for choice in chunk.choices[:1]:
            if choice.delta.content:
                events.append(TextDelta(choice.delta.content))
            for call in choice.delta.tool_calls or ():
                function = call.function
                name, arguments = (function.name or "", function.arguments or "") if function else ("", "")
                events.append(ToolCallDelta(call.index, call.id or "", name, arguments))
            self._reason = choice.finish_reason or self._reason
        return events

    def finish(self) -> Finish:
        """How it ended; an answer that only stops coming did not end."""
        if not self.ended:
            raise ProviderError("bad_answer", "the provider's answer ended without saying why")
        return Finish(_REASONS[self._reason], *self._usage)


def translate(error: openai.APIError) -> ProviderError:
    """The SDK's error as ours, without what the provider said."""
    match error:
        case openai.APIConnectionError() if isinstance(error.__cause__, ProviderError):
            return error.__cause__
        case openai.APITimeoutError():
            return ProviderError("deadline", "the provider took too long")
        case openai.APIConnectionError():
            return ProviderError("unreachable", "the provider cannot be reached")
        case openai.APIStatusError():
            return _of_status(error.status_code, _retry_after_ms(error.response.headers))
        case _:
            return ProviderError("bad_answer", "the provider broke off with an error in its stream")


def _of_status(status: int, retry_after_ms: int | None) -> ProviderError:
    """What a status says (RFC 9110, section 15)."""
    if status in _STATUS:
        return ProviderError(*_STATUS[status], retry_after_ms)
    match status // 100:
        case 3:
            return ProviderError("bad_answer", "the provider redirects elsewhere, which is never followed")
        case 5:
            return ProviderError("overloaded", f"the provider failed with status {status}", retry_after_ms)
        case _:
            return ProviderError("rejected", f"the provider rejects the request with status {status}")


def _retry_after_ms(headers: httpx2.Headers) -> int | None:
    """What ``Retry-After`` says, in seconds (RFC 9110, section 10.2.3); dates are not read."""
    seconds = headers.get("retry-after", "")
    return min(int(seconds), 3600) * 1000 if seconds.isdecimal() and seconds.isascii() else None
