"""OpenAI, and everything compatible with it, through its official SDK on our own transport.

A dialect is what differs between OpenAI itself (and vLLM, OpenRouter and the like) and Azure: paths, headers, and which
of the SDK's clients asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2
import openai
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletionChunk

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Embeddings, Finish, Piece, ProviderError, Tally, TextDelta, ToolCallDelta
from ringfence_agent.providers import openai_body as body_of
from ringfence_agent.providers.caps import EVENT_STREAM
from ringfence_agent.providers.door import JSON, Call, Door, Headers
from ringfence_agent.providers.failures import answering, next_piece, of_code, of_status, retry_after_ms
from ringfence_agent.providers.reading import call_piece, text, text_piece, tokens, vectors

CHAT_PATH: Final = "/chat/completions"
EMBEDDINGS_PATH: Final = "/embeddings"
NOT_A_KEY: Final = "set-by-the-door"
"""The SDK wants a key to start; the real one is the door's."""

_REASONS: Final = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""OpenAI API reference, "Chat completion chunk", ``finish_reason``."""
_CODES: Final = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "server_is_overloaded": 503, "slow_down": 503}
"""What an error within a stream would have been as a status; OpenAI's guide "Error codes"."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between those who speak like OpenAI."""

    target: Callable[[str, str], str]
    """Name on the wire and path below it to the path from the host's root, with its query."""
    headers: Callable[[str], Headers]
    """The table of headers."""
    client: Callable[[httpx2.AsyncClient, str], openai.AsyncOpenAI]
    """The SDK's client for a model, on a transport of ours."""


def headers(key: str) -> Headers:
    """The table of headers: OpenAI API reference, "Authentication"."""
    return ((b"Authorization", b"Bearer " + key.encode("ascii")),)


def dialect(base_url: str) -> Dialect:
    """OpenAI's own, at `base_url`: one path for all models, the model in the body."""
    root = urlsplit(base_url).path

    def client(http: httpx2.AsyncClient, _wire_model: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=NOT_A_KEY, base_url=base_url, max_retries=0, timeout=None, http_client=http)

    return Dialect(lambda _wire_model, path: root + path, headers, client)


class OpenAIProvider:
    """One configured provider."""

    def __init__(self, door: Door, dialect: Dialect, *, tokens_field: str, embeds: frozenset[str]) -> None:
        """Send through `door`.

        Args:
            door: its connections; this provider owns them.
            dialect: how it is asked.
            tokens_field: what it calls the upper bound on generated tokens.
            embeds: names on the wire of the models that embed; all others chat.
        """
        self._door = door
        self._dialect = dialect
        self._tokens_field = tokens_field
        self._embeds = embeds

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return body_of.encode(payload, wire_model, self._tokens_field)

    async def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`."""
        end_s = asyncio.get_running_loop().time() + seconds_max
        path, accept = (EMBEDDINGS_PATH, JSON) if wire_model in self._embeds else (CHAT_PATH, EVENT_STREAM)
        call = Call(self._dialect.target(wire_model, path), accept, self._dialect.headers, body)
        http = httpx2.AsyncClient(
            transport=self._door.exchange(call, tally), trust_env=False, follow_redirects=False, timeout=None
        )
        with answering(openai.APIError, translate, seconds_max):
            async with self._dialect.client(http, wire_model) as client:
                try:
                    if path == EMBEDDINGS_PATH:
                        async with asyncio.timeout_at(end_s):
                            answer = await client.post(path, cast_to=CreateEmbeddingResponse, content=body)
                        for piece in _embedded(answer, len(body_of.inputs(body))):
                            yield piece
                        return
                    async with asyncio.timeout_at(end_s):
                        stream = await client.post(
                            path,
                            cast_to=ChatCompletionChunk,
                            content=body,
                            stream=True,
                            stream_cls=openai.AsyncStream[ChatCompletionChunk],
                        )
                    chunks, reader = aiter(stream), _Reader()
                    while chunk := await next_piece(chunks, end_s, lambda: reader.ended):
                        for piece in reader.read(chunk):
                            yield piece
                    yield reader.finish()
                except openai.BadRequestError as error:
                    if error.code != "content_filter":
                        raise
                    yield Finish("content_filter", 0, 0, 0)

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._door.aclose()


def _embedded(answer: CreateEmbeddingResponse, count: int) -> Iterator[Piece]:
    """The vectors of `count` texts, then the finish."""
    ordered = sorted(answer.data, key=lambda one: one.index)
    if [one.index for one in ordered] != list(range(count)):
        raise ProviderError("bad_answer", "the provider's answer has not one vector for each text")
    yield Embeddings(vectors([one.embedding for one in ordered], count))
    yield Finish("stop", tokens(answer.usage.prompt_tokens), 0, 0)


class _Reader:
    """Chunks to pieces; keeps what the finish will say."""

    def __init__(self) -> None:
        self._reason = ""
        self._refused = False
        self._called = False
        self._usage = (0, 0, 0)

    @property
    def ended(self) -> bool:
        """Whether the provider has said why the answer ends."""
        return self._reason in _REASONS

    def read(self, chunk: ChatCompletionChunk) -> Iterator[TextDelta | ToolCallDelta]:
        """What one chunk says; a refusal is text too, and the finish tells that it was one."""
        if usage := chunk.usage:
            details = usage.prompt_tokens_details
            cached = tokens(details.cached_tokens) if details else 0
            self._usage = (tokens(usage.prompt_tokens), tokens(usage.completion_tokens), cached)
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            self._refused = self._refused or bool(delta.refusal)
            for said in (delta.content, delta.refusal):
                if said:
                    yield text_piece(said)
            for call in delta.tool_calls or ():
                function = call.function
                name, arguments = (function.name, function.arguments) if function else ("", "")
                self._called = True
                yield call_piece(call.index, call.id, name, arguments)
            self._reason = text(choice.finish_reason or self._reason)

    def finish(self) -> Finish:
        """How it ended; an answer that only stops coming did not end."""
        if not self.ended:
            raise ProviderError("bad_answer", "the provider's answer ended without saying why")
        reason = "content_filter" if self._refused else _REASONS[self._reason]
        # Where one tool had to be called, OpenAI says that the answer stopped.
        return Finish("tool_calls" if self._called and reason == "stop" else reason, *self._usage)


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
            return of_status(error.status_code, retry_after_ms(error.response.headers))
        case _:
            # Within a stream: OpenAI gives a word, OpenRouter a status.
            return of_code(_CODES.get(str(error.code), error.code))
