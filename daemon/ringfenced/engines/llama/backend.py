"""The llama.cpp engine behind the socket: reads commands, makes answers of them, and keeps the batcher stepping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.batcher import Batch, Batcher, Limits
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.making import AnswerMaker, Refused
from ringfenced.engines.llama.sights import PictureReader
from ringfenced.engines.server import Connection, EngineServer
from ringfenced.engines.wire import uses_to_wire

INLINE_S = 0.01
"""Shorter steps are computed in the loop: handing one to a thread takes 0.1 ms, a hundredth of that."""


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
        projector: PictureReader | None = None,
    ) -> None:
        """Take over a loaded model.

        Args:
            server: whose connections are flushed after each step.
            model: the model.
            context: its working memory, as large as `limits` say.
            limits: how much at once.
            version: of the library, for the description.
            adapters: names of the LoRA adapters that are loaded.
            projector: makes pictures readable; None where nothing does.
        """
        self._server = server
        self._model = model
        self._context = context
        self._limits = limits
        self._version = version
        self._batcher = Batcher(model, context, limits, time.monotonic)
        self._adapters = adapters
        self._has_projector = projector is not None
        self._maker = AnswerMaker(model, context, limits, adapters, projector)
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
            supports_tools=True,
            supports_json_schema=True,
            supports_grammar=True,
            supports_logprobs=True,
            supports_images=self._has_projector,
            adapters=self._adapters,
            memory=uses_to_wire(self._context.uses),
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
        self._batcher.add(answer, command)
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
