"""The vLLM engine behind the socket: reads commands, lets answers in, and passes on what vLLM makes of them.

vLLM batches and schedules by itself; what waits for a place waits here, where shares and deadlines are kept
(`engines/admission.py`), so that vLLM never holds more than it runs.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Admission
from ringfenced.engines.llama.template import TemplateRefused
from ringfenced.engines.server import Connection, EngineServer
from ringfenced.engines.vllm.answer import Answer, Generation
from ringfenced.engines.vllm.outlet import Outlet
from ringfenced.engines.vllm.prompt import Prompter, Unreadable, characters_of
from ringfenced.engines.vllm.sampling import BadSampling, BadStructure, params_from_wire, structure_from_wire

INLINE_CHARS_MAX = 4096
"""Prompts up to this many characters are read at once, in about 2 ms; longer ones in a thread, so that running answers
do not wait for them."""


class Refusal(Exception):  # noqa: N818  # not every one is an error of ours
    """vLLM does not take a request."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What vLLM hosts."""

    version: str
    """vLLM's."""
    architecture: str
    """The model's, for example ``LlamaForCausalLM``."""
    model_bytes: int
    """Size of the weights' files."""
    context_tokens_max: int
    """Prompt and answer of one sequence."""
    tokens_n: int
    """Size of the vocabulary."""
    cells: int
    """Tokens that the cache holds."""
    pieces: Sequence[bytes] | None
    """Bytes of each token; None where vLLM makes the text itself."""
    defaults: Mapping[str, Any]
    """The sampling that the model's folder recommends, by vLLM's names."""
    adapters: tuple[str, ...] = ()
    """Names of its LoRA adapters."""
    dimensions: int = 0
    """Length of an embedding; 0 for a model that answers."""
    memory: tuple[Mapping[str, Any], ...] = ()
    """What each worker says that the model takes (`Extension.ringfence_memory`)."""


class Host(Protocol):
    """vLLM, as far as it is needed here (`host.py`)."""

    facts: Facts
    prompter: Prompter

    def generate(self, generation: Generation) -> AsyncIterator[Any]:
        """Yield RequestOutputs of what is new; raise `Refusal` where vLLM does not take the request."""

    async def embed(self, name: str, prompt: list[int], *, is_batch: bool) -> Sequence[float]:
        """Return a prompt's embedding."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text to embed."""

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
    """Answers at the same time."""
    queue_max: int
    """Answers that wait."""


