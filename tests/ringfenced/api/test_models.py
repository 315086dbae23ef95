"""`Models`: who may give orders, what is told on the way, and how each ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import grpc
import pytest

from ringfence.v1 import admin_pb2 as pb
from ringfenced.api.models import ModelsService, model_to_pb
from ringfenced.errors import NotFound, PermissionDenied, Unavailable
from ringfenced.model import CallerRole, Loading, ModelFacts, ModelMemory, Speed, Target, TargetKind

HOUSE = ModelFacts("house", TargetKind.LOCAL, "llama.cpp", "ready", 4096, 0.5, 0, 0)
READING = Loading(Target(TargetKind.LOCAL, "house"), 0.25, "reading weights")


def test_what_was_measured_stands_beside_what_is_configured():
    """Unset where too little is known."""
    facts = replace(HOUSE, configured=Speed(50.0, 0.0, 5.0), closed=("unreachable for 1 tenant",))
    message = model_to_pb(facts)
    assert (message.configured.first_token_ms, message.configured.answers) == (50.0, 0)
    assert not message.HasField("measured")
    assert list(message.closed) == ["unreachable for 1 tenant"]
    message = model_to_pb(replace(facts, measured=Speed(40.0, 0.5, 4.0, 12)))
    assert (message.measured.prompt_token_ms, message.measured.token_ms, message.measured.answers) == (0.5, 4.0, 12)


class Door:
    def __init__(self, *roles):
        self.roles = roles

    def admit(self, _context, *roles):
        if roles and not set(roles) & set(self.roles):
            raise PermissionDenied("needs the role operator", reason="role_missing")


class Aborted(Exception):
    pass


class Context:
    def __init__(self):
        self.code, self.written, self._news = None, [], asyncio.Event()

    async def write(self, message):
        self.written.append(message)
        self._news.set()

    async def wrote(self, count):
        while len(self.written) < count:
            await self._news.wait()
            self._news.clear()

    async def abort(self, code, _message, _trailer):
        self.code = code
        raise Aborted


class Node:
    """A node and its hosting; what happens is written down beforehand."""

    def __init__(self, *steps, facts=HOUSE):
        self.steps, self.facts, self.asked, self.held = list(steps), [facts], [], 0
        self.news = asyncio.Event()

    def models(self):
        return (self.facts.pop(0) if len(self.facts) > 1 else self.facts[0],)

    def load(self, name):
        if name != "house":
            raise NotFound("there is no such model")
        return self

    def __enter__(self):
        self.held += 1
        return self

    def __exit__(self, *_):
        self.held -= 1

    async def wait(self):
        if not self.steps:
            return None
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def unload(self, name, *, force):
        self.asked.append((name, force))

    async def replace(self, name, weights):
        self.asked.append((name, weights))
        while (step := await self.wait()) is not None:
            yield step

    async def changed(self):
        await self.news.wait()
        self.news.clear()


def service(node, role=CallerRole.OPERATOR):
    return ModelsService(node, node, Door(role))


async def test_loading_is_told_until_it_is_ready():
    node, context = Node(READING), Context()
    await service(node).LoadModel(pb.LoadModelRequest(name="house"), context)
    assert [(m.progress, m.stage) for m in context.written] == [(0.25, "reading weights"), (1.0, "ready")]
    assert context.written[-1].model.state == pb.MODEL_STATE_READY
    assert node.held == 0


@pytest.mark.parametrize(
    ("name", "step", "code"),
    [
        ("house", Unavailable("no room", reason="no_room"), grpc.StatusCode.UNAVAILABLE),
        ("other", READING, grpc.StatusCode.NOT_FOUND),
        ("", READING, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_model_that_cannot_be_loaded_is_a_status(name, step, code):
    node, context = Node(step), Context()
    with pytest.raises(Aborted):
        await service(node).LoadModel(pb.LoadModelRequest(name=name), context)
    assert context.code is code
    assert node.held == 0


async def test_unloading_is_answered_when_the_model_is_out_of_memory():
    leaving = replace(HOUSE, state="unloaded", stage="ending what it began")
    node = Node(facts=leaving)
    node.facts.append(replace(HOUSE, state="unloaded"))
    node.news.set()
    answer = await service(node).UnloadModel(pb.UnloadModelRequest(name="house", force=True), Context())
    assert node.asked == [("house", True)]
    assert (answer.model.state, answer.model.stage) == (pb.MODEL_STATE_UNLOADED, "")


async def test_a_replacement_is_told_to_its_end():
    node, context = Node(READING, replace(READING, progress=1.0, stage="ready")), Context()
    await service(node).ReplaceModel(pb.ReplaceModelRequest(name="house", library="better"), context)
    assert node.asked == [("house", "better")]
    assert [m.stage for m in context.written] == ["reading weights", "ready"]
    with pytest.raises(Aborted):
        await service(node).ReplaceModel(pb.ReplaceModelRequest(name="house"), context)
    assert context.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_who_watches_gets_all_models_and_then_what_has_changed():
    node, context = Node(), Context()
    watching = asyncio.create_task(service(node).WatchModels(pb.WatchModelsRequest(), context))
    async with asyncio.timeout(5):
        await context.wrote(1)
        node.news.set()
        await asyncio.sleep(0.2)
        node.facts[0] = replace(HOUSE, state="failed", failure="it died")
        node.news.set()
        await context.wrote(2)
    watching.cancel()
    assert [[m.state for m in told.models] for told in context.written] == [
        [pb.MODEL_STATE_READY],
        [pb.MODEL_STATE_FAILED],
    ]


@pytest.mark.parametrize("method", ["LoadModel", "UnloadModel", "ReplaceModel", "WatchModels"])
async def test_orders_are_for_operators(method):
    context = Context()
    request = getattr(pb, f"{method}Request")
    with pytest.raises(Aborted):
        await getattr(service(Node(), CallerRole.CALLER), method)(request(), context)
    assert context.code is grpc.StatusCode.PERMISSION_DENIED


def test_what_is_not_known_of_a_model_is_unset():
    message = model_to_pb(replace(HOUSE, memory=(ModelMemory("cpu", 7), ModelMemory("GPU-1"))))
    assert not message.HasField("process_bytes")
    assert not message.HasField("wait_ms")
    assert not message.HasField("last_used_at")
    assert [(m.device, m.HasField("planned_bytes")) for m in message.memory] == [("cpu", True), ("GPU-1", False)]
    known = model_to_pb(replace(HOUSE, process_bytes=5, last_used_unix_ms=1500, pinned=True, replicas=2, progress=0.5))
    assert (known.process_bytes, known.last_used_at.ToMilliseconds(), known.pinned) == (5, 1500, True)
