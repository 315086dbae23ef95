"""Google's Gemini API, through its official SDK on our own transport.

The SDK's client is made once, for making it takes longer than many an answer; so its transport is a relay that hands
each request to the one exchange whose number it bears, in a header that never leaves. The SDK writes the body itself,
from the judged JSON; the exchange compares, and sends the judged bytes.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from itertools import count
from typing import Final
from urllib.parse import quote, urlsplit

import httpx2
from google import genai
from google.genai import errors, types

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Embeddings, Finish, Piece, ProviderError, Tally, TextDelta, ToolCallDelta
from ringfence_agent.providers import gemini_body as body_of
from ringfence_agent.providers.caps import EVENT_STREAM
from ringfence_agent.providers.door import JSON, Call, Door, Exchange, Headers
from ringfence_agent.providers.failures import HINT_MS_MAX, answering, next_piece, of_code, retry_after_ms
from ringfence_agent.providers.reading import call_piece, text_piece, tokens, vectors

VERSION: Final = "v1beta"
"""The version of the API that has tools and schemas; Gemini API reference, "API versions explained"."""
_GENERATE: Final = ("streamGenerateContent?alt=sse", EVENT_STREAM)
_EMBED: Final = ("batchEmbedContents", JSON)
"""A method of a model, and the media type of its answer."""
_NUMBER: Final = "x-ringfence-exchange"
_NOT_A_KEY: Final = "set-by-the-door"
"""The SDK wants a key to start; the real one is the door's."""

_REASONS: Final = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Gemini API reference, "FinishReason"; the others are failures of the model."""
_DELAY: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def headers(key: str) -> Headers:
    """The table of headers: Gemini API reference, "Authentication"."""
    return ((b"x-goog-api-key", key.encode("ascii")),)


class GeminiProvider:
    """One configured provider."""

    def __init__(self, door: Door, base_url: str, *, embeds: frozenset[str]) -> None:
        """Send through `door`.

        Args:
            door: its connections; this provider owns them.
            base_url: where its API begins, without the version.
            embeds: names on the wire of the models that embed; all others chat.
        """
        self._door = door
        self._root = f"{urlsplit(base_url).path}/{VERSION}/models/"
        self._embeds = embeds
        self._relay = _Relay()
        self._http = httpx2.AsyncClient(transport=self._relay, trust_env=False, follow_redirects=False, timeout=None)
        options = types.HttpOptions(
            base_url=base_url,
            api_version=VERSION,
            httpx_client=httpx2.Client(transport=httpx2.BaseTransport(), trust_env=False),
            httpx_async_client=self._http,
        )
        self._models = genai.Client(vertexai=False, api_key=_NOT_A_KEY, http_options=options).aio.models

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return body_of.encode(payload, wire_model)

    async def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`."""
        end_s = asyncio.get_running_loop().time() + seconds_max
        embeds = wire_model in self._embeds
        method, accept = _EMBED if embeds else _GENERATE
        call = Call(f"{self._root}{quote(wire_model, safe='')}:{method}", accept, headers, body)
        exchange = self._door.exchange(call, tally)
        with answering(errors.APIError, translate, seconds_max), self._relay.lent(exchange) as number:
            async with aclosing(exchange):
                options = types.HttpOptions(extra_body=json.loads(body), headers={_NUMBER: number})
                if embeds:
                    async with asyncio.timeout_at(end_s):
                        answer = await self._models.embed_content(
                            model=wire_model, contents=["."], config=types.EmbedContentConfig(http_options=options)
                        )
                    said = [one.values or () for one in answer.embeddings or ()]
                    yield Embeddings(vectors(said, body_of.inputs(body)))
                    yield Finish("stop", 0, 0, 0)
                    return
                async with asyncio.timeout_at(end_s):
                    chunks = aiter(
                        await self._models.generate_content_stream(
                            model=wire_model, contents=".", config=_config(options)
                        )
                    )
                reader = _Reader()
                while chunk := await next_piece(chunks, end_s, lambda: reader.ended):
                    for piece in reader.read(chunk):
                        yield piece
                yield reader.finish()

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._http.aclose()
        await self._door.aclose()


