"""An engine without a model: ``python -m ringfenced.engines.scripted --socket PATH``; for tests and benchmarks.

It speaks the engine protocol and answers what `script.py` says. All streams share one clock: a step every
``--interval-ms`` gives each stream its next tokens in one frame, like an engine with continuous batching, so that
hundreds of paced streams cost one timer. With an interval of 0 a step follows the other as fast as they can be sent.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Admission, Ticket
from ringfenced.engines.confine import confine
from ringfenced.engines.script import Script, ScriptError, read_script, tokenize
from ringfenced.engines.server import Connection, EngineServer, run

_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine pretends to be."""

    context_tokens_max: int = 4096
    """Prompt and answer together."""
    sequences_max: int = 512
    """Streams at the same time."""
    queue_max: int = 512
    """Streams that wait."""
    interval_ms: float = 0.0
    """Between two steps, in milliseconds."""


class Stream:
    """One answer on its way."""

    __slots__ = (
        "connection",
        "deadline_s",
        "first_s",
        "first_us",
        "limit",
        "pieces",
        "prompt_tokens",
        "script",
        "sent",
        "sequence",
        "started_s",
        "ticket",
        "wait_steps",
    )

    def __init__(
        self, connection: Connection, command: engine_pb2.EngineSubmit, script: Script, prompt_tokens: int, now_s: float
    ) -> None:
        self.connection = connection
        self.sequence = command.sequence
        self.script = script
        self.pieces = script.pieces()
        self.prompt_tokens = prompt_tokens
        self.limit = len(self.pieces)
        if command.sampling.HasField("tokens_max"):
            self.limit = min(self.limit, command.sampling.tokens_max)
        self.started_s = now_s
        self.first_s = now_s + script.first_ms / 1000
        self.deadline_s = now_s + command.deadline_ms / 1000 if command.deadline_ms else float("inf")
        self.ticket: Ticket[Stream] | None = None
        """Its claim to a place."""
        self.sent = 0
        self.first_us = 0
        self.wait_steps = 0

    def finish(self, now_s: float, *, cancelled: bool = False) -> None:
        """Send the finish."""
        cut = self.limit < len(self.pieces)
        finish = self.connection.dirty().finishes.add(
            sequence=self.sequence,
            reason=types_pb2.FINISH_REASON_LENGTH if cut else types_pb2.FINISH_REASON_STOP,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.sent,
            time_to_first_token_us=self.first_us,
            duration_us=int((now_s - self.started_s) * 1e6),
            cancelled=cancelled,
        )
        if self.sent:
            finish.logprob_min = self.script.logprob


