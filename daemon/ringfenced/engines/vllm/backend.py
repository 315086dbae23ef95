"""The vLLM engine behind the socket: reads commands, lets requests in, and passes on what vLLM makes of them.

vLLM batches and schedules by itself. What waits for a place waits here, where shares and deadlines are kept
(`engines/admission.py`), so that vLLM never holds more than it runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Admission
from ringfenced.engines.server import Connection, EngineServer
from ringfenced.engines.vllm.making import Facts, Refused, RequestMaker
from ringfenced.engines.vllm.vocabulary import HfVocabulary
from ringfenced.engines.vllm.work import Maker, Work

INLINE_CHARS_MAX = 4096
"""Prompts up to this many characters are read at once, in about 2 ms; longer ones in a thread, so that running answers
do not wait for them."""


class Host(Maker, Protocol):
    """vLLM, as far as it is needed here (`host.py`)."""

    @property
    def facts(self) -> Facts:
        """What it hosts."""

    @property
    def vocabulary(self) -> HfVocabulary:
        """The model's."""

    @property
    def memory(self) -> list[engine_pb2.EngineMemory]:
        """What the model takes, as its workers say."""

    async def sleep(self) -> bool:
        """Give the devices' memory back; return whether that is so."""

    async def wake(self) -> bool:
        """Take it again; return whether that is so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once."""

    context_tokens_max: int
    """Prompt and answer of one sequence."""
    sequences_max: int
    """Requests at the same time."""
    queue_max: int
    """Requests of each class of priority that wait."""


