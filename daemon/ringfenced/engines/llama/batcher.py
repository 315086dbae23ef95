"""Continuous batching: a step decodes one token of each running answer and a budgeted piece of prompts being read.

Nothing here blocks, waits or knows sockets: commands come as method calls, results go to each answer's connection.
A step has three parts. `begin` drops what is too late, admits what fits and composes the batch; `compute` decodes it;
`finish` draws the tokens and sends them. `compute` alone may run in another thread: until it has returned, answers may
be added and cancelled, but nothing of the batch or of the context changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Admission, Ticket
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.cache import Cache, Keeping
from ringfenced.engines.llama.sampler import DeadEnd
from ringfenced.engines.llama.sights import Sight
from ringfenced.engines.llama.stride import Reader, Stride, divide
from ringfenced.engines.server import Connection
from ringfenced.weights.serving import batch_tokens, places

LATELY_S = 10.0
"""For how long a share that has nothing to do is reckoned with: people read an answer before they ask again."""

ADAPTER_TURN_STEPS = 4
"""Steps with one LoRA adapter while answers wait for another: to change it costs llama.cpp 3 to 4 ms."""


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
    """Answers that wait, of each class of priority."""
    step_tokens: int
    """Prompt tokens a step while answers are running: what a long prompt may add to their gaps."""
    step_s: float = 0.5
    """Seconds that reading these may take; fewer are read where they would take longer."""
    keeping: Keeping = field(default_factory=Keeping)
    """What is kept of answers that ended."""

    @property
    def places_max(self) -> int:
        """Answers at the same time where shares that have none find all places taken; some of them sit out steps."""
        return places(self.sequences_max)

    @property
    def batch_tokens(self) -> int:
        """Most tokens in one batch: a step's, or a larger piece of a prompt while nobody waits for a token."""
        return batch_tokens(self.sequences_max, self.step_tokens)


class Batch:
    """What one step computes: four lists of the same length, one entry a token, and whose they are."""

    __slots__ = ("drawn", "looks", "outputs", "owners", "places", "positions", "read", "running", "status", "tokens")

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.owners: list[int] = []
        self.outputs: list[int] = []
        self.drawn: list[Answer] = []
        """Answers whose next token comes of it."""
        self.places: list[int] = []
        """Where in the batch each of these has its distribution."""
        self.read: list[tuple[Answer, int]] = []
        """Answers that read a piece of their prompts, and how much."""
        self.running = 0
        """How many of them were running before it."""
        self.looks: list[tuple[Sight, int, int]] = []
        """Pictures that are read before it, each with its position and its sequence."""
        self.status = 0
        """What came of computing it; 0 for well."""

    def sort(self) -> None:
        """Put the sequences in the order of their numbers, as they are stored.

        Where sequences have cells of their own llama.cpp computes only those together that follow each other, one
        number after the other (`llama_batch_allocr::split_equal`); for all others it reads the weights again.
        """
        order = sorted(range(len(self.owners)), key=self.owners.__getitem__)
        now = {was: place for place, was in enumerate(order)}
        self.tokens = [self.tokens[was] for was in order]
        self.positions = [self.positions[was] for was in order]
        self.owners = [self.owners[was] for was in order]
        self.outputs = [self.outputs[was] for was in order]
        drawn = sorted(zip((now[was] for was in self.places), self.drawn, strict=True), key=itemgetter(0))
        self.places = [place for place, _ in drawn]
        self.drawn = [answer for _, answer in drawn]


