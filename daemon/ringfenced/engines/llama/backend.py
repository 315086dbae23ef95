"""The llama.cpp engine behind the socket: reads commands, makes answers of them, and keeps the batcher stepping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.batcher import Batch, Batcher, Limits
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.grammar import BadSchema, schema_to_grammar
from ringfenced.engines.llama.sampler import BadSampling, Sampler, defaults_of, settings_from_wire
from ringfenced.engines.llama.template import ChatTemplate, TemplateRefused, Turn
from ringfenced.engines.server import Connection, EngineServer

_ROLES = {
    types_pb2.ROLE_SYSTEM: "system",
    types_pb2.ROLE_USER: "user",
    types_pb2.ROLE_ASSISTANT: "assistant",
    types_pb2.ROLE_TOOL: "tool",
}

INLINE_S = 0.01
"""Shorter steps are computed in the loop: handing one to a thread takes 0.1 ms, a hundredth of that."""


class _Unreadable(ValueError):
    """A part of the prompt that this engine cannot read."""


class LlamaBackend:
    """One model."""

    def __init__(
        self, server: EngineServer, model: LlamaModel, context: LlamaContext, limits: Limits, *, version: str
    ) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed after each step.
            model: the model.
            context: its working memory, as large as `limits` say.
            limits: how much at once.
            version: of the library, for the description.
        """
        self._server = server
        self._model = model
        self._context = context
        self._limits = limits
        self._version = version
        self._batcher = Batcher(model, context, limits, time.monotonic)
        self._defaults = defaults_of(model)
        eos = model.meta("tokenizer.ggml.eos_token_id")
        self._template = ChatTemplate(
            model.chat_template(),
            bos=model.token_text(model.bos),
            eos=model.token_text(int(eos) if eos else -1),
            control=model.control_texts(),
        )
        self._is_stepping = False
        self._thread = ThreadPoolExecutor(1, "compute")

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self) -> engine_pb2.EngineDescription:
        """Say what is hosted."""
        return engine_pb2.EngineDescription(
            engine="llama.cpp",
            engine_version=self._version,
            model_architecture=self._model.meta("general.architecture") or "",
            context_tokens_max=self._limits.context_tokens_max,
            sequences_max=self._limits.sequences_max,
            model_bytes=self._model.bytes,
            supports_json_schema=True,
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin an answer, or fail it."""
        try:
            answer = self._answer(connection, command)
        except _Unreadable:
            connection.fail(command.sequence, "unsupported")
        except TemplateRefused:
            connection.fail(command.sequence, "template_refused")
        except BadSchema:
            connection.fail(command.sequence, "bad_schema")
        except BadSampling:
            connection.fail(command.sequence, "bad_sampling")
        else:
            if answer is not None:
                self._batcher.add(answer, command)
                self._keep_stepping()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End an answer."""
        self._batcher.cancel(connection, sequence)

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count a prompt's tokens."""
        try:
            tokens = len(self._tokens(command.messages, command.tools))
        except _Unreadable:
            connection.fail(command.sequence, "unsupported")
        except TemplateRefused:
            connection.fail(command.sequence, "template_refused")
        else:
            connection.dirty().counts.add(
                sequence=command.sequence, tokens=tokens, context_tokens_max=self._limits.context_tokens_max
            )

    def forget(self, connection: Connection) -> None:
        """End a daemon's answers."""
        self._batcher.forget(connection)

    def load(self) -> engine_pb2.EngineLoad:
        """Say how busy it is."""
        return self._batcher.load()

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep_stepping(self) -> None:
        """Step in the loop's next round, so that all commands that have arrived are in it."""
        if not self._is_stepping:
            self._is_stepping = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin a step; compute it here where that is short, else in a thread of its own while the loop goes on."""
        batch = self._batcher.begin()
        if batch is None:  # all was cancelled in the meantime, or waits
            self._is_stepping = False
            self._server.flush()
            return
        expected_s = self._batcher.expected_s(batch)
        if expected_s is not None and expected_s < INLINE_S:
            self._batcher.compute(batch)
            self._finish(batch)
            return
        computing = asyncio.get_running_loop().run_in_executor(self._thread, self._batcher.compute, batch)
        computing.add_done_callback(lambda done: self._computed(done, batch))

    def _computed(self, done: asyncio.Future[None], batch: Batch) -> None:
        done.result()  # a defect ends the process
        self._finish(batch)

    def _finish(self, batch: Batch) -> None:
        self._batcher.finish(batch)
        self._server.flush()
        self._is_stepping = False
        if not self._batcher.is_idle:
            self._keep_stepping()

    # ── from a command to an answer ──────────────────────────────────────────────────────────────────────────────

    def _answer(self, connection: Connection, command: engine_pb2.EngineSubmit) -> Answer | None:
        """Return the answer to begin; None where it could not or need not begin and the connection was told."""
        prompt = self._tokens(command.messages, command.tools)
        rest = self._limits.context_tokens_max - len(prompt)
        if rest < 1:
            connection.fail(
                command.sequence,
                "context_exceeded",
                prompt_tokens=len(prompt),
                context_tokens_max=self._limits.context_tokens_max,
            )
            return None
        settings = settings_from_wire(command.sampling, self._defaults)
        schema = command.response_format.json_schema
        grammar = schema_to_grammar(schema) if schema else ""
        sampler = None
        if grammar or not settings.is_plain:
            sampler = Sampler(self._model, self._context, settings, grammar, self._limits.context_tokens_max)
        asked = command.sampling.tokens_max if command.sampling.HasField("tokens_max") else rest
        answer = Answer(
            connection,
            command,
            prompt=prompt,
            tokens_max=min(asked, rest),
            sampler=sampler,
            now_s=time.monotonic(),
        )
        if not asked:
            answer.finish(time.monotonic(), types_pb2.FINISH_REASON_LENGTH)
            return None
        return answer

    def _tokens(self, messages: Iterable[types_pb2.Message], tools: Iterable[types_pb2.Tool]) -> list[int]:
        """Return the prompt's tokens as the model was trained to see them; never none."""
        if any(True for _ in tools):
            raise _Unreadable("tools")
        segments = self._template.render([_turn(message) for message in messages])
        tokens: list[int] = []
        for segment in segments:
            tokens += self._model.tokenize(segment.text, is_control=segment.is_control)
        tokens = self._model.with_bos(tokens)
        if not tokens:
            raise TemplateRefused("an empty prompt")
        return tokens


def _turn(message: types_pb2.Message) -> Turn:
    if message.tool_calls or message.role not in _ROLES:
        raise _Unreadable("a tool call")
    return Turn(_ROLES[message.role], "\n".join(map(_text, message.parts)), message.name)


def _text(part: types_pb2.Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "json":
            return part.json
        case "file":
            try:
                text = part.file.data.decode()
            except UnicodeDecodeError:
                raise _Unreadable("a file that is no text") from None
            return f"{part.file.name}:\n{text}" if part.file.name else text
    raise _Unreadable("a picture")