class VllmBackend:
    """One model."""

    def __init__(self, server: EngineServer, host: Host, limits: Limits, tasks: asyncio.TaskGroup) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed.
            host: vLLM.
            limits: how much at once.
            tasks: where the tasks run; one that fails is a defect, and ends the process.

        Raises:
            TemplateRefused: the model's chat template is none.
        """
        self._server = server
        self._host = host
        self._limits = limits
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._maker = RequestMaker(host.vocabulary, host.facts, limits.context_tokens_max)
        self._door: Admission[Work] = Admission(queue_max=limits.queue_max, clock=time.monotonic)
        self._work: dict[tuple[Connection, int], Work] = {}
        """All that wait or run, by where they came from."""
        self._reading: dict[tuple[Connection, int], asyncio.Task[None]] = {}
        """Those whose prompt is being read in a thread."""
        self._running = 0
        self._asleep = False
        self._flushes = False

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is hosted."""
        facts = self._host.facts
        answers = not facts.dimensions
        return engine_pb2.EngineDescription(
            engine="vllm",
            engine_version=facts.version,
            model_architecture=facts.architecture,
            context_tokens_max=self._limits.context_tokens_max,
            sequences_max=self._limits.sequences_max,
            model_bytes=facts.model_bytes,
            supports_tools=answers,
            supports_json_schema=answers,
            supports_grammar=answers,
            supports_logprobs=answers,
            supports_embeddings=not answers,
            embedding_dimensions=facts.dimensions,
            adapters=facts.adapters,
            memory=self._host.memory,
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin an answer, or fail it."""

        def enter(prompt: list[int]) -> None:
            answer = self._maker.answer(connection, command, prompt)
            if answer.generation.params["max_tokens"]:
                self._enter(answer, command, answer_tokens_max=answer.generation.params["max_tokens"])
            else:
                answer.finish(time.monotonic(), types_pb2.FINISH_REASON_LENGTH)

        self._read(connection, command, enter)

    def embed(self, connection: Connection, command: engine_pb2.EngineEmbed) -> None:
        """Begin with embeddings, or fail them."""
        try:
            embedding = self._maker.embedding(connection, command)
        except Refused as refused:
            connection.fail(command.sequence, refused.reason, **refused.numbers)
        else:
            self._enter(embedding, command, answer_tokens_max=0)

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count a prompt's tokens."""

        def tell(prompt: list[int]) -> None:
            connection.dirty().counts.add(
                sequence=command.sequence, tokens=len(prompt), context_tokens_max=self._limits.context_tokens_max
            )

        self._read(connection, command, tell)

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End a request."""
        work = self._work.get((connection, sequence))
        reading = self._reading.pop((connection, sequence), None)
        if work is not None:
            work.cancel(time.monotonic())
            self._remove(work)
        elif reading is not None:
            reading.cancel()
            connection.dirty().finishes.add(sequence=sequence, reason=types_pb2.FINISH_REASON_STOP, cancelled=True)

    def forget(self, connection: Connection) -> None:
        """End a daemon's requests."""
        for key in [key for key in self._reading if key[0] is connection]:
            self._reading.pop(key).cancel()
        for work in [work for work in self._work.values() if work.connection is connection]:
            work.is_over = True
            self._remove(work)

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy the engine is."""
        load = self._door.load(places=self._limits.sequences_max)
        load.cells = self._host.facts.cells
        load.cells_running = sum(work.cells for work in self._work.values() if work.task is not None)
        load.asleep = self._asleep
        return load

    def sleep(self, connection: Connection) -> None:
        """Give the devices' memory back; what comes meanwhile waits, and what runs is ended by vLLM."""
        self._asleep = True
        self._tasks.create_task(self._rest(connection, self._host.sleep, wanted=True))

    def wake(self, connection: Connection) -> None:
        """Take it again, and go on with what waits."""
        self._tasks.create_task(self._rest(connection, self._host.wake, wanted=False))

    # ── reading prompts ──────────────────────────────────────────────────────────────────────────────────────────

    def _read(
        self,
        connection: Connection,
        command: engine_pb2.EngineSubmit | engine_pb2.EngineCount,
        then: Callable[[list[int]], None],
    ) -> None:
        """Read a prompt and go on with its tokens, or tell why not."""
        if command.ByteSize() > INLINE_CHARS_MAX:
            task = self._tasks.create_task(self._read_aside(connection, command, then))
            self._reading[connection, command.sequence] = task
            return
        try:
            then(self._maker.read(command))
        except Refused as refused:
            connection.fail(command.sequence, refused.reason, **refused.numbers)

    async def _read_aside(
        self,
        connection: Connection,
        command: engine_pb2.EngineSubmit | engine_pb2.EngineCount,
        then: Callable[[list[int]], None],
    ) -> None:
        try:
            prompt = await asyncio.to_thread(self._maker.read, command)
            self._reading.pop((connection, command.sequence), None)
            then(prompt)
        except Refused as refused:
            self._reading.pop((connection, command.sequence), None)
            connection.fail(command.sequence, refused.reason, **refused.numbers)
        self._flush_soon()

    # ── in and out ───────────────────────────────────────────────────────────────────────────────────────────────

    def _enter(
        self, work: Work, command: engine_pb2.EngineSubmit | engine_pb2.EngineEmbed, *, answer_tokens_max: int
    ) -> None:
        """Take a request to the door, and as far in as there is room."""
        self._work[work.connection, work.sequence] = work
        work.ticket = self._door.ticket(
            work, command, prompt_tokens=work.read_tokens, answer_tokens_max=answer_tokens_max
        )
        refused = self._door.ask(work.ticket, is_free=self._has_room)
        if refused is not None:
            gone = refused.ticket.item
            gone.fail(refused.reason, **refused.numbers)
            self._forget(gone)
        if work.is_over:
            return
        if command.deadline_ms:
            work.timer = self._loop.call_later(command.deadline_ms / 1000, self._expire, work)
        self._admit()

    @property
    def _has_room(self) -> bool:
        return self._running < self._limits.sequences_max and not self._asleep

    def _admit(self) -> None:
        """Give places to those whose turn it is."""
        while self._has_room and self._door.waiting:
            work = self._door.begin().item
            self._running += 1
            work.task = self._tasks.create_task(self._run(work))

    async def _run(self, work: Work) -> None:
        ticket = work.ticket
        assert ticket is not None

        def came(spent_s: float) -> None:
            if spent_s:
                self._door.tokens(spent_s)
            else:
                self._door.first_token(ticket)
            self._flush_soon()

        await work.run(self._host, came)
        self._remove(work)
        self._flush_soon()

    def _expire(self, work: Work) -> None:
        work.fail("deadline")
        self._remove(work)
        self._flush_soon()

    def _remove(self, work: Work) -> None:
        """Take a request out, and give its place to the next."""
        if not self._forget(work):
            return
        assert work.ticket is not None
        if work.task is None:
            self._door.leave(work.ticket)
            return
        self._running -= 1
        self._door.end(work.ticket, prompt_tokens=work.read_tokens, answer_tokens=work.made_tokens)
        if work.task is not asyncio.current_task():
            work.task.cancel()
        self._admit()

    def _forget(self, work: Work) -> bool:
        """Return whether a request was known; it is not any more."""
        if work.timer is not None:
            work.timer.cancel()
        key = (work.connection, work.sequence)
        if self._work.get(key) is not work:
            return False
        del self._work[key]
        return True

    async def _rest(self, connection: Connection, change: Callable[[], Awaitable[bool]], *, wanted: bool) -> None:
        is_so = await change()
        self._asleep = wanted if is_so else not wanted
        self._admit()
        connection.dirty().description.CopyFrom(self.describe())
        self._flush_soon()

    def _flush_soon(self) -> None:
        """Flush once what this round of the loop brings has been taken: one step of vLLM is one frame."""
        if not self._flushes:
            self._flushes = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushes = False
        self._server.flush()