class ScriptedBackend:
    """Plays scripts; every stream's clock is the engine's step."""

    def __init__(self, server: EngineServer, usual: Script, limits: Limits) -> None:
        self._server = server
        self._usual = usual
        self._limits = limits
        self._interval_s = limits.interval_ms / 1000
        self._running: list[Stream] = []
        self._door: Admission[Stream] = Admission(queue_max=limits.queue_max, clock=time.monotonic)
        self._step_at_s: float | None = None
        """When the next step is due; None while nothing runs."""

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is pretended."""
        return engine_pb2.EngineDescription(
            engine="scripted",
            engine_version="1",
            model_architecture="none",
            context_tokens_max=self._limits.context_tokens_max,
            sequences_max=self._limits.sequences_max,
            supports_tools=True,
            supports_json_schema=True,
            supports_embeddings=True,
            embedding_dimensions=_DIMENSIONS,
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin a stream, queue it, or fail it."""
        try:
            script = read_script(_last_user_text(command.messages), self._usual)
        except ScriptError:
            connection.fail(command.sequence, "internal")
            return
        prompt_tokens = _count(command.messages)
        if prompt_tokens + 1 > self._limits.context_tokens_max:
            connection.fail(
                command.sequence,
                "context_exceeded",
                prompt_tokens=prompt_tokens,
                context_tokens_max=self._limits.context_tokens_max,
            )
            return
        stream = Stream(connection, command, script, prompt_tokens, time.monotonic())
        stream.ticket = self._door.ticket(
            stream, command, prompt_tokens=prompt_tokens, answer_tokens_max=max(1, stream.limit)
        )
        refused = self._door.ask(stream.ticket, is_free=len(self._running) < self._limits.sequences_max)
        if refused is not None:
            gone = refused.ticket.item
            gone.connection.fail(gone.sequence, refused.reason, **refused.numbers)
        self._admit()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End a stream."""
        for stream in self._all():
            if stream.connection is connection and stream.sequence == sequence:
                stream.finish(time.monotonic(), cancelled=True)
                self._remove([stream])
                return

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count words."""
        connection.dirty().counts.add(
            sequence=command.sequence,
            tokens=_count(command.messages),
            context_tokens_max=self._limits.context_tokens_max,
        )

    def embed(self, connection: Connection, command: engine_pb2.EngineEmbed) -> None:
        """Make vectors of digests: the same text has the same one."""
        embedding = connection.dirty().embeddings.add(
            sequence=command.sequence, prompt_tokens=sum(len(tokenize(text)) for text in command.inputs)
        )
        for text in command.inputs:
            values = [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()[:_DIMENSIONS]]
            length = math.hypot(*values)
            embedding.vectors.add(values=[value / length for value in values])

    def forget(self, connection: Connection) -> None:
        """End a daemon's streams."""
        self._remove([stream for stream in self._all() if stream.connection is connection])

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy it is."""
        return self._door.load(places=self._limits.sequences_max)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _schedule(self) -> None:
        """See to it that a step is due while anything runs."""
        if self._step_at_s is not None or not self._running:
            return
        loop = asyncio.get_running_loop()
        self._step_at_s = loop.time() + self._interval_s
        loop.call_at(self._step_at_s, self._step)

    def _step(self) -> None:
        """Give every stream its next tokens; then plan the next step, on the grid even when this one was late."""
        now_s = time.monotonic()
        self._remove([stream for stream in self._running if self._advance(stream, now_s)])
        for ticket in self._door.expire():
            ticket.item.connection.fail(ticket.item.sequence, "deadline")
        self._server.flush()
        if not self._running:
            self._step_at_s = None
            return
        loop = asyncio.get_running_loop()
        assert self._step_at_s is not None
        self._step_at_s += self._interval_s
        loop.call_at(self._step_at_s, self._step)

    def _advance(self, stream: Stream, now_s: float) -> bool:
        """Send a stream's next tokens; return whether it has ended."""
        if stream.deadline_s <= now_s:
            stream.connection.fail(stream.sequence, "deadline")
            return True
        if stream.wait_steps or stream.first_s > now_s:
            stream.wait_steps = max(0, stream.wait_steps - 1)
            return False
        script, sent = stream.script, stream.sent
        if script.crash_after is not None and sent >= script.crash_after:
            os._exit(70)  # as a crash would: nothing is flushed, nobody is told
        if script.hang_after is not None and sent >= script.hang_after:
            return False
        end = min(sent + script.burst, stream.limit)
        if end > sent:
            stream.connection.delta(stream.sequence, "".join(stream.pieces[sent:end]), end - sent)
            stream.sent = end
            stream.wait_steps = script.interval_steps - 1
            assert stream.ticket is not None
            self._door.first_token(stream.ticket)
            stream.first_us = stream.first_us or max(1, int((now_s - stream.started_s) * 1e6))
        if end < stream.limit:
            return False
        stream.finish(now_s)
        return True

    def _remove(self, streams: Sequence[Stream]) -> None:
        """Take streams out and let waiting ones in."""
        if not streams:
            return
        gone = set(streams)
        self._running = [stream for stream in self._running if stream not in gone]
        for stream in streams:
            assert stream.ticket is not None
            if stream.ticket in self._door:
                self._door.leave(stream.ticket)
            else:
                self._door.end(stream.ticket, prompt_tokens=stream.prompt_tokens, answer_tokens=stream.sent)
        self._admit()

    def _admit(self) -> None:
        while self._door.waiting and len(self._running) < self._limits.sequences_max:
            self._running.append(self._door.begin().item)
        self._schedule()

    def _all(self) -> list[Stream]:
        return [*self._running, *(ticket.item for ticket in self._door)]


def _texts(messages: Iterable[types_pb2.Message]) -> Iterable[str]:
    for message in messages:
        for part in message.parts:
            yield part.text or part.json or part.file.data.decode(errors="replace")


def _count(messages: Iterable[types_pb2.Message]) -> int:
    return sum(len(tokenize(text)) for text in _texts(messages))


def _last_user_text(messages: Sequence[types_pb2.Message]) -> str:
    users = [message for message in messages if message.role == types_pb2.ROLE_USER]
    return "".join(_texts(users[-1:]))


def _arguments() -> argparse.Namespace:
    usual, limits = Script(), Limits()
    parser = argparse.ArgumentParser(prog="ringfenced.engines.scripted", description="An engine without a model.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--parent", type=int, default=0, help="process to die with; 0 for none")
    parser.add_argument("--tokens", type=int, default=usual.tokens, help="tokens of the usual answer")
    parser.add_argument("--text", default=usual.text, help="the usual answer, instead of tokens")
    parser.add_argument("--interval-ms", type=float, default=limits.interval_ms, help="between two steps")
    parser.add_argument("--first-ms", type=float, default=usual.first_ms, help="until the first token")
    parser.add_argument("--burst", type=int, default=usual.burst, help="tokens a step and stream")
    parser.add_argument("--logprob", type=float, default=usual.logprob, help="lowest log-probability to report")
    parser.add_argument("--context", type=int, default=limits.context_tokens_max, help="tokens, prompt and answer")
    parser.add_argument("--sequences", type=int, default=limits.sequences_max, help="streams at the same time")
    parser.add_argument("--queue", type=int, default=limits.queue_max, help="streams that wait")
    parser.add_argument("--load-ms", type=float, default=0.0, help="how long loading takes")
    return parser.parse_args()


def main() -> None:
    """Run the engine until it is told to stop."""
    arguments = _arguments()
    confine(arguments.parent)
    time.sleep(arguments.load_ms / 1000)
    server = EngineServer(arguments.parent)
    usual = Script(
        tokens=arguments.tokens,
        text=arguments.text,
        first_ms=arguments.first_ms,
        burst=arguments.burst,
        logprob=arguments.logprob,
    )
    limits = Limits(
        context_tokens_max=arguments.context,
        sequences_max=arguments.sequences,
        queue_max=arguments.queue,
        interval_ms=arguments.interval_ms,
    )
    run(server.serve(arguments.socket, ScriptedBackend(server, usual, limits)))


if __name__ == "__main__":
    main()
