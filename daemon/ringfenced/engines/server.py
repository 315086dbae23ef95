"""The engine's end of the socket: what every engine process of ours shares, whatever computes behind it.

An engine is a `Backend`: commands go in as method calls, results come out through the `Connection` that the command
came from, and `EngineServer.flush` sends each connection one frame with everything that came up since the last one.
A backend flushes once a step, so a step of all sequences is one frame and one write. A daemon may ask that text
gathers over several steps (`EngineDescribe.gather_ms`): each frame wakes it, whatever it holds. What begins or ends a
sequence never waits.

One thread, one event loop, no locks: a backend's step is an ordinary callback of the loop. While it computes,
commands wait in the socket; after it, they are read, so that a cancel takes effect before the next step begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from google.protobuf.message import DecodeError

from ringfence.process import peer_session
from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines import frames

EMBEDDING_BYTES_MAX = 4 * 1024 * 1024
"""Largest embeddings of one request: a frame holds them, and several wait to be read (`WRITE_BYTES_MAX`)."""

WRITE_BYTES_MAX = 24 * 1024 * 1024
"""Bytes that may wait for a daemon that does not read; beyond that its connection and all its sequences end."""

LOAD_INTERVAL_S = 0.1
"""How often a daemon is told how busy the engine is, at most."""

EXIT_DEFECT = 70
"""Exit status after a defect (sysexits.h: EX_SOFTWARE)."""


class Backend(Protocol):
    """What computes."""

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is hosted."""

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin a sequence, or fail it through the connection."""

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End a sequence now and send its finish; an unknown number is one that has ended already."""

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Send the number of a prompt's tokens."""

    def embed(self, connection: Connection, command: engine_pb2.EngineEmbed) -> None:
        """Send the embeddings of texts, or fail them; `cancel` ends them too."""

    def forget(self, connection: Connection) -> None:
        """The daemon is gone: end all its sequences; nothing can be sent any more."""

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy the engine is; asked ten times a second while it is."""


@runtime_checkable
class Sleeper(Protocol):
    """A backend that can give the memory of its devices back and keep the process."""

    def sleep(self, connection: Connection) -> None:
        """Give it back; then send a description."""

    def wake(self, connection: Connection) -> None:
        """Take it again; then send a description."""


class Connection(asyncio.Protocol):
    """One daemon process. Results are collected in `frame` until the server flushes."""

    def __init__(self, server: EngineServer, backend: Backend) -> None:
        self._server = server
        self._backend = backend
        self._decoder = frames.FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._frame = engine_pb2.EngineFrame()
        self._queued = False
        self._urgent = False
        self._begun: set[int] = set()
        self._gather_s = 0.0
        self._sent_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # ── what backends call ───────────────────────────────────────────────────────────────────────────────────────

    def delta(self, sequence: int, text: str, tokens: int, logprobs: Sequence[types_pb2.TokenLogprob] = ()) -> None:
        """Send new text of a sequence and how many tokens it stands for; all but a sequence's first may gather."""
        if any(piece.sequence == sequence for piece in self._frame.tool_calls):
            self._send()  # a frame has texts before calls
        if sequence not in self._begun:
            self._begun.add(sequence)
            self._urgent = True
        delta = self._collect().deltas.add(sequence=sequence, text=text, tokens=tokens)
        if logprobs:
            delta.logprobs.extend(logprobs)

    def call(self, piece: engine_pb2.EngineToolCallDelta) -> None:
        """Send a piece of a tool call; its beginning does not wait, the rest may gather."""
        frame = self.dirty() if piece.id else self._collect()
        frame.tool_calls.append(piece)

    def fail(self, sequence: int, reason: str, **numbers: int) -> None:
        """Send that a sequence cannot run or go on; `reason` is one of engine.proto's. Never carries content."""
        self.dirty().failures.add(sequence=sequence, reason=reason, numbers=numbers)

    def dirty(self) -> engine_pb2.EngineFrame:
        """Return the frame that goes out with the next flush, to add what must not wait."""
        self._urgent = True
        return self._collect()

    def tell_load(self, load: engine_pb2.EngineLoad) -> None:
        """Send how busy the engine is; it may gather."""
        self._collect().load.CopyFrom(load)

    def flush(self) -> None:
        """Send what was collected, or let it gather where nothing of it is urgent."""
        self._queued = False
        wait_s = 0.0 if self._urgent else self._sent_s + self._gather_s - self._loop.time()
        if wait_s <= 0:
            self._send()
        elif self._timer is None:
            self._timer = self._loop.call_later(wait_s, self._send)

    def hang_up(self) -> None:
        """Let the daemon know at once that nothing more comes, whatever is still to be done before the process ends."""
        if self._transport is not None:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(_fileno(self._transport))) as ours:
                ours.shutdown(socket.SHUT_RDWR)

    def _collect(self) -> engine_pb2.EngineFrame:
        if not self._queued:
            self._queued = True
            self._server.unflushed.append(self)
        return self._frame

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        frame, self._frame, self._urgent = self._frame, engine_pb2.EngineFrame(), False
        self._begun.difference_update(finish.sequence for finish in frame.finishes)
        self._begun.difference_update(failure.sequence for failure in frame.failures)
        self._sent_s = self._loop.time()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            transport.abort()
            return
        transport.write(frames.encode(frame.SerializeToString()))

    # ── what the event loop calls ────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one only by its methods
        self._loop = asyncio.get_running_loop()
        self._server.connections.append(self)
        if not self._server.answers(self._transport.get_extra_info("socket")):
            self._transport.abort()  # before a byte of it is read

    def data_received(self, data: bytes) -> None:
        """Carry out each command. One that cannot be read ends the connection."""
        try:
            for payload in self._decoder.feed(data):
                self._take(engine_pb2.EngineCommand.FromString(payload))
        except (frames.FrameError, DecodeError):
            assert self._transport is not None
            self._transport.abort()
        self._server.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the reason changes nothing
        """End the daemon's sequences."""
        self._transport = None
        self._server.connections.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._backend.forget(self)

    def _take(self, command: engine_pb2.EngineCommand) -> None:
        match command.WhichOneof("command"):
            case "submit":
                self._backend.submit(self, command.submit)
            case "cancel":
                self._backend.cancel(self, command.cancel.sequence)
            case "count":
                self._backend.count(self, command.count)
            case "embed":
                self._backend.embed(self, command.embed)
            case "sleep" if isinstance(self._backend, Sleeper):
                self._backend.sleep(self)
            case "wake" if isinstance(self._backend, Sleeper):
                self._backend.wake(self)
            case "sleep" | "wake":  # it stays as it is
                self.dirty().description.CopyFrom(self._backend.describe())
            case "describe":
                self._gather_s = command.describe.gather_ms / 1000
                self.dirty().description.CopyFrom(self._backend.describe())
                self.tell_load(self._backend.load())
            case "shutdown":
                self._server.stop()


