"""The daemon's end of an engine's socket.

One `EngineClient` per engine and daemon process, one `Run` per request in it. A frame from the engine carries a step
of all sequences; `data_received` parses it, appends each text to its run's list and wakes a reader only where one
waits. There is no queue, task or timer per token. `Run.take` returns everything that is ready as one piece: who asks
less often gets larger pieces, so coalescing is a matter of when the reader asks.

All of it belongs to the event loop that called `EngineClient.connect`; nothing here may be called from another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from google.protobuf.message import DecodeError

from ringfence.process import peer_session
from ringfence.v1 import engine_pb2
from ringfenced import errors
from ringfenced.engines import frames, wire
from ringfenced.engines.run import BUFFER_CHARS_MAX, Run
from ringfenced.model import Claim, Embedded, Prompt

DESCRIBE_TIMEOUT_S = 10.0
"""How long a connected engine may take to describe itself."""

RETRY_AFTER_DEATH_MS = 1000
"""When to try again after an engine's death: a small model is back by then."""

_ANYBODY = Claim()


class WrongListener(Exception):
    """Somebody else than the engine listens on its socket; nothing was sent."""


class EngineClient(asyncio.Protocol):
    """A connection to one engine process. Make it with `connect`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, model: str, buffer_chars_max: int) -> None:
        self._loop = loop
        self._model = model
        self._buffer_chars_max = buffer_chars_max
        self._decoder = frames.FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._runs: dict[int, Run] = {}
        self._replies: dict[int, asyncio.Future[Any]] = {}
        """What is asked and answered once: counts and embeddings."""
        self._sequence = 0
        self._described: asyncio.Future[wire.Description] = loop.create_future()
        self._load: wire.Load | None = None
        self._closed: asyncio.Future[None] = loop.create_future()
        self._is_unloaded = False

    @classmethod
    async def connect(
        cls,
        path: Path,
        *,
        model: str = "",
        timeout_s: float = DESCRIBE_TIMEOUT_S,
        buffer_chars_max: int = BUFFER_CHARS_MAX,
        gather_ms: int = 0,
        session: int | None = None,
    ) -> EngineClient:
        """Connect to an engine's socket and wait until it has described itself.

        Args:
            path: the unix socket.
            model: the model's name, for errors.
            timeout_s: longest wait for the description, in seconds.
            buffer_chars_max: characters of one answer that may wait for its reader.
            gather_ms: how long the engine may let text gather before it sends it, in milliseconds.
            session: the engine's process, which leads the session of all that it starts; None takes whoever listens
                there for the engine, which is for those who started it themselves, as tests do, and not for the daemon.

        Raises:
            OSError: nobody listens there, or who did has ended.
            WrongListener: a process of another session does.
            Unavailable: the engine closed the connection or did not describe itself in time.
        """
        loop = asyncio.get_running_loop()
        transport, client = await loop.create_unix_connection(
            lambda: cls(loop, model=model, buffer_chars_max=buffer_chars_max), str(path)
        )
        try:
            if session is not None:
                _demand(transport.get_extra_info("socket"), session)
            async with asyncio.timeout(timeout_s):
                await client.describe(gather_ms)
        except TimeoutError as error:
            client.close()
            raise client.unavailable("the engine did not describe itself in time") from error
        except BaseException:
            client.close()
            raise
        return client

    async def describe(self, gather_ms: int = 0) -> wire.Description:
        """Ask what the engine hosts; `connect` has done so.

        Raises:
            Unavailable: the engine closed the connection.
        """
        self.send(engine_pb2.EngineCommand(describe=engine_pb2.EngineDescribe(gather_ms=gather_ms)))
        return await asyncio.shield(self._described)

    # ── what callers use ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def description(self) -> wire.Description:
        """What the engine hosts."""
        return self._described.result()

    @property
    def load(self) -> wire.Load | None:
        """How busy the engine is, a tenth of a second ago at most; None where it has not said."""
        return self._load

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    @property
    def is_closed(self) -> bool:
        """Whether the engine is gone; every run in it has ended by then."""
        return self._closed.done()

    async def wait_closed(self) -> None:
        """Wait for the connection's end: the engine died, was stopped, or `close` was called."""
        await asyncio.shield(self._closed)

    @property
    def running(self) -> int:
        """Runs that have not ended, the waiting ones included."""
        return len(self._runs)

    def start(
        self,
        prompt: Prompt,
        *,
        cache_salt: bytes = b"",
        confidential: bool,
        deadline_ms: int = 0,
        claim: Claim = _ANYBODY,
        adapter: str = "",
    ) -> Run:
        """Begin a run.

        Args:
            prompt: what the model is given.
            cache_salt: prefix caches are shared only within one salt.
            confidential: the engine clears the run's memory when it ends.
            deadline_ms: milliseconds left; 0 for none. The engine keeps it, and so does this end in case it hangs.
            claim: whose turn it is where requests wait.
            adapter: the LoRA adapter to answer with; empty for none.

        Raises:
            Unavailable: the engine is gone.
            InvalidRequest: the prompt is longer than a frame may be.
        """
        sequence = self._next_sequence()
        command = wire.submit_to_wire(
            prompt,
            sequence=sequence,
            cache_salt=cache_salt,
            confidential=confidential,
            deadline_ms=deadline_ms,
            claim=claim,
            adapter=adapter,
        )
        self.send(command)
        run = Run(self, sequence, self._loop, self._buffer_chars_max)
        self._runs[sequence] = run
        if deadline_ms:
            run.expire_at(self._loop.time() + deadline_ms / 1000)
        return run

    async def count(self, prompt: Prompt) -> int:
        """Return how many tokens the model's tokenizer makes of a prompt, chat template included.

        Raises:
            Unavailable: the engine is gone.
            Unsupported: the prompt holds what the model cannot read.
        """
        sequence = self._next_sequence()
        self.send(wire.count_to_wire(prompt, sequence=sequence))
        count: int = await self._reply(sequence)
        return count

    async def embed(self, inputs: Sequence[str], *, deadline_ms: int = 0, claim: Claim = _ANYBODY) -> Embedded:
        """Return the embedding of each text, in their order.

        Args:
            inputs: the texts, one at least.
            deadline_ms: milliseconds left; 0 for none. The engine keeps it, and so does this end in case it hangs.
            claim: whose turn it is where requests wait.

        Raises:
            Unavailable: the engine is gone.
            Unsupported: the model makes no embeddings.
            ContextExceeded: an input is longer than the model's context; its place is in the numbers.
            Overloaded: the engine's queue is full.
            DeadlineExceeded: the time ran out.
        """
        sequence = self._next_sequence()
        self.send(wire.embed_to_wire(inputs, sequence=sequence, deadline_ms=deadline_ms, claim=claim))
        try:
            async with asyncio.timeout(deadline_ms / 1000 if deadline_ms else None):
                embedded: Embedded = await self._reply(sequence)
        except TimeoutError:
            self._abandon(sequence)
            raise wire.failure("deadline", {}, model=self._model) from None
        except asyncio.CancelledError:
            self._abandon(sequence)
            raise
        return embedded

    async def _reply(self, sequence: int) -> Any:
        """Wait for the one answer to a command."""
        future = self._loop.create_future()
        self._replies[sequence] = future
        try:
            return await future
        finally:
            del self._replies[sequence]

    def _abandon(self, sequence: int) -> None:
        """Let the engine drop what nobody waits for any more."""
        with contextlib.suppress(errors.Unavailable):
            self.send(engine_pb2.EngineCommand(cancel=engine_pb2.EngineCancel(sequence=sequence)))

    def shut_down(self) -> None:
        """Ask the engine to leave at once; its runs end with `Unavailable`."""
        with contextlib.suppress(errors.Unavailable):
            self.send(engine_pb2.EngineCommand(shutdown=engine_pb2.EngineShutdown()))

    def close(self, *, is_unloaded: bool = False) -> None:
        """Close the connection; its runs end with `Unavailable`. The engine goes on.

        Args:
            is_unloaded: the model is being unloaded, so that trying again would load it again.
        """
        self._is_unloaded = is_unloaded
        if self._transport is not None:
            self._transport.abort()

    # ── what runs use ────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, command: engine_pb2.EngineCommand) -> None:
        """Send one command.

        Raises:
            Unavailable: the engine is gone.
            InvalidRequest: the command is longer than a frame may be.
        """
        if self._transport is None or self._transport.is_closing():
            raise self.unavailable("the engine is not running")
        try:
            frame = frames.encode(command.SerializeToString())
        except frames.FrameError as error:
            raise errors.InvalidRequest(
                f"the request is too large for an engine: {error}; shorten it", model=self._model
            ) from None
        self._transport.write(frame)

    def unavailable(self, what: str) -> errors.Unavailable:
        """Make the error of a request whose engine is away."""
        return errors.Unavailable(
            f"{what}; try again", reason="engine_died", model=self._model, retry_after_ms=RETRY_AFTER_DEATH_MS
        )

    def _ended(self, *, is_alone: bool) -> errors.Unavailable:
        if not self._is_unloaded:
            error = self.unavailable("the engine died while it worked on the request")
            error.numbers = {"alone": int(is_alone)}
            return error
        return errors.Unavailable(
            "The model was unloaded while it worked on the request. Try again later.",
            reason="unloaded",
            model=self._model,
            retry_after_ms=RETRY_AFTER_DEATH_MS,
        )

    # ── what the event loop calls ────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one only by its methods

    def data_received(self, data: bytes) -> None:
        """Give each sequence of each frame its part. A frame that cannot be read ends the connection."""
        try:
            for payload in self._decoder.feed(data):
                self._take_frame(engine_pb2.EngineFrame.FromString(payload))
        except (frames.FrameError, DecodeError):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the reason changes nothing
        """End every run; the engine's death is an error for its requests only."""
        runs, self._runs = self._runs, {}
        is_alone = len(runs) + len(self._replies) == 1
        for run in runs.values():
            run.end(self._ended(is_alone=is_alone))
        for future in self._replies.values():
            if not future.done():
                future.set_exception(self._ended(is_alone=is_alone))
        if not self._described.done():
            self._described.set_exception(self.unavailable("the engine died before it described itself"))
            self._described.exception()  # read: nobody may be waiting any more
        self._closed.set_result(None)

    def _take_frame(self, frame: engine_pb2.EngineFrame) -> None:
        runs = self._runs
        for delta in frame.deltas:
            run = runs.get(delta.sequence)
            if run is not None:
                run.push(delta.text, delta.tokens, wire.logprobs_from_wire(delta.logprobs))
        for piece in frame.tool_calls:
            self._take_call(piece)
        for finish in frame.finishes:
            run = runs.pop(finish.sequence, None)
            if run is not None:
                run.end(wire.finish_from_wire(finish))
        for failure in frame.failures:
            self._fail(failure)
        self._take_replies(frame)

    def _take_replies(self, frame: engine_pb2.EngineFrame) -> None:
        """Take what a frame holds besides answers."""
        for count in frame.counts:
            self._answer(count.sequence, count.tokens)
        for embedding in frame.embeddings:
            self._answer(embedding.sequence, wire.embedded_from_wire(embedding))
        if frame.HasField("load"):
            self._load = wire.load_from_wire(frame.load)
        if frame.HasField("description") and not self._described.done():
            self._described.set_result(wire.description_from_wire(frame.description))

    def _fail(self, failure: engine_pb2.EngineFailure) -> None:
        error = wire.error_from_wire(failure, model=self._model)
        run = self._runs.pop(failure.sequence, None)
        if run is not None:
            run.end(error)
            return
        future = self._replies.get(failure.sequence)
        if future is not None and not future.done():
            future.set_exception(error)

    def _take_call(self, piece: engine_pb2.EngineToolCallDelta) -> None:
        run = self._runs.get(piece.sequence)
        if run is not None:
            run.push_call(wire.call_from_wire(piece), piece.tokens)

    def _answer(self, sequence: int, answer: object) -> None:
        """Give a command its one answer; nobody may be waiting any more."""
        future = self._replies.get(sequence)
        if future is not None and not future.done():
            future.set_result(answer)

    def _next_sequence(self) -> int:
        """Return a number that no living sequence of this connection has."""
        self._sequence = self._sequence % 0xFFFF_FFFF + 1
        return self._sequence


def _demand(connection: socket.socket, session: int) -> None:
    """Pass if a process of that session listens at the other end.

    Raises:
        WrongListener: one of another session does.
        ProcessLookupError: it has ended.
    """
    if peer_session(connection) != session:
        raise WrongListener


def shortest_wait_ms(clients: Iterable[EngineClient]) -> int | None:
    """Return how many milliseconds a request would wait for a place in the freest engine; None where none has said."""
    loads = [load for client in clients if (load := client.load) is not None]
    return min((load.wait_interactive_ms for load in loads), default=None)


def unavoidable_waits_ms(clients: Iterable[EngineClient]) -> dict[str, int]:
    """Return how long every request would wait for its place in each model, whoever asks.

    What somebody who has requests running waits besides, the engine says at its door.

    Args:
        clients: of engines that are ready.

    Returns:
        Milliseconds, in the freest engine of each model; models that have a place for somebody are left out.
    """
    waits: dict[str, int] = {}
    for client in clients:
        wait_ms = client.load.wait_newcomer_ms if client.load is not None else 0
        waits[client.model] = min(wait_ms, waits.get(client.model, wait_ms))
    return {model: wait_ms for model, wait_ms in waits.items() if wait_ms}
