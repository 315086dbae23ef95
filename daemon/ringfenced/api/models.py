"""`ringfence.v1.Models`: what models there are, and operators' orders about them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from typing import Protocol

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfenced.api.call import Context, Door, answering, refuse
from ringfenced.api.names import TARGET_KINDS_BACK
from ringfenced.errors import Internal, InvalidRequest
from ringfenced.model import CallerRole, Loading, ModelFacts, Speed
from ringfenced.policy import Act

STATES = {
    "unloaded": pb.MODEL_STATE_UNLOADED,
    "loading": pb.MODEL_STATE_LOADING,
    "ready": pb.MODEL_STATE_READY,
    "failed": pb.MODEL_STATE_FAILED,
}

REFRESH_S = 1.0
"""At least this often a watched model's counts of requests are looked at, in seconds."""

GATHER_S = 0.1
"""How long changes gather before they are told, in seconds."""


class Node(Protocol):
    """What this node can tell of its models."""

    def models(self) -> tuple[ModelFacts, ...]:
        """Every model, local and of providers."""
        ...


class Way(AbstractContextManager["Way"], Protocol):
    """A model on its way into memory."""

    async def wait(self) -> Loading | None:
        """What has changed; None once it is there."""
        ...


class Hosting(Protocol):
    """The models of this node."""

    def load(self, name: str) -> Way:
        """Let one be loaded; NotFound where there is none of that name."""
        ...

    async def unload(self, name: str, *, force: bool) -> None:
        """Let one's engines end; NotFound where there is none of that name."""
        ...

    def replace(self, name: str, weights: str) -> AsyncGenerator[Loading, None]:
        """Put other weights in one's place."""
        ...

    async def changed(self) -> None:
        """Wait until something of a model changes."""
        ...


class ModelsService(pb_grpc.ModelsServicer):
    """Which models there are, and which of them are loaded."""

    def __init__(self, node: Node, hosting: Hosting, door: Door) -> None:
        """Wire."""
        self._node = node
        self._hosting = hosting
        self._door = door

    @answering
    async def ListModels(self, _request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """Every model with its state."""
        self._door.admit(context, Act.SEE_MODELS)
        return pb.ListModelsResponse(models=[model_to_pb(facts) for facts in self._node.models()])

    async def LoadModel(self, request: pb.LoadModelRequest, context: Context) -> None:  # type: ignore[override]
        """Load a model, a quarantined one again, and tell how far it is until it is ready."""
        try:
            self._door.admit(context, Act.LOAD_MODEL, CallerRole.OPERATOR)
            with self._hosting.load(_named(request.name)) as way:
                while (loading := await way.wait()) is not None:
                    await context.write(
                        pb.LoadModelResponse(
                            progress=loading.progress, stage=loading.stage, model=self._model(request.name)
                        )
                    )
            await context.write(pb.LoadModelResponse(progress=1.0, stage="ready", model=self._model(request.name)))
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets a status
            await refuse(context, error)

    @answering
    async def UnloadModel(self, request: pb.UnloadModelRequest, context: Context) -> pb.UnloadModelResponse:
        """Unload a model: what runs in it ends first, unless it is forced. Answered when it is out of memory."""
        self._door.admit(context, Act.UNLOAD_MODEL, CallerRole.OPERATOR)
        await self._hosting.unload(_named(request.name), force=request.force)
        while _is_leaving(facts := self._facts(request.name)):
            await self._news()
        return pb.UnloadModelResponse(model=model_to_pb(facts))

    async def WatchModels(self, _request: pb.WatchModelsRequest, context: Context) -> None:  # type: ignore[override]
        """Every model, then each again whenever something of it has changed."""
        try:
            self._door.admit(context, Act.SEE_MODELS, CallerRole.OPERATOR)
            told: dict[str, ModelFacts] = {}
            while True:
                news = [facts for facts in self._node.models() if told.get(facts.name) != facts]
                if news:
                    told |= {facts.name: facts for facts in news}
                    await context.write(pb.WatchModelsResponse(models=[model_to_pb(facts) for facts in news]))
                await self._news()
                await asyncio.sleep(GATHER_S)
        except Exception as error:  # noqa: BLE001 - likewise
            await refuse(context, error)

    async def ReplaceModel(self, request: pb.ReplaceModelRequest, context: Context) -> None:  # type: ignore[override]
        """Put other weights in a model's place; it goes on where the caller leaves."""
        try:
            self._door.admit(context, Act.REPLACE_MODEL, CallerRole.OPERATOR)
            name, weights = _named(request.name), _named(request.library, "library")
            async with contextlib.aclosing(self._hosting.replace(name, weights)) as steps:
                async for loading in steps:
                    await context.write(
                        pb.ReplaceModelResponse(progress=loading.progress, stage=loading.stage, model=self._model(name))
                    )
        except Exception as error:  # noqa: BLE001 - likewise
            await refuse(context, error)

    async def _news(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFRESH_S):
                await self._hosting.changed()

    def _facts(self, name: str) -> ModelFacts:
        facts = next((facts for facts in self._node.models() if facts.name == name), None)
        if facts is None:
            raise Internal("A model is hosted and not listed.")
        return facts

    def _model(self, name: str) -> pb.Model:
        return model_to_pb(self._facts(name))


def model_to_pb(facts: ModelFacts) -> pb.Model:
    """One model's facts; what is not known is unset."""
    message = pb.Model(
        name=facts.name,
        kind=TARGET_KINDS_BACK[facts.kind],
        engine=facts.engine,
        state=STATES[facts.state],
        context_tokens_max=facts.context_tokens_max,
        quality=facts.quality,
        prompt_microcredits_per_1k_tokens=facts.prompt_microcredits_per_1k_tokens,
        completion_microcredits_per_1k_tokens=facts.completion_microcredits_per_1k_tokens,
        requests_running=facts.requests_running,
        requests_waiting=facts.requests_waiting,
        failure=facts.failure,
        progress=facts.progress,
        stage=facts.stage,
        pinned=facts.pinned,
        replicas=facts.replicas,
        replicas_ready=facts.replicas_ready,
        memory=[
            pb.ModelMemory(device=m.device, planned_bytes=m.planned_bytes, measured_bytes=m.measured_bytes)
            for m in facts.memory
        ],
        deaths=facts.deaths,
        wait_ms=facts.wait_ms,
        requests_waiting_batch=facts.requests_waiting_batch,
        supports_tools=facts.supports_tools,
        supports_json_schema=facts.supports_json_schema,
        supports_images=facts.supports_images,
        supports_embeddings=facts.supports_embeddings,
        idle_unload_s=facts.idle_unload_s,
        process_bytes=facts.process_bytes,
        weights=facts.weights,
        configured=_speed(facts.configured),
        measured=_speed(facts.measured),
        closed=facts.closed,
    )
    if facts.last_used_unix_ms is not None:
        message.last_used_at.FromMilliseconds(facts.last_used_unix_ms)
    return message


def _speed(speed: Speed | None) -> pb.ModelSpeed | None:
    if speed is None:
        return None
    return pb.ModelSpeed(
        first_token_ms=speed.first_token_ms,
        prompt_token_ms=speed.prompt_token_ms,
        token_ms=speed.token_ms,
        answers=speed.answers,
    )


def _is_leaving(facts: ModelFacts) -> bool:
    """Whether a model that was unloaded is still in memory; one that is wanted again since is not waited for."""
    return facts.state == "unloaded" and bool(facts.stage)


def _named(name: str, field: str = "name") -> str:
    if not name:
        raise InvalidRequest(f"{field}: say which model.", input_path=field)
    return name