class VllmBackend:
    """One model."""

    def __init__(self, server: EngineServer, host: Host, limits: Limits, tasks: asyncio.TaskGroup) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed.
            host: vLLM.
            limits: how much at once.
            tasks: where the tasks run; one that fails is a defect, and ends the process.
        """
        self._server = server
        self._host = host
        self._limits = limits
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._door: Admission[Answer] = Admission(queue_max=limits.queue_max, clock=time.monotonic)
        self._answers: dict[tuple[Connection, int], Answer | asyncio.Task[None]] = {}
        """All that have not ended, by where they came from; a task while its prompt is read."""
        self._running = 0
        self._names = map(str, itertools.count())
        self._asleep = False
        self._flushes = False

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is hosted."""
        facts = self._host.facts
        embeds = bool(facts.dimensions)
        return engine_pb2.EngineDescription(
            engine="vllm",
            engine_version=facts.version,
            model_architecture=facts.architecture,
            context_tokens_max=self._limits.context_tokens_max,
            sequences_max=self._limits.sequences_max,
            model_bytes=facts.model_bytes,
            supports_json_schema=not embeds,
            supports_grammar=not embeds,
            supports_logprobs=not embeds,
            supports_embeddings=embeds,
            embedding_dimensions=facts.dimensions,
            adapters=facts.adapters,
            memory=[
                engine_pb2.EngineMemory(**{name: value for name, value in part.items() if value is not None})
                for part in facts.memory
            ],
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin an answer, or fail it."""
        if characters_of(command.messages) <= INLINE_CHARS_MAX:
            try:
                prompt = self._host.prompter.tokens(command.messages, command.tools)
            except (Unreadable, TemplateRefused) as error:
                self._refuse(connection, command.sequence, error)
            else:
                self._enter(connection, command, prompt)
            return
        key = (connection, command.sequence)
        self._answers[key] = self._tasks.create_task(self._read_and_enter(connection, command))

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End an answer."""
        answer = self._answers.get((connection, sequence))
        if isinstance(answer, Answer):
            answer.finish(time.monotonic(), types_pb2.FINISH_REASON_STOP, cancelled=True)
            self._remove(answer)
        elif answer is not None:
            answer.cancel()
            del self._answers[connection, sequence]
            connection.dirty().finishes.add(
                sequence=sequence, reason=types_pb2.FINISH_REASON_STOP, cancelled=True
            )

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count a prompt's tokens."""
        if characters_of(command.messages) <= INLINE_CHARS_MAX:
            self._tell_count(connection, command, lambda: self._host.prompter.tokens(command.messages, command.tools))
        else:
            self._tasks.create_task(self._read_and_count(connection, command))

    def forget(self, connection: Connection) -> None:
        """End a daemon's answers."""
        for (owner, _), answer in list(self._answers.items()):
            if owner is not connection:
                continue
            if isinstance(answer, Answer):
                answer.is_over = True
                self._remove(answer)
            else:
                answer.cancel()
                del self._answers[owner, _]

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy the engine is."""
        load = self._door.load(places=self._limits.sequences_max)
        load.cells = self._host.facts.cells
        load.cells_running = sum(
            len(answer.generation.prompt) + answer.completion_tokens
            for answer in self._answers.values()
            if isinstance(answer, Answer) and answer.task is not None
        )
        load.asleep = self._asleep
        return load

    def sleep(self, connection: Connection) -> None:
        """Give the devices' memory back; what comes meanwhile waits."""
        self._tasks.create_task(self._rest(connection, asleep=True))

    def wake(self, connection: Connection) -> None:
        """Take it again, and go on with what waits."""
        self._tasks.create_task(self._rest(connection, asleep=False))

    # ── from a command to an answer ──────────────────────────────────────────────────────────────────────────────

    async def _read_and_enter(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        try:
            prompt = await asyncio.to_thread(self._host.prompter.tokens, command.messages, command.tools)
        except (Unreadable, TemplateRefused) as error:
            self._refuse(connection, command.sequence, error)
        else:
            self._enter(connection, command, prompt)
        finally:
            self._flush_soon()

    def _enter(self, connection: Connection, command: engine_pb2.EngineSubmit, prompt: list[int]) -> None:
        """Take an answer whose prompt was read, to the door and as far in as there is room."""
        self._answers.pop((connection, command.sequence), None)
        answer = self._answer(connection, command, prompt)
        if answer is None:
            return
        self._answers[connection, command.sequence] = answer
        asked = answer.generation.params["max_tokens"]
        answer.ticket = self._door.ticket(answer, command, prompt_tokens=len(prompt), answer_tokens_max=asked)
        is_free = self._running < self._limits.sequences_max and not self._asleep
        refused = self._door.ask(answer.ticket, is_free=is_free)
        if refused is not None:
            gone = refused.ticket.item
            gone.fail(refused.reason, **refused.numbers)
            self._drop(gone)
        if answer.is_over:
            return
        if command.deadline_ms:
            answer.timer = self._loop.call_later(command.deadline_ms / 1000, self._expire, answer)
        self._admit()

    def _answer(
        self, connection: Connection, command: engine_pb2.EngineSubmit, prompt: list[int]
    ) -> Answer | None:
        """Return the answer to begin; None where it could not or need not begin and the connection was told."""
        facts, sampling = self._host.facts, command.sampling
        rest = self._limits.context_tokens_max - len(prompt)
        if facts.dimensions:
            connection.fail(command.sequence, "unsupported")
            return None
        if command.adapter and command.adapter not in facts.adapters:
            connection.fail(command.sequence, "adapter_unknown")
            return None
        if rest < 1:
            connection.fail(
                command.sequence,
                "context_exceeded",
                prompt_tokens=len(prompt),
                context_tokens_max=self._limits.context_tokens_max,
            )
            return None
        asked = min(sampling.tokens_max, rest) if sampling.HasField("tokens_max") else rest
        try:
            params = params_from_wire(sampling, facts.defaults, tokens_max=asked, tokens_n=facts.tokens_n)
            structure = structure_from_wire(command.response_format)
        except (BadSampling, BadStructure) as error:
            self._refuse(connection, command.sequence, error, command)
            return None
        generation = Generation(
            name=next(self._names),
            prompt=prompt,
            params=params,
            structure=structure,
            # nobody else's prompt finds what is confidential
            salt=secrets.token_hex(16) if command.confidential else command.cache_salt.hex() or None,
            adapter=command.adapter,
            is_batch=command.priority == types_pb2.PRIORITY_BATCH,
        )
        outlet = Outlet(connection, command.sequence, command.sampling.stop)
        answer = Answer(connection, command, generation, outlet, facts.pieces, time.monotonic())
        if not asked:
            answer.finish(time.monotonic(), types_pb2.FINISH_REASON_LENGTH)
            return None
        return answer

    def _refuse(
        self,
        connection: Connection,
        sequence: int,
        error: Exception,
        command: engine_pb2.EngineSubmit | None = None,
    ) -> None:
        """Tell why a request is not taken, without a word of the error's own."""
        self._answers.pop((connection, sequence), None)
        connection.fail(sequence, _reason(error, command))

    async def _read_and_count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        reading = asyncio.to_thread(self._host.prompter.tokens, command.messages, command.tools)
        try:
            tokens = await reading
        except (Unreadable, TemplateRefused) as error:
            connection.fail(command.sequence, _reason(error))
        else:
            self._tell_count(connection, command, lambda: tokens)
        finally:
            self._flush_soon()

    def _tell_count(
        self, connection: Connection, command: engine_pb2.EngineCount, read: Callable[[], list[int]]
    ) -> None:
        try:
            tokens = read()
        except (Unreadable, TemplateRefused) as error:
            connection.fail(command.sequence, _reason(error))
            return
        connection.dirty().counts.add(
            sequence=command.sequence, tokens=len(tokens), context_tokens_max=self._limits.context_tokens_max
        )

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self) -> None:
        """Give places to those whose turn it is."""
        while self._running < self._limits.sequences_max and not self._asleep and self._door.waiting:
            answer = self._door.begin().item
            self._running += 1
            answer.task = self._tasks.create_task(self._run(answer))

    async def _run(self, answer: Answer) -> None:
        """Pass on what vLLM makes of an answer."""
        assert answer.ticket is not None
        try:
            async for output in self._host.generate(answer.generation):
                spent_s = answer.take(output, time.monotonic())
                if spent_s:
                    self._door.tokens(spent_s)
                else:
                    self._door.first_token(answer.ticket)
                self._flush_soon()
                if answer.is_over:
                    break
        except Refusal:
            answer.fail("internal" if answer.completion_tokens else _refused(answer.generation))
        else:
            answer.fail("internal")  # where it ended without an end
        self._remove(answer)
        self._flush_soon()

    def _expire(self, answer: Answer) -> None:
        answer.fail("deadline")
        self._remove(answer)
        self._flush_soon()

    def _remove(self, answer: Answer) -> None:
        """Take an answer out and give its place to the next."""
        if not self._drop(answer):
            return
        ticket = answer.ticket
        assert ticket is not None
        if ticket in self._door:
            self._door.leave(ticket)
            return
        self._running -= 1
        read = len(answer.generation.prompt) - answer.cached_tokens
        self._door.end(ticket, prompt_tokens=read, answer_tokens=answer.completion_tokens)
        if answer.task is not None and answer.task is not asyncio.current_task():
            answer.task.cancel()
        self._admit()

    def _drop(self, answer: Answer) -> bool:
        """Forget an answer; return whether it was known."""
        if answer.timer is not None:
            answer.timer.cancel()
        return self._answers.pop((answer.connection, answer.sequence), None) is not None

    async def _rest(self, connection: Connection, *, asleep: bool) -> None:
        if asleep:
            self._asleep = await self._host.sleep()
        else:
            self._asleep = not await self._host.wake()
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


def _reason(error: Exception, command: engine_pb2.EngineSubmit | None = None) -> str:
    """Return engine.proto's name for why a request is not taken."""
    match error:
        case Unreadable():
            return "unsupported"
        case TemplateRefused():
            return "template_refused"
        case BadSampling():
            return "bad_sampling"
        case _:
            return "bad_grammar" if command is not None and command.response_format.grammar else "bad_schema"


def _refused(generation: Generation) -> str:
    """Return the likeliest reason for which vLLM itself refuses what was checked here: it compiles structures."""
    if generation.structure is None:
        return "bad_sampling"
    return "bad_grammar" if "grammar" in generation.structure else "bad_schema"