def _config(options: types.HttpOptions) -> types.GenerateContentConfig:
    """One request and no more: the SDK calls no function, and asks for no continuation, by itself."""
    return types.GenerateContentConfig(
        http_options=options,
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


class _Relay(httpx2.AsyncBaseTransport):
    """The SDK's one transport."""

    def __init__(self) -> None:
        self._numbers = count()
        self._exchanges: dict[str, Exchange] = {}

    @contextmanager
    def lent(self, exchange: Exchange) -> Iterator[str]:
        """The number under which requests reach `exchange`, for as long as the context is open."""
        number = str(next(self._numbers))
        self._exchanges[number] = exchange
        try:
            yield number
        finally:
            del self._exchanges[number]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Hand a request on; one without a number goes nowhere."""
        exchange = self._exchanges.get(request.headers.get(_NUMBER, ""))
        if exchange is None:
            raise ProviderError("bad_answer", "the SDK tried to send something that was not judged; nothing was sent")
        return await exchange.handle_async_request(request)


class _Reader:
    """Chunks to pieces; keeps what the finish will say."""

    def __init__(self) -> None:
        self._reason = ""
        self._calls = 0
        self._usage = (0, 0, 0)

    @property
    def ended(self) -> bool:
        """Whether the provider has said why the answer ends."""
        return self._reason in _REASONS

    def read(self, chunk: types.GenerateContentResponse) -> Iterator[TextDelta | ToolCallDelta]:
        """What one chunk says; what the model thinks is counted and not passed on."""
        if usage := chunk.usage_metadata:
            made = tokens(usage.candidates_token_count) + tokens(usage.thoughts_token_count)
            self._usage = (tokens(usage.prompt_token_count), made, tokens(usage.cached_content_token_count))
        if (feedback := chunk.prompt_feedback) and feedback.block_reason:
            self._reason = "SAFETY"
        for candidate in (chunk.candidates or ())[:1]:
            for part in (candidate.content.parts or ()) if candidate.content else ():
                if part.text and not part.thought:
                    yield text_piece(part.text)
                if part.function_call:
                    yield self._call(part.function_call)
            if candidate.finish_reason:
                self._reason = str(candidate.finish_reason.value)

    def _call(self, call: types.FunctionCall) -> ToolCallDelta:
        """A whole call, for they come in one piece; one without a name of its own is called by its place."""
        position, self._calls = self._calls, self._calls + 1
        return call_piece(
            position, call.id or f"call-{position}", call.name, json.dumps(call.args or {}, ensure_ascii=False)
        )

    def finish(self) -> Finish:
        """How it ended; an answer that only stops coming did not end."""
        if not self.ended:
            raise ProviderError("bad_answer", "the provider's answer ended without saying why, or the model failed")
        reason = _REASONS[self._reason]
        return Finish("tool_calls" if self._calls and reason == "stop" else reason, *self._usage)


def translate(error: errors.APIError) -> ProviderError:
    """The SDK's error as ours, without what the provider said."""
    said = getattr(error.response, "headers", None) or {}
    hint = retry_after_ms(said)
    return of_code(error.code, hint if hint is not None else _retry_info_ms(error.details))


def _retry_info_ms(details: object) -> int | None:
    """When to try again, as google.rpc.RetryInfo says it in an error's details: seconds with a fraction, then ``s``.

    Sources: google/rpc/error_details.proto; Protocol Buffers, "JSON Mapping", Duration.
    """
    error = details.get("error") if isinstance(details, dict) else None
    listed = error.get("details") if isinstance(error, dict) else None
    for detail in listed if isinstance(listed, list) else ():
        said = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(said, str) and (match := _DELAY.fullmatch(said)):
            return min(round(float(match[1]) * 1000), HINT_MS_MAX)
    return None
