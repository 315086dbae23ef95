"""AWS Bedrock: Converse for chats and InvokeModel for embeddings, with botocore's parts on our own transport.

botocore cannot be given a transport, so that its parts are used without its client (`bedrock_wire`): its serialiser
writes the request anew from the judged JSON, the exchange compares, and the judged bytes are what is signed and sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final
from urllib.parse import urlsplit

import httpx2

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Embeddings, Finish, Piece, ProviderError, Tally, TextDelta, ToolCallDelta
from ringfence_agent.providers import bedrock_body as body_of
from ringfence_agent.providers.bedrock_wire import Wire
from ringfence_agent.providers.bodies import Json
from ringfence_agent.providers.door import JSON, Call, Door, Headers
from ringfence_agent.providers.failures import answering, next_piece, of_status, retry_after_ms
from ringfence_agent.providers.reading import call_piece, text, text_piece, tokens, vectors

_OK: Final = 200
_EVENTS: Final = "application/vnd.amazon.eventstream"
"""AWS, "Event stream encoding"."""
_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""Amazon Bedrock API reference, "MessageStopEvent"; the others are failures of the model."""
_STATUS: Final = {
    "accessdenied": 403,
    "expiredtoken": 401,
    "internalserver": 500,
    "invalidsignature": 401,
    "modelerror": 500,
    "modelnotready": 503,
    "modelstreamerror": 500,
    "modeltimeout": 408,
    "resourcenotfound": 404,
    "servicequotaexceeded": 429,
    "serviceunavailable": 503,
    "throttling": 429,
    "unrecognizedclient": 401,
    "validation": 400,
}
"""AWS's types of errors, without ``Exception`` and in small letters, as the statuses that say the same. Sources: Amazon
Bedrock API reference, "ConverseStream", errors, and "Common error types"; two of them (not ready, quota) come with a
status that says something else."""


class BedrockProvider:
    """One configured provider."""

    def __init__(self, door: Door, base_url: str, *, region: str, embeds: frozenset[str]) -> None:
        """Send through `door`.

        Args:
            door: its connections; this provider owns them.
            base_url: the region's endpoint, for example ``https://bedrock-runtime.eu-central-1.amazonaws.com``.
            region: the region that requests are signed for.
            embeds: ids of the models that embed; all others chat.
        """
        self._door = door
        self._base_url = base_url
        self._root = urlsplit(base_url).path
        self._origin = base_url.removesuffix(self._root) if self._root else base_url
        self._embeds = embeds
        self._wire = Wire(region)

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return body_of.encode(payload, wire_model)

    async def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`."""
        end_s = asyncio.get_running_loop().time() + seconds_max
        embeds = wire_model in self._embeds
        operation, accept = ("InvokeModel", JSON) if embeds else ("ConverseStream", _EVENTS)
        with answering(ProviderError, lambda error: error, seconds_max):
            call = self._call(operation, accept, wire_model, body)
            async with aclosing(self._door.exchange(call, tally)) as exchange:
                path, written = self._wire.request(operation, wire_model, body)
                asked = httpx2.Request("POST", httpx2.URL(self._base_url).join(self._root + path), content=written)
                async with asyncio.timeout_at(end_s):
                    answer = await exchange.handle_async_request(asked)
                    if answer.status_code != _OK:
                        raise translate(answer)
                    whole = await answer.aread() if embeds else b""
                if embeds:
                    said, counted = body_of.vectors_of(json.loads(whole))
                    yield Embeddings(vectors(said, body_of.inputs(body)))
                    yield Finish("stop", tokens(counted), 0, 0)
                    return
                data, events, reader = answer.aiter_raw(), self._wire.events(), _Reader()
                while piece := await next_piece(data, end_s, lambda: reader.ended):
                    for event in events.read(piece):
                        for delta in reader.read(event):
                            yield delta
                yield reader.finish()

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._door.aclose()

    def _call(self, operation: str, accept: str, wire_model: str, body: bytes) -> Call:
        """The call, whose headers are signed when the door has the key."""
        target = self._root + self._wire.target(operation, wire_model)
        url = self._origin + target

        def headers(key: str) -> Headers:
            try:
                return self._wire.headers(key, url, body)
            except ValueError as error:
                raise ProviderError("credentials", str(error)) from None

        return Call(target, accept, headers, body)


class _Reader:
    """Events to pieces; keeps what the finish will say."""

    def __init__(self) -> None:
        self._reason = ""
        self._calls: dict[int, int] = {}
        self._usage = (0, 0, 0)

    @property
    def ended(self) -> bool:
        """Whether the provider has said why the answer ends."""
        return self._reason in _REASONS

    def read(self, event: Json) -> Iterator[TextDelta | ToolCallDelta]:
        """What one event says. Cached tokens are part of the prompt here, and beside it there."""
        if "Error" in event:
            raise _of_type(text(event["Error"]["Code"]), None, 500)
        if started := event.get("contentBlockStart"):
            if call := started.get("start", {}).get("toolUse"):
                position = self._calls.setdefault(started["contentBlockIndex"], len(self._calls))
                yield call_piece(position, call["toolUseId"], call["name"], "")
        elif delta := event.get("contentBlockDelta"):
            yield from self._delta(delta.get("delta", {}), delta.get("contentBlockIndex"))
        elif stopped := event.get("messageStop"):
            self._reason = text(stopped["stopReason"])
        elif said := event.get("metadata", {}).get("usage"):
            read, made = tokens(said.get("cacheReadInputTokens")), tokens(said.get("cacheWriteInputTokens"))
            self._usage = (tokens(said.get("inputTokens")) + read + made, tokens(said.get("outputTokens")), read)

    def _delta(self, delta: Json, index: int) -> Iterator[TextDelta | ToolCallDelta]:
        """A piece of a block; what the model thinks is counted and not passed on."""
        if delta.get("text"):
            yield text_piece(delta["text"])
        elif call := delta.get("toolUse"):
            yield call_piece(self._calls[index], "", "", call["input"])

    def finish(self) -> Finish:
        """How it ended; an answer that only stops coming did not end."""
        if not self.ended:
            raise ProviderError("bad_answer", "the provider's answer ended without saying why, or the model failed")
        return Finish(_REASONS[self._reason], *self._usage)


def translate(answer: httpx2.Response) -> ProviderError:
    """An answer that is an error as ours, without what the provider said; its type stands in a header."""
    said = answer.headers.get("x-amzn-errortype", "")
    return _of_type(said, retry_after_ms(answer.headers), answer.status_code)


def _of_type(said: str, hint_ms: int | None, status: int) -> ProviderError:
    """What a type of error says; where it is none that is known, what the status says."""
    name = said.partition(":")[0].removesuffix("Exception").lower()
    return of_status(_STATUS.get(name, status), hint_ms)
