"""Continuous batching: every step decodes one token of each running answer and a budgeted piece of waiting prompts.

Nothing here blocks, waits or knows sockets: commands come as method calls, results go to each answer's connection.
The order of a step: drop what is too late; admit what fits; compose the batch; decode; draw; send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.sampler import DeadEnd
from ringfenced.engines.server import Connection


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once."""

    context_tokens_max: int
    """Prompt and answer of one sequence together."""
    cells: int
    """Tokens that the cache holds, all sequences together; at least one context."""
    sequences_max: int
    """Answers at the same time."""
    queue_max: int
    """Answers that wait."""
    step_tokens: int
    """Prompt tokens a step while answers are running: what a long prompt may add to their gaps."""

    @property
    def batch_tokens(self) -> int:
        """Most tokens in one batch: a step's, or a larger piece of a prompt while nobody waits for a token."""
        return max(512, self.sequences_max + self.step_tokens)


class Batcher:
    """The answers of one model: those that wait, those that run. One thread."""

    def __init__(self, model: LlamaModel, context: LlamaContext, limits: Limits, clock: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            model: the model.
            context: its working memory, as large as `limits` say.
            limits: how much at once.
            clock: monotonic time in seconds.
        """
        assert limits.cells >= limits.context_tokens_max, "the first in the queue must always fit into an empty cache"
        self._model = model
        self._context = context
        self._limits = limits
        self._clock = clock
        self._waiting: deque[Answer] = deque()
        self._reading: list[Answer] = []
        self._running: list[Answer] = []
        self._owners = list(range(limits.sequences_max))
        self._cells_free = limits.cells
        self._deadline_s = float("inf")
        """The earliest deadline, or one that has gone already."""
        self._places = np.arange(limits.sequences_max)
        self._exponents = np.empty((limits.sequences_max, model.tokens_n), np.float32)

    @property
    def is_idle(self) -> bool:
        """Whether a step would do nothing."""
        return not (self._waiting or self._reading or self._running)

    def add(self, answer: Answer) -> None:
        """Queue an answer; fail it if the queue is full."""
        is_next = not self._waiting and self._fits(answer)
        if len(self._waiting) >= self._limits.queue_max and not is_next:
            answer.fail("overloaded")
            return
        self._waiting.append(answer)
        self._deadline_s = min(self._deadline_s, answer.deadline_s)
        self._admit()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End an answer now and send its finish; do nothing where there is none."""
        for answer in self._all():
            if answer.connection is connection and answer.sequence == sequence:
                self._remove(answer)
                answer.finish(self._clock(), types_pb2.FINISH_REASON_STOP, cancelled=True)
                return

    def forget(self, connection: Connection) -> None:
        """End every answer of a connection that is gone."""
        for answer in self._all():
            if answer.connection is connection:
                self._remove(answer)

    def step(self) -> None:
        """Bring every answer one token further. Must not be called when idle."""
        now_s = self._clock()
        if now_s >= self._deadline_s:
            self._expire(now_s)
        self._admit()
        if not (self._reading or self._running):
            return
        tokens, positions, owners, outputs, drawn = self._compose()
        if self._context.decode(tokens, positions, owners, outputs) != 0:
            self._fail_all()
            return
        if drawn:
            self._draw(drawn, [place for place, output in enumerate(outputs) if output])

    # ── the parts of a step ──────────────────────────────────────────────────────────────────────────────────────

    def _expire(self, now_s: float) -> None:
        """Drop what is too late, and find the next deadline."""
        for answer in self._all():
            if answer.deadline_s <= now_s:
                self._remove(answer)
                answer.fail("deadline")
        self._deadline_s = min((answer.deadline_s for answer in self._all()), default=float("inf"))

    def _admit(self) -> None:
        """Let in what fits, first come, first served: its room in the cache is reserved to the last token."""
        while self._waiting and self._fits(self._waiting[0]):
            answer = self._waiting.popleft()
            answer.owner = self._owners.pop()
            self._cells_free -= answer.cells
            self._reading.append(answer)

    def _fits(self, answer: Answer) -> bool:
        return bool(self._owners) and answer.cells <= self._cells_free

    def _compose(self) -> tuple[list[int], list[int], list[int], list[int], list[Answer]]:
        """Return the batch, and the answers whose next token comes of it, in the batch's order."""
        running = self._running
        tokens = [answer.token for answer in running]
        positions = [answer.position for answer in running]
        owners = [answer.owner for answer in running]
        outputs = [1] * len(running)
        drawn = running.copy()
        for answer in running:
            answer.position += 1
        budget = self._limits.step_tokens if running else self._limits.batch_tokens
        for answer in self._reading:
            if not budget:
                break
            start = answer.position
            end = min(start + budget, len(answer.prompt))
            budget -= end - start
            answer.position = end
            tokens += answer.prompt[start:end]
            positions += range(start, end)
            owners += [answer.owner] * (end - start)
            outputs += [0] * (end - start)
            if not answer.is_reading:
                outputs[-1] = 1
                drawn.append(answer)
        if len(drawn) > len(running):
            self._running = drawn.copy()
            self._reading = [answer for answer in self._reading if answer.is_reading]
        return tokens, positions, owners, outputs, drawn

    def _draw(self, drawn: list[Answer], places: list[int]) -> None:
        """Draw each answer's next token; `places` are those of its outputs in the batch."""
        rows = self._context.logits(len(drawn))
        likeliest, normalisers = self._distributions(rows)
        now_s = self._clock()
        for index, answer in enumerate(drawn):
            token = likeliest[index]
            if answer.sampler is not None:
                try:
                    token = answer.sampler.draw(places[index], rows[index])
                except DeadEnd:
                    self._remove(answer)
                    answer.fail("internal")
                    continue
            logprob = float(rows[index, token]) - normalisers[index]
            told = answer.logprobs.of(token, logprob, rows[index], normalisers[index]) if answer.logprobs else None
            if answer.take(token, self._model.piece(token), logprob, now_s, told):
                self._remove(answer)

    def _distributions(self, rows: NDArray[np.float32]) -> tuple[list[int], list[float]]:
        """Return for each row of logits the likeliest token and the logarithm of the sum of exponentials."""
        likeliest = rows.argmax(axis=1)
        peaks = rows[self._places[: len(rows)], likeliest]
        exponents = self._exponents[: len(rows)]
        np.subtract(rows, peaks[:, None], out=exponents)
        np.exp(exponents, out=exponents)
        normalisers = np.log(exponents.sum(axis=1)) + peaks
        return likeliest.tolist(), normalisers.tolist()

    def _fail_all(self) -> None:
        """After a failed decode no sequence in the cache can be trusted."""
        for answer in [*self._reading, *self._running]:
            self._remove(answer)
            answer.fail("internal")

    # ── bookkeeping ──────────────────────────────────────────────────────────────────────────────────────────────

    def _all(self) -> list[Answer]:
        return [*self._running, *self._reading, *self._waiting]

    def _remove(self, answer: Answer) -> None:
        """Take an answer out and give back its place; the cache holds nothing of it afterwards."""
        if answer.owner < 0:
            self._waiting.remove(answer)
            return
        (self._reading if answer in self._reading else self._running).remove(answer)
        self._context.remove(answer.owner)
        self._owners.append(answer.owner)
        self._cells_free += answer.cells
        answer.owner = -1
