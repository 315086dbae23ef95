"""An OpenAI-compatible provider at the wire: real TLS, scripted answers, and every byte that arrived.

    async with StandInProvider(certs) as provider:
        provider.script.append(answer("Hello", " there"))
        ... an agent sends ...
        assert provider.bodies == [b'{"model":...}']

Each request takes the next answer of the script; the last one is repeated. A float in an answer is a pause in seconds.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

HANG = object()
"""In an answer: send nothing more until the other side goes away."""
BREAK = object()
"""In an answer: break the connection off."""


def chunk(delta=None, finish=None, usage=None):
    """One event of a stream."""
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    said = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    if usage:
        said["usage"] = usage
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def head(status=200, *headers):
    """A status line and headers, for a body that ends with the connection."""
    lines = [f"HTTP/1.1 {status} Status", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(*texts, finish="stop", prompt_tokens=7, completion_tokens=3, headers=()):
    """A whole stream: text pieces, finish, usage, end."""
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    pieces = [chunk({"content": text}) for text in texts]
    return [
        head(200, "Content-Type: text/event-stream", *headers),
        *pieces,
        chunk(finish=finish),
        chunk(usage=usage),
        b"data: [DONE]\n\n",
    ]


def failure(status, *headers):
    """An answer that is an error; its text must never come through."""
    body = b'{"error":{"message":"the provider says something secret"}}'
    return [head(status, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers), body]


@dataclass
class StandInProvider:
    """Listens with the certificate of a `ringfence dev-certs` folder."""

    certs: Path
    tls_max: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    certificate: str = "provider"
    """Whose certificate it shows."""
    script: list[list[bytes | object]] = field(default_factory=lambda: [answer("Hello", " there")])
    raw: bytearray = field(default_factory=bytearray)
    """Every byte that arrived, decrypted."""
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side went away during HANG."""
    on_request: object = None
    """Called with the body before the answer begins."""
    port: int = 0
    host: str = "127.0.0.1"
    """The address that it listens on."""

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}/v1"

    async def __aenter__(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certs / f"{self.certificate}.pem", self.certs / f"{self.certificate}.key")
        context.maximum_version = self.tls_max
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            lines = await reader.readuntil(b"\r\n\r\n")
            self.raw += lines
            self.heads.append(lines.decode())
            length = next(
                int(x.split(":")[1]) for x in lines.decode().split("\r\n") if x.lower().startswith("content-l")
            )
            body = await reader.readexactly(length)
            self.raw += body
            self.bodies.append(body)
            if callable(self.on_request):
                self.on_request(body)
            pieces = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            for piece in pieces:
                if piece is HANG:
                    await reader.read(1)
                    self.hung_up.set()
                    return
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                    continue
                if piece is BREAK:
                    writer.transport.abort()
                    return
                writer.write(piece)
                await writer.drain()
                # Pieces arrive one by one, as tokens do.
                await asyncio.sleep(0.001)
        except (OSError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()
