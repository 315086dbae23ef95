"""A client for chat completions streamed over HTTP; cheap, for it shares the machine with what it measures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from engines_parts.asked import End, Piece, Question

HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def chat(port: int, question: Question, **fields: object) -> AsyncIterator[Piece | End]:
    """Ask one question of a server on loopback.

    Args:
        port: where it listens.
        question: what is asked.
        fields: further fields of the request.

    Raises:
        RuntimeError: it did not answer 200.
    """
    body = json.dumps(
        {
            "messages": [{"role": "user", "content": question.text}],
            "max_tokens": question.tokens_max,
            "temperature": 0,
            "stream": True,
            **fields,
        }
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(f"{HEAD}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"{status.decode().strip()}: {(await reader.read(2000)).decode(errors='replace')}")
        async for event in _events(reader, question):
            yield event
    finally:
        writer.close()


async def _events(reader: asyncio.StreamReader, question: Question) -> AsyncIterator[Piece | End]:
    pieces, is_cut, told = 0, False, None
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        if event.get("usage"):
            told = event["usage"]["completion_tokens"]
        for choice in event.get("choices", ()):
            is_cut = is_cut or choice.get("finish_reason") == "length"
            if choice["delta"].get("content"):
                pieces += 1
                yield Piece(1)
    # A server that tells no usage sends a piece a token, but for tokens that are part of a character.
    yield End(told if told is not None else question.tokens_max if is_cut else pieces)
