"""The llama.cpp engine that embeds: whole inputs of all callers in one batch, as many as fit, a batch a step.

An input goes into one batch whole, since a model that reads in both directions must see all of it. Who gets a place is
decided at the same door as for answers (`ringfenced.engines.admission`): shares, priorities, deadlines. Those that have
one take turns by input, first shares, then the requests of each, so that one with a thousand inputs does not keep one
with a single input waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ringfence.v1 import engine_pb2
from ringfenced.engines.admission import Admission, Ticket
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.server import EMBEDDING_BYTES_MAX, Connection, EngineServer
from ringfenced.engines.wire import uses_to_wire

BATCH_TOKENS_MIN = 512
"""Least size of a batch, in tokens; at least one context, too."""

PLACES = 8
"""Requests that take turns; the others wait at the door. A share that has none need not wait for one."""


@dataclass(frozen=True, slots=True)
class EmbedLimits:
    """How much at once."""

    context_tokens_max: int
    """Tokens of one input."""
    inputs_max: int
    """Inputs in a batch."""
    queue_max: int
    """Requests that wait, of each class of priority."""

    @property
    def batch_tokens(self) -> int:
        """Most tokens in one batch."""
        return max(BATCH_TOKENS_MIN, self.context_tokens_max)


@dataclass(eq=False, slots=True)
class _Job:
    """One request."""

    connection: Connection
    sequence: int
    deadline_s: float
    began_s: float
    inputs: deque[tuple[int, list[int]]] = field(repr=False)
    """Place and tokens of those that are still to be computed."""
    vectors: list[list[float]] = field(repr=False)
    prompt_tokens: int
    missing: int
    """Vectors that are still to come."""
    ticket: Ticket[_Job] = field(init=False, repr=False)
    """Its claim to a place."""


class EmbeddingBackend:
    """One model that embeds."""

    def __init__(
        self,
        server: EngineServer,
        model: LlamaModel,
        context: LlamaContext,
        limits: EmbedLimits,
        *,
        version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed after each step.
            model: the model.
            context: its working memory, made for embeddings, as large as `limits` say.
            limits: how much at once.
            version: of the library, for the description.
            clock: monotonic time in seconds.
        """
        self._server = server
        self._model = model
        self._context = context
        self._limits = limits
        self._version = version
        self._clock = clock
        self._door: Admission[_Job] = Admission(queue_max=limits.queue_max, clock=clock)
        self._jobs: list[_Job] = []
        """Those that have a place; who has waited longest for his turn comes first."""
        self._turn = 0
        self._turns: dict[bytes, int] = {}
        """The last turn of each share."""
        self._is_stepping = False

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is hosted."""
        return engine_pb2.EngineDescription(
            engine="llama.cpp",
            engine_version=self._version,
            model_architecture=self._model.meta("general.architecture") or "",
            context_tokens_max=self._limits.context_tokens_max,
            sequences_max=self._limits.inputs_max,
            model_bytes=self._model.bytes,
            supports_embeddings=True,
            embedding_dimensions=self._context.dimensions,
            memory=uses_to_wire(self._context.uses),
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Refuse: an engine that embeds answers nothing."""
        connection.fail(command.sequence, "unsupported")

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count the tokens of each message, as if it were an input."""
        texts = ("\n".join(part.text or part.json for part in message.parts) for message in command.messages)
        connection.dirty().counts.add(
            sequence=command.sequence,
            tokens=sum(len(self._model.tokenize_input(text)) for text in texts),
            context_tokens_max=self._limits.context_tokens_max,
        )

    def embed(self, connection: Connection, command: engine_pb2.EngineEmbed) -> None:
        """Queue a request, or fail it."""
        inputs_max = EMBEDDING_BYTES_MAX // (4 * self._context.dimensions)
        if len(command.inputs) > inputs_max:
            connection.fail(command.sequence, "too_many_inputs", inputs=len(command.inputs), inputs_max=inputs_max)
            return
        inputs = [self._model.tokenize_input(text) for text in command.inputs]
        for index, tokens in enumerate(inputs):
            if not 0 < len(tokens) <= self._limits.context_tokens_max:
                connection.fail(
                    command.sequence,
                    "input_too_long" if tokens else "input_empty",
                    index=index,
                    prompt_tokens=len(tokens),
                    context_tokens_max=self._limits.context_tokens_max,
                )
                return
        now_s = self._clock()
        job = _Job(
            connection,
            command.sequence,
            now_s + command.deadline_ms / 1000 if command.deadline_ms else float("inf"),
            now_s,
            deque(enumerate(inputs)),
            [[] for _ in inputs],
            sum(map(len, inputs)),
            len(inputs),
        )
        if not inputs:
            self._send(job)
            return
        job.ticket = self._door.ticket(job, command, prompt_tokens=job.prompt_tokens, answer_tokens_max=0)
        refused = self._door.ask(job.ticket, is_free=len(self._jobs) + self._door.waiting < PLACES)
        if refused is not None:
            gone = refused.ticket.item
            gone.connection.fail(gone.sequence, refused.reason, **refused.numbers)
        self._admit()
        self._keep_stepping()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """Drop a request; nobody waits for it."""
        self._drop(lambda job: job.connection is connection and job.sequence == sequence)

    def forget(self, connection: Connection) -> None:
        """Drop a daemon's requests."""
        self._drop(lambda job: job.connection is connection)

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy it is."""
        return self._door.load(places=PLACES, places_max=len(self._jobs) + 1)  # a newcomer always has one

    def _drop(self, is_meant: Callable[[_Job], bool]) -> None:
        for ticket in [ticket for ticket in self._door if is_meant(ticket.item)]:
            self._door.leave(ticket)
        for job in [job for job in self._jobs if is_meant(job)]:
            self._end(job)

    def _end(self, job: _Job) -> None:
        """Take a request's place back."""
        self._jobs.remove(job)
        done = job.prompt_tokens - sum(len(tokens) for _, tokens in job.inputs)
        self._door.end(job.ticket, prompt_tokens=done, answer_tokens=0)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep_stepping(self) -> None:
        if not self._is_stepping:
            self._is_stepping = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_stepping = False
        self._expire(self._clock())
        self._admit()
        batch = self._compose()
        if batch:
            self._compute(batch)
        self._server.flush()
        if self._jobs or self._door.waiting:
            self._keep_stepping()

    def _expire(self, now_s: float) -> None:
        for ticket in self._door.expire():
            ticket.item.connection.fail(ticket.item.sequence, "deadline")
        for job in [job for job in self._jobs if job.deadline_s <= now_s]:
            self._end(job)
            job.connection.fail(job.sequence, "deadline")

    def _admit(self) -> None:
        """Give places to those whose turn it is; a share that has none gets one where all are taken."""
        while self._door.waiting:
            ticket = self._door.head() if len(self._jobs) < PLACES else self._door.newcomer()
            if ticket is None:
                return
            self._jobs.append(self._door.begin(ticket).item)

    def _compose(self) -> list[tuple[_Job, int, list[int]]]:
        """Take an input of each share in turn, of each of its requests in turn, until one does not fit any more."""
        lines: dict[bytes, deque[_Job]] = {}
        for job in self._jobs:
            lines.setdefault(job.ticket.share, deque()).append(job)
        order = deque(sorted(lines, key=lambda share: self._turns.get(share, 0)))
        self._turns = {share: turn for share, turn in self._turns.items() if share in lines}
        batch: list[tuple[_Job, int, list[int]]] = []
        room = self._limits.batch_tokens
        while order and len(batch) < self._limits.inputs_max:
            share = order.popleft()
            job = lines[share].popleft()
            if len(job.inputs[0][1]) > room:
                break
            index, tokens = job.inputs.popleft()
            room -= len(tokens)
            batch.append((job, index, tokens))
            self._turn += 1
            self._turns[share] = self._turn
            if job.inputs:
                lines[share].append(job)
            if lines[share]:
                order.append(share)
        served = dict.fromkeys(job for job, _, _ in batch)
        self._jobs = [*(job for job in self._jobs if job not in served), *served]
        return batch

    def _compute(self, batch: list[tuple[_Job, int, list[int]]]) -> None:
        tokens = [token for _, _, input_ in batch for token in input_]
        positions = [place for _, _, input_ in batch for place in range(len(input_))]
        owners = [owner for owner, (_, _, input_) in enumerate(batch) for _ in input_]
        if self._context.decode(tokens, positions, owners, [1] * len(tokens)) != 0:
            for job in dict.fromkeys(job for job, _, _ in batch):
                self._end(job)
                job.connection.fail(job.sequence, "internal")
            return
        for owner, (job, index, _) in enumerate(batch):
            vector = self._context.pooled(owner)
            length = float(np.linalg.norm(vector))
            job.vectors[index] = (vector / length if length else vector).tolist()
            job.missing -= 1
            self._context.remove(owner)
            if not job.missing:
                self._door.first_token(job.ticket)
                self._end(job)
                self._send(job)

    def _send(self, job: _Job) -> None:
        job.connection.dirty().embeddings.add(
            sequence=job.sequence,
            vectors=[engine_pb2.EngineVector(values=vector) for vector in job.vectors],
            prompt_tokens=job.prompt_tokens,
            duration_us=round((self._clock() - job.began_s) * 1e6),
        )
        job.connection.flush()  # a frame of their own: those of several requests may be too much for one