class Batcher:
    """The answers of one model: those that wait, those that read their prompts, those that run."""

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
        self._door: Admission[Answer] = Admission(queue_max=limits.queue_max, clock=clock)
        self._cache = Cache(context, cells=limits.cells, sequences=limits.places_max, keeping=limits.keeping)
        self._stride = Stride(step_tokens=limits.step_tokens, batch_tokens=limits.batch_tokens, step_s=limits.step_s)
        self._reading: list[Answer] = []
        self._running: list[Answer] = []
        self._gone: list[Answer] = []
        """Answers that were ended while a step was being computed."""
        self._is_computing = False
        self._blocked: tuple[Ticket[Answer], int] | None = None
        """The head of the queue that found no room, and how often room had been given back by then."""
        self._adapter = ""
        """The LoRA adapter of the last step; where answers have several, each has a turn of some steps."""
        self._turn_steps = 0
        self._deadline_s = float("inf")
        """The earliest deadline of those that have a place, or one that has gone already."""
        self._steps = 0
        self._sat_out = False
        """Whether those that run sat out the last step, for a share that has nothing but prompts to read."""
        self._began_s = 0.0
        self._seen: dict[bytes, float] = {}
        """When each share last had something to do."""
        self._places = np.arange(limits.places_max)
        self._exponents = np.empty((limits.places_max, model.tokens_n), np.float32)

    @property
    def is_idle(self) -> bool:
        """Whether a step would do nothing."""
        return not (self._reading or self._running or self._door.waiting)

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy it is."""
        load = self._door.load(places=self._limits.sequences_max, places_max=self._limits.places_max)
        load.cells = self._cache.cells
        load.cells_running = self._cache.cells_running
        load.cells_kept = self._cache.cells_kept
        return load

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, answer: Answer, command: engine_pb2.EngineSubmit) -> None:
        """Queue an answer, or fail it or the one that must go for it."""
        # The context is not asked anything while it computes in its thread, also not how far a window reaches.
        cached = 0 if self._is_computing else self._cache.cached(answer.group, answer.prompt)
        answer.ticket = self._door.ticket(
            answer, command, prompt_tokens=len(answer.prompt) - cached, answer_tokens_max=answer.tokens_max
        )
        refused = self._door.ask(answer.ticket, is_free=self._is_free(answer))
        if refused is not None:
            refused.ticket.item.fail(refused.reason, **refused.numbers)
        if not self._is_computing:
            self._admit()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End an answer now and send its finish; do nothing where there is none."""
        for answer in self._all():
            if answer.connection is connection and answer.sequence == sequence:
                answer.finish(self._clock(), types_pb2.FINISH_REASON_STOP, cancelled=True)
                self._remove(answer)
                return

    def forget(self, connection: Connection) -> None:
        """End every answer of a connection that is gone."""
        for answer in list(self._all()):
            if answer.connection is connection:
                self._remove(answer)

    # ── a step ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> Batch | None:
        """Begin a step; return what it computes, or None where there is nothing to."""
        now_s = self._clock()
        if now_s >= min(self._deadline_s, self._door.deadline_s):
            self._expire(now_s)
        self._admit()
        if not (self._reading or self._running):
            return None
        self._steps += 1
        self._choose_adapter()
        self._is_computing = True
        self._began_s = now_s
        return self._compose()

    def compute(self, batch: Batch) -> None:
        """Compute it; may run in another thread."""
        for sight, position, owner in batch.looks:
            if not sight.decode(self._context, position, owner):
                batch.status = -1
                return
        if batch.tokens:
            batch.status = self._context.decode(batch.tokens, batch.positions, batch.owners, batch.outputs)

    def expected_s(self, batch: Batch) -> float | None:
        """Return what computing it will take, in seconds; None where that is not known."""
        if batch.looks:
            return None
        return self._stride.expected_s(batch.running, len(batch.tokens) - batch.running)

    def finish(self, batch: Batch) -> None:
        """Draw the next tokens and send them."""
        self._is_computing = False
        if batch.status:
            self._fail_all()
            return
        for answer, tokens in batch.read:
            assert answer.place is not None
            self._cache.grow(answer.place, tokens, answer.position)
        if batch.drawn:
            self._draw(batch)
        seconds = self._clock() - self._began_s
        if not batch.looks:
            self._stride.note(batch.running, len(batch.tokens) - batch.running, seconds)
        if batch.running:
            self._door.tokens(seconds)
        gone, self._gone = self._gone, []
        for answer in gone:
            self._give_back(answer)

    # ── the parts of a step ──────────────────────────────────────────────────────────────────────────────────────

    def _expire(self, now_s: float) -> None:
        """Drop what is too late, and find the next deadline."""
        for ticket in self._door.expire():
            ticket.item.fail("deadline")
        for answer in [*self._running, *self._reading]:
            if answer.deadline_s <= now_s:
                answer.fail("deadline")
                self._remove(answer)
        self._deadline_s = min((answer.deadline_s for answer in [*self._running, *self._reading]), default=float("inf"))

    def _next(self) -> Ticket[Answer] | None:
        """Return who is let in next; a share that has no place need not wait until one of the others' is free."""
        busy = len(self._running) + len(self._reading)
        if not self._door.waiting or busy >= self._limits.places_max:
            return None
        return self._door.head() if busy < self._limits.sequences_max else self._door.newcomer()

    def _is_free(self, answer: Answer) -> bool:
        """Whether an answer would get a place now, those that wait before it included."""
        busy = len(self._reading) + len(self._running) + self._door.waiting
        if busy >= self._limits.sequences_max:
            return False
        return self._cache.fits(answer.cells + sum(ticket.item.cells for ticket in self._door))

    def _admit(self) -> None:
        """Let in what fits, whose turn it is: its room in the cache is reserved to the last token."""
        while (ticket := self._next()) is not None:
            if self._blocked == (ticket, self._cache.changes):
                return
            answer = ticket.item
            answer.place = self._cache.take(answer.group, answer.prompt, answer.cells, is_lent=not answer.confidential)
            if answer.place is None:
                self._blocked = (ticket, self._cache.changes)
                return
            answer.position = answer.place.shared
            ticket.prompt_tokens = len(answer.prompt) - answer.place.shared
            self._door.begin(ticket)
            answer.leader = self._cache.leader(answer.place)
            self._reading.append(answer)
            self._deadline_s = min(self._deadline_s, answer.deadline_s)

    def _compose(self) -> Batch:
        batch = Batch()
        running, reading = self._mine(self._running), self._mine(self._reading)
        if not reading and len({answer.ticket.share for answer in running}) == 1:
            self._advance(batch, running)
            return batch
        weights = {answer.ticket.share: answer.ticket.weight for answer in [*running, *reading]}
        counts: dict[bytes, int] = {}
        for answer in running:
            counts[answer.ticket.share] = counts.get(answer.ticket.share, 0) + 1
        readers = self._readers(reading)
        self._look(batch, readers)
        unserved = [answer for answer in readers if answer.ticket.share not in counts]
        self._sat_out = not self._sat_out and bool(unserved)
        read_s = None
        if self._sat_out:
            readers = unserved
        else:
            turn = self._stride.turn(counts, weights, is_reading=bool(readers))
            self._advance(batch, [answer for answer in running if answer.ticket.share in turn.shares])
            read_s = turn.read_s
        is_shared = self._is_shared(weights)
        tokens = self._stride.reading(batch.running, read_s, readers=len(readers), is_shared=is_shared)
        self._read(batch, readers, tokens, over=0 if is_shared and batch.running else tokens // 2)
        if read_s is not None:
            self._stride.read(len(batch.tokens) - batch.running)
        if not self._context.is_pool:
            batch.sort()
        return batch

    def _is_shared(self, shares: Iterable[bytes]) -> bool:
        """Whether several shares have had something to do lately, so that one of them may come back at any time."""
        self._seen |= dict.fromkeys(shares, self._began_s)
        if len(self._seen) > 1:
            self._seen = {share: at_s for share, at_s in self._seen.items() if at_s > self._began_s - LATELY_S}
        return len(self._seen) > 1

    def _choose_adapter(self) -> None:
        """See whose turn it is: a batch has one adapter."""
        wanted = {answer.adapter for answer in (*self._reading, *self._running)}
        self._turn_steps += 1
        if self._adapter not in wanted or self._turn_steps >= ADAPTER_TURN_STEPS:
            self._adapter = min([name for name in wanted if name > self._adapter] or wanted)
            self._turn_steps = 0
        self._context.use(self._adapter)

    def _mine(self, answers: list[Answer]) -> list[Answer]:
        """Return those whose adapter has its turn."""
        return [answer for answer in answers if answer.adapter == self._adapter]

    def _advance(self, batch: Batch, running: list[Answer]) -> None:
        """Add the last token of answers to a batch, for their next ones."""
        for answer in running:
            place, token = answer.place, answer.token
            assert place is not None
            batch.tokens.append(token)
            batch.positions.append(answer.position)
            batch.owners.append(place.owner)
            place.drawn.append(token)
            answer.position += 1
        batch.drawn = running.copy()
        batch.running = len(running)
        batch.outputs = [1] * batch.running
        batch.places = list(range(batch.running))

    def _look(self, batch: Batch, readers: list[Answer]) -> None:
        """Add the pictures that come next in prompts to a batch."""
        for answer in readers:
            assert answer.place is not None
            for sight, position in answer.looks():
                batch.looks.append((sight, position, answer.place.owner))
                batch.read.append((answer, sight.tokens))

    def _readers(self, reading: list[Answer]) -> list[Answer]:
        """Return the answers that read; one that waits for another to read their common beginning does not."""
        readers = []
        for answer in reading:
            if answer.leader is not None:
                leader, common = answer.leader
                if any(one.place is leader and one.position < common for one in self._reading):
                    continue
                self._follow(answer)
            readers.append(answer)
        return readers

    def _follow(self, answer: Answer) -> None:
        """Begin anew behind what another has read in the meantime; it has read nothing itself."""
        answer.leader = None
        assert answer.place is not None
        self._cache.give(answer.place, is_kept=False)
        answer.place = self._cache.take(answer.group, answer.prompt, answer.cells, is_lent=not answer.confidential)
        assert answer.place is not None, "what it gave back is enough"
        answer.position = answer.place.shared

    def _read(self, batch: Batch, readers: list[Answer], budget: int, over: int) -> None:
        """Add pieces of prompts to a batch.

        Where each sequence has cells of its own every prompt gets a token at least beside those that run: one that got
        none would stand between two of these, which could not be computed together.
        """
        left = [
            Reader(answer.ticket.share, answer.ticket.weight, answer.reading_end - answer.position)
            for answer in readers
        ]
        served = {answer.ticket.share for answer in self._running}
        given = divide(
            left,
            budget,
            served=served,
            is_short_first=self._steps % 2 == 0,
            least=1 if batch.running and not self._context.is_pool else 0,
            over=min(over, self._limits.batch_tokens - batch.running - budget),
        )
        for answer, tokens in zip(readers, given, strict=True):
            if not tokens:
                continue
            assert answer.place is not None
            start, end = answer.position, answer.position + tokens
            answer.position = end
            batch.tokens += answer.prompt[start:end].tolist()
            batch.positions += range(start, end)
            batch.owners += [answer.place.owner] * tokens
            batch.outputs += [0] * tokens
            batch.read.append((answer, tokens))
            if not answer.is_reading:
                batch.outputs[-1] = 1
                batch.places.append(len(batch.outputs) - 1)
                batch.drawn.append(answer)
                self._reading.remove(answer)
                self._running.append(answer)
                self._running.sort(key=_owner)  # where each has cells of its own, neighbours are computed together

    def _draw(self, batch: Batch) -> None:
        """Draw each answer's next token."""
        rows = self._context.logits(len(batch.drawn))
        likeliest, normalisers = self._distributions(rows)
        now_s = self._clock()
        for index, answer in enumerate(batch.drawn):
            if answer.is_gone:
                continue
            token = likeliest[index]
            if answer.sampler is not None:
                try:
                    token = answer.sampler.draw(batch.places[index], rows[index])
                except DeadEnd:
                    answer.fail("internal")
                    self._remove(answer)
                    continue
            if not answer.completion_tokens:
                self._door.first_token(answer.ticket)
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
            answer.fail("internal")
            answer.confidential = True  # nothing of it is kept
            self._remove(answer)
        gone, self._gone = self._gone, []
        for answer in gone:
            answer.confidential = True
            self._give_back(answer)
        self._cache.clear()

    # ── bookkeeping ──────────────────────────────────────────────────────────────────────────────────────────────

    def _all(self) -> Iterator[Answer]:
        """Every answer that has not ended."""
        yield from self._running
        yield from self._reading
        for ticket in self._door:
            yield ticket.item

    def _remove(self, answer: Answer) -> None:
        """Take an answer out; its place is given back as soon as nothing is computed in it."""
        if answer.place is None:
            self._door.leave(answer.ticket)
            return
        (self._reading if answer in self._reading else self._running).remove(answer)
        if self._is_computing:
            answer.is_gone = True
            self._gone.append(answer)
        else:
            self._give_back(answer)

    def _give_back(self, answer: Answer) -> None:
        """Give an answer's place back; the cache holds nothing of one that is confidential afterwards."""
        place = answer.place
        assert place is not None
        read = min(answer.position, len(answer.prompt)) - place.shared
        self._door.end(answer.ticket, prompt_tokens=read, answer_tokens=answer.completion_tokens)
        self._cache.give(place, is_kept=not answer.confidential)
        answer.place = None


def _owner(answer: Answer) -> int:
    assert answer.place is not None
    return answer.place.owner
