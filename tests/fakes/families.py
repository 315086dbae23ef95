"""Every family's answers at the wire, for `fakes.provider.StandInProvider` to give.

    family = FAMILIES["gemini"]
    provider.script.append(family.answer("Hello", " there"))

Written from each provider's API reference, without its SDK.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field

from fakes import provider as openai

SECRET = "the provider says something secret"


@dataclass(frozen=True)
class Family:
    """What one family says on the wire."""

    kind: str
    model: str
    key: str
    path: str
    """Of a chat, below the host."""
    headers: list[str]
    """The whole table, after ``Content-Type`` and before ``Content-Length``."""
    answer: object
    """Texts to a whole answer of 7 prompt and 3 completion tokens, 2 of them cached."""
    calls: object
    """An answer that calls tools: f({"a": 1}), then g({})."""
    finished: object
    """The provider's word for why it ended to an answer of one text, "x"."""
    reasons: dict[str, str]
    """The provider's words to ours."""
    broken: object
    """An answer that breaks off after the text "x" with an error; its text is `SECRET`."""
    junk: list[bytes]
    """What is no answer."""
    settings: dict = field(default_factory=dict)
    embedding_model: str = ""
    embedding_path: str = ""
    embedded: object = None
    """Vectors to a whole answer of 5 prompt tokens."""
    prefix: str = ""
    """Of base_url's path."""


def sse(*events, end="\n"):
    """Events of a text/event-stream: dicts, or name and dict."""
    said = []
    for event in events:
        name, data = event if isinstance(event, tuple) else ("", event)
        lead = f"event: {name}{end}" if name else ""
        said.append(f"{lead}data: {json.dumps(data)}{end}{end}".encode())
    return [openai.head(200, "Content-Type: text/event-stream"), *said]


def whole(document, status=200, *headers):
    """A JSON document as an answer."""
    body = json.dumps(document).encode()
    return [openai.head(status, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers), body]


# OpenAI and Azure


