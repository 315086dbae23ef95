"""The llama.cpp engine behind the socket: reads commands, makes answers of them, and keeps the batcher stepping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.batcher import Batcher, Limits
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.making import AnswerMaker, Refused
from ringfenced.engines.server import Connection, EngineServer


class LlamaBackend:
    """One model."""

    def __init__(
        self,
        server: EngineServer,
        model: LlamaModel,
        context: LlamaContext,
        limits: Limits,
        *,
        version: str,
        adapters: Sequence[str] = (),
    ) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed after each step.
            model: the model.
            context: its working memory, as large as `limits` say.
            limits: how much at once.
            version: of the library, for the description.
            adapters: names of the LoRA adapters that are loaded.
        """
        self._server = server
        self._model = model
        self._context = context
        self._limits = limits
        self._version = version
        self._batcher = Batcher(model, context, limits, time.monotonic)
        self._adapters = adapters
        self._maker = AnswerMaker(model, context, limits, adapters)
        self._is_stepping = False

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
            supports_tools=True,
            supports_json_schema=True,
            supports_grammar=True,
            supports_logprobs=True,
            adapters=self._adapters,
        )

    def submit(self, connection: Connection, command: engine_pb2.EngineSubmit) -> None:
        """Begin an answer, or fail it."""
        try:
            answer = self._maker.make(connection, command)
        except Refused as refused:
            connection.fail(command.sequence, refused.reason, **refused.numbers)
            return
        if not answer.tokens_max:
            answer.finish(time.monotonic(), types_pb2.FINISH_REASON_LENGTH)
            return
        self._batcher.add(answer)
        self._keep_stepping()

    def cancel(self, connection: Connection, sequence: int) -> None:
        """End an answer."""
        self._batcher.cancel(connection, sequence)

    def count(self, connection: Connection, command: engine_pb2.EngineCount) -> None:
        """Count a prompt's tokens."""
        try:
            tokens = self._maker.count(command.messages, command.tools)
        except Refused as refused:
            connection.fail(command.sequence, refused.reason, **refused.numbers)
        else:
            connection.dirty().counts.add(
                sequence=command.sequence, tokens=tokens, context_tokens_max=self._limits.context_tokens_max
            )

    def embed(self, connection: Connection, command: engine_pb2.EngineEmbed) -> None:
        """Refuse: an engine that answers embeds nothing."""
        connection.fail(command.sequence, "unsupported")

    def forget(self, connection: Connection) -> None:
        """End a daemon's answers."""
        self._batcher.forget(connection)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep_stepping(self) -> None:
        """Step in the loop's next round, so that all commands that have arrived are in it."""
        if not self._is_stepping:
            self._is_stepping = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_stepping = False
        if self._batcher.is_idle:  # all was cancelled in the meantime
            return
        self._batcher.step()
        self._server.flush()
        if not self._batcher.is_idle:
            self._keep_stepping()
