"""A CONNECT proxy at the wire: what it was asked, and tunnels, or whatever answer a test wants instead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

SWALLOW = b""
"""An answer: none at all."""


@dataclass
class FakeProxy:
    """Listens on 127.0.0.1; every tunnel leads to this machine, whatever name was asked for."""

    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    heads: list[str] = field(default_factory=list)
    """What it was asked, up to the empty line."""
    passed: bytearray = field(default_factory=bytearray)
    """Every byte that came through a tunnel from inside."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.answer is SWALLOW:
                await reader.read(1)
                return
            writer.write(self.answer)
            if self.answer.startswith(b"HTTP/1.1 200"):
                port = int(head.split()[1].rpartition(":")[2])
                inner_reader, inner = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(self._pass(reader, inner), _pipe(inner_reader, writer))
            else:
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.passed += data
            writer.write(data)
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()
