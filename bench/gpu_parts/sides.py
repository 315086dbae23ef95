"""Engines of ours and a server that speaks chat completions, as `engines_parts.asked` measures them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import psutil

from engines_parts.asked import End, Piece, Question
from engines_parts.sse import chat
from ringfenced.engines.client import EngineClient
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text


class Engine:
    """An engine process, driven as the daemon drives it."""

    def __init__(self, name: str, client: EngineClient, pid: int) -> None:
        """Take a connection.

        Args:
            name: as it stands in the table.
            client: the connection.
            pid: the engine's process.
        """
        self.name = name
        self._client = client
        self._pid = pid

    async def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask, under a salt of its own."""
        prompt = Prompt(
            (Message(Role.USER, (Text(question.text),)),),
            sampling=Sampling(temperature=0.0, tokens_max=question.tokens_max),
        )
        with self._client.start(prompt, cache_salt=secrets.token_bytes(8), confidential=False) as run:
            while not isinstance(event := await run.take(), Finish):
                yield Piece(getattr(event, "tokens", 0))
            yield End(event.usage.completion_tokens)

    def processes(self) -> list[psutil.Process]:
        """The engine and what it started."""
        return family(self._pid)


class Server:
    """A server that speaks chat completions over HTTP."""

    def __init__(self, name: str, port: int, pid: int, **fields: object) -> None:
        """Take an address.

        Args:
            name: as it stands in the table.
            port: where it listens on the loopback interface.
            pid: the server's process.
            fields: further fields of each request.
        """
        self.name = name
        self._port = port
        self._pid = pid
        self._fields = fields

    def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask over HTTP."""
        return chat(self._port, question, **self._fields)

    async def answers(self) -> bool:
        """Return whether it answers a question."""
        try:
            async for _ in self.ask(Question("ward", 1)):
                pass
        except (OSError, RuntimeError, EOFError):
            return False
        return True

    def processes(self) -> list[psutil.Process]:
        """The server and what it started."""
        return family(self._pid)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