def openai_usage():
    return {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


def openai_answer(*texts, finish="stop"):
    return [
        openai.head(200, "Content-Type: text/event-stream"),
        *(openai.chunk({"content": text}) for text in texts),
        openai.chunk(finish=finish),
        openai.chunk(usage=openai_usage()),
        b"data: [DONE]\n\n",
    ]


def openai_calls():
    def call(index, **fields):
        return openai.chunk({"tool_calls": [{"index": index, **fields}]})

    return [
        openai.head(200, "Content-Type: text/event-stream"),
        call(0, id="c1", type="function", function={"name": "f", "arguments": ""}),
        call(0, function={"arguments": '{"a"'}),
        call(0, function={"arguments": ": 1}"}),
        call(1, id="c2", type="function", function={"name": "g", "arguments": "{}"}),
        openai.chunk(finish="tool_calls"),
        openai.chunk(usage=openai_usage()),
        b"data: [DONE]\n\n",
    ]


def openai_embedded(*vectors):
    data = [{"object": "embedding", "index": n, "embedding": list(one)} for n, one in enumerate(vectors)]
    return whole({"object": "list", "data": data[::-1], "model": "e", "usage": {"prompt_tokens": 5, "total_tokens": 5}})


def openai_broken():
    error = {"error": {"message": SECRET, "type": "server_error", "code": "server_is_overloaded"}}
    return [
        openai.head(200, "Content-Type: text/event-stream"),
        openai.chunk({"content": "x"}),
        b"data: " + json.dumps(error).encode() + b"\n\n",
    ]


OPENAI_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
OPENAI_JUNK = [openai.head(200, "Content-Type: text/event-stream"), b"data: [1, 2]\n\ndata: {nonsense\n\n"]

# Anthropic


def anthropic_answer(*texts, finish="end_turn"):
    return sse(
        (
            "message_start",
            {
                "type": "message_start",
                "message": {
                    "id": "m",
                    "type": "message",
                    "role": "assistant",
                    "content": [],
                    "model": "c",
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {"input_tokens": 4, "output_tokens": 1, "cache_read_input_tokens": 2,
                              "cache_creation_input_tokens": 1},
                },
            },
        ),
        ("content_block_start", {"type": "content_block_start", "index": 0,
                                 "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        ("content_block_delta", {"type": "content_block_delta", "index": 0,
                                 "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        ("content_block_start", {"type": "content_block_start", "index": 1,
                                 "content_block": {"type": "text", "text": ""}}),
        ("ping", {"type": "ping"}),
        *(
            ("content_block_delta", {"type": "content_block_delta", "index": 1,
                                     "delta": {"type": "text_delta", "text": text}})
            for text in texts
        ),
        ("content_block_stop", {"type": "content_block_stop", "index": 1}),
        ("message_delta", {"type": "message_delta", "delta": {"stop_reason": finish, "stop_sequence": None},
                           "usage": {"output_tokens": 3}}),
        ("message_stop", {"type": "message_stop"}),
    )  # fmt: skip


def anthropic_calls():
    def start(index, call_id, name):
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        return ("content_block_start", {"type": "content_block_start", "index": index, "content_block": block})

    def piece(index, text):
        delta = {"type": "input_json_delta", "partial_json": text}
        return ("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})

    answer = anthropic_answer(finish="tool_use")
    calls = sse(
        start(2, "c1", "f"), piece(2, ""), piece(2, '{"a"'), piece(2, ": 1}"), start(3, "c2", "g"), piece(3, "{}")
    )
    return [*answer[:-2], *calls[1:], *answer[-2:]]


def anthropic_broken():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": SECRET}}
    return [*anthropic_answer("x")[:-3], *sse(("error", error))[1:]]


# Gemini


def gemini_chunk(*parts, finish=None, usage=False):
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    said = {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}
    if usage:
        said["usageMetadata"] = {
            "promptTokenCount": 7,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 1,
            "cachedContentTokenCount": 2,
            "totalTokenCount": 10,
        }
    return said


def gemini_answer(*texts, finish="STOP"):
    pieces = [gemini_chunk({"text": text}) for text in texts]
    thought = gemini_chunk({"text": "hm", "thought": True})
    return sse(thought, *pieces, gemini_chunk(finish=finish, usage=True), end="\r\n")


def gemini_calls():
    calls = [
        {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "AAAA"},
        {"functionCall": {"id": "c2", "name": "g", "args": {}}},
    ]
    return sse(gemini_chunk(*calls), gemini_chunk(finish="STOP", usage=True), end="\r\n")


def gemini_broken():
    return sse(gemini_chunk({"text": "x"}), {"error": {"code": 503, "message": SECRET, "status": "UNAVAILABLE"}})


# Bedrock


def message(headers, payload):
    """One message of an event stream (AWS, "Event stream encoding"); all its headers are strings."""
    encoded = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 12 + len(encoded) + len(body) + 4, len(encoded))
    said = prelude + struct.pack("!I", zlib.crc32(prelude)) + encoded + body
    return said + struct.pack("!I", zlib.crc32(said))


def event(name, payload):
    return message({":message-type": "event", ":event-type": name, ":content-type": "application/json"}, payload)


BEDROCK_HEAD = openai.head(200, "Content-Type: application/vnd.amazon.eventstream")
BEDROCK_USAGE = {
    "usage": {"inputTokens": 4, "outputTokens": 3, "totalTokens": 10, "cacheReadInputTokens": 2,
              "cacheWriteInputTokens": 1},
    "metrics": {"latencyMs": 1},
}  # fmt: skip


def bedrock_answer(*texts, finish="end_turn"):
    def delta(index, said):
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": said})

    return [
        BEDROCK_HEAD,
        event("messageStart", {"role": "assistant"}),
        delta(0, {"reasoningContent": {"text": "hm"}}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        *(delta(1, {"text": text}) for text in texts),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("messageStop", {"stopReason": finish}),
        event("metadata", BEDROCK_USAGE),
    ]


def bedrock_calls():
    def start(index, call_id, name):
        call = {"toolUse": {"toolUseId": call_id, "name": name}}
        return event("contentBlockStart", {"contentBlockIndex": index, "start": call})

    def piece(index, text):
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": {"toolUse": {"input": text}}})

    answer = bedrock_answer(finish="tool_use")
    calls = [start(2, "c1", "f"), piece(2, '{"a"'), piece(2, ": 1}"), start(3, "c2", "g"), piece(3, "{}")]
    return [*answer[:-2], *calls, *answer[-2:]]


def bedrock_broken():
    headers = {":message-type": "exception", ":exception-type": "serviceUnavailableException"}
    return [*bedrock_answer("x")[:-3], message(headers, {"message": SECRET})]


FAMILIES = {
    "openai": Family(
        kind="openai",
        model="gpt-5-mini-2026-01-02",
        key="sk-test-key",
        path="/v1/chat/completions",
        prefix="/v1",
        headers=["Accept: text/event-stream", "Authorization: Bearer sk-test-key"],
        answer=openai_answer,
        calls=openai_calls,
        finished=lambda word: openai_answer("x", finish=word),
        reasons=OPENAI_REASONS,
        broken=openai_broken,
        junk=OPENAI_JUNK,
        embedding_model="text-embedding-3-small",
        embedding_path="/v1/embeddings",
        embedded=openai_embedded,
    ),
    "azure": Family(
        kind="azure",
        model="gpt-ward",
        key="azure-test-key",
        path="/openai/deployments/gpt-ward/chat/completions?api-version=2024-10-21",
        headers=["Accept: text/event-stream", "api-key: azure-test-key"],
        answer=openai_answer,
        calls=openai_calls,
        finished=lambda word: openai_answer("x", finish=word),
        reasons=OPENAI_REASONS,
        broken=openai_broken,
        junk=OPENAI_JUNK,
        settings={"api_version": "2024-10-21"},
        embedding_model="embed-ward",
        embedding_path="/openai/deployments/embed-ward/embeddings?api-version=2024-10-21",
        embedded=openai_embedded,
    ),
    "anthropic": Family(
        kind="anthropic",
        model="claude-sonnet-4-5-20250929",
        key="sk-ant-test-key",
        path="/v1/messages",
        headers=[
            "Accept: text/event-stream",
            "anthropic-version: 2023-06-01",
            "x-api-key: sk-ant-test-key",
        ],
        answer=anthropic_answer,
        calls=anthropic_calls,
        finished=lambda word: anthropic_answer("x", finish=word),
        reasons={
            "end_turn": "stop",
            "stop_sequence": "stop",
            "pause_turn": "stop",
            "max_tokens": "length",
            "model_context_window_exceeded": "length",
            "tool_use": "tool_calls",
            "refusal": "content_filter",
        },
        broken=anthropic_broken,
        junk=[
            openai.head(200, "Content-Type: text/event-stream"),
            b"event: message_start\ndata: [1]\n\nevent: message_delta\ndata: {nonsense\n\n",
        ],
    ),
    "gemini": Family(
        kind="gemini",
        model="gemini-2.5-flash",
        key="AIza-test-key",
        path="/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        headers=["Accept: text/event-stream", "x-goog-api-key: AIza-test-key"],
        answer=gemini_answer,
        calls=gemini_calls,
        finished=lambda word: gemini_answer("x", finish=word),
        reasons={
            "STOP": "stop",
            "MAX_TOKENS": "length",
            "SAFETY": "content_filter",
            "RECITATION": "content_filter",
            "BLOCKLIST": "content_filter",
            "PROHIBITED_CONTENT": "content_filter",
            "SPII": "content_filter",
        },
        broken=gemini_broken,
        junk=[openai.head(200, "Content-Type: text/event-stream"), b'data: {"candidates": 7}\r\n\r\ndata: {nonsense'],
        embedding_model="gemini-embedding-001",
        embedding_path="/v1beta/models/gemini-embedding-001:batchEmbedContents",
        embedded=lambda *vectors: whole({"embeddings": [{"values": list(one)} for one in vectors]}),
    ),
    "bedrock": Family(
        kind="bedrock",
        model="eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        key="bedrock-api-key-test",
        path="/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
        headers=["Accept: application/vnd.amazon.eventstream", "Authorization: Bearer bedrock-api-key-test"],
        answer=bedrock_answer,
        calls=bedrock_calls,
        finished=lambda word: bedrock_answer("x", finish=word),
        reasons={
            "end_turn": "stop",
            "stop_sequence": "stop",
            "max_tokens": "length",
            "model_context_window_exceeded": "length",
            "tool_use": "tool_calls",
            "guardrail_intervened": "content_filter",
            "content_filtered": "content_filter",
        },
        broken=bedrock_broken,
        junk=[BEDROCK_HEAD, b"this is no event stream at all, but long enough to look like one"],
        settings={"aws_region": "eu-central-1"},
        embedding_model="cohere.embed-multilingual-v3",
        embedding_path="/model/cohere.embed-multilingual-v3/invoke",
        embedded=lambda *vectors: whole({"embeddings": {"float": [list(one) for one in vectors]}}),
    ),
}