class EngineServer:
    """Listens on a unix socket that only the process's own user may open."""

    def __init__(self, parent_pid: int = 0) -> None:
        """Serve nobody yet.

        Args:
            parent_pid: the process that started this engine: it and the others of its session are answered, the
                daemon and its workers. Other engines are not: each leads a session of its own. 0 where somebody
                started it by hand: whoever is its user is answered.

        Raises:
            ProcessLookupError: the parent has ended.
        """
        self._session = os.getsid(parent_pid) if parent_pid else None  # 0 is a session too (`peer_session`)
        self.unflushed: list[Connection] = []
        """Connections with something to send; each stands here once."""
        self.connections: list[Connection] = []
        """Every daemon process."""
        self._stopped = asyncio.Event()
        self._backend: Backend | None = None
        self._load = engine_pb2.EngineLoad()
        self._load_timer: asyncio.TimerHandle | None = None
        self._load_at_s = 0.0

    def answers(self, connection: socket.socket) -> bool:
        """Whether the process at a connection's other end is one of the daemon's."""
        try:
            return self._session is None or peer_session(connection) == self._session
        except ProcessLookupError:
            return False

    def flush(self) -> None:
        """Send every connection its frame; where it is time, with how busy the engine is."""
        if self._load_timer is None and self._backend is not None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._load_at_s:
                self._tell_load(self._backend)
            else:
                self._load_timer = loop.call_at(self._load_at_s, self._load_due)
        connections, self.unflushed = self.unflushed, []
        for connection in connections:
            connection.flush()

    def hang_up(self) -> None:
        """Hang up on every daemon."""
        for connection in self.connections:
            connection.hang_up()

    def stop(self) -> None:
        """Let `serve` return; nothing is finished first."""
        self._stopped.set()

    async def serve(self, path: Path, backend: Backend) -> None:
        """Serve until `stop`, SIGTERM or SIGINT. Listening is the sign of readiness: load first, then call this.

        Args:
            path: where to listen; what lies there from an earlier engine is replaced. Its folder's rights are the
                caller's duty.
            backend: what computes.
        """
        self._backend = backend
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.set_exception_handler(_die)
        listener = await loop.create_unix_server(lambda: Connection(self, backend), sock=_listen(path))
        async with listener:
            await self._stopped.wait()

    def _load_due(self) -> None:
        """Tell what came of the last flush, after which nothing more may come."""
        self._load_timer = None
        assert self._backend is not None
        self._tell_load(self._backend)
        if self.unflushed:
            self.flush()

    def _tell_load(self, backend: Backend) -> None:
        self._load_at_s = asyncio.get_running_loop().time() + LOAD_INTERVAL_S
        load = backend.load()
        if load != self._load:
            self._load = load
            for connection in self.connections:
                connection.tell_load(load)


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Run an engine's loop to its end: uvloop's where that is installed, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  # an engine may run where the daemon's extras are not installed
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


def _fileno(transport: asyncio.Transport) -> int:
    number: int = transport.get_extra_info("socket").fileno()
    return number


def _die(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """End the process after a defect: a step that failed half-way would leave its sequences waiting for ever."""
    del context  # it may hold content
    os._exit(EXIT_DEFECT)


def _listen(path: Path) -> socket.socket:
    """Listen beside `path` with mode 0600, then move the socket there: whoever sees it can connect if he may.

    The name beside it is a short one, so that a path that just fits a unix socket does not fail for it.
    """
    staging = path.with_name(f".{os.getpid():x}")
    staging.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(staging))
    staging.chmod(0o600)
    listener.listen()
    staging.rename(path)
    return listener
