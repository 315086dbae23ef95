"""Models that are loaded when they are asked for, by whole requests through a real daemon."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest

from fakes.site import site as open_site
from ringfence.labels import Label, Level
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import types_pb2 as types
from ringfence.v1.admin_pb2_grpc import ModelsStub

pytestmark = pytest.mark.journey

MODEL = """
[[models]]
name = "{name}"
engine = "command"
command = ["{python}", "-P", "-m", "ringfenced.engines.scripted", "--interval-ms", "2", "--load-ms", "500"]
preload = false
memory_bytes = {bytes}
"""
EXTRA = "\n[placement]\nmemory_bytes = 1000\n" + "".join(
    MODEL.format(name=name, bytes=count, python=sys.executable) for name, count in (("one", 600), ("other", 600))
)


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "two workers"])
def workers(request):
    return request.param


@pytest.fixture
async def node(workers):
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, workers=workers, extra=EXTRA) as made:
        yield made
    shutil.rmtree(folder)


async def states(made):
    return {model.name: model for model in await made.client("operator").models()}


async def until(made, **wanted):
    """The models once they are in these states: a worker learns of them a moment later."""
    async with asyncio.timeout(20):
        while True:
            known = await states(made)
            if all(known[name].state == state for name, state in wanted.items()):
                return known
            await asyncio.sleep(0.05)


async def test_models_come_and_go_with_the_requests_for_them(node):
    """A request waits for its model and is told so; another takes its memory; operators see and order all of it."""
    client, operator = node.client(), node.client("operator")
    assert (await states(node))["one"].state == admin.MODEL_STATE_UNLOADED
    kinds, stages = [], set()
    async with aclosing(client.generate("/echo here I am", model="one")) as events:
        async for event in events:
            kinds.append(event.WhichOneof("event"))
            if kinds[-1] == "loading":
                assert event.loading.target.model == "one"
                stages.add(event.loading.stage)
    assert kinds[:2] == ["decision", "loading"]
    assert kinds[-2:] == ["finish", "receipt"]
    assert "reading weights" in stages
    assert (await client.generate_text("/echo now me", model="other")).text == "now me"
    known = await until(node, one=admin.MODEL_STATE_UNLOADED, other=admin.MODEL_STATE_READY)
    assert [(memory.device, memory.planned_bytes) for memory in known["other"].memory] == [("cpu", 600)]

    # What is sensitive waits for its model too: it does not leave meanwhile, whatever the caller permits.
    bodies = len(node.provider.bodies)
    permission = types.Permission(ladder_length_max=3, deidentified_egress=True)
    secret = {"label": Label(Level.RESTRICTED), "permission": permission}
    assert (await client.generate_text("/echo Joanna Whitfield", model="one", **secret)).text == "Joanna Whitfield"
    assert len(node.provider.bodies) == bodies

    models = ModelsStub(operator._channel)
    steps = [step async for step in models.LoadModel(admin.LoadModelRequest(name="one"))]
    assert (steps[-1].stage, steps[-1].progress, steps[-1].model.replicas_ready) == ("ready", 1.0, 1)
    watched = models.WatchModels(admin.WatchModelsRequest())
    first = await watched.read()
    assert {"house", "one", "other", "gpt"} <= {model.name for model in first.models}
    unloaded = await models.UnloadModel(admin.UnloadModelRequest(name="one", force=True))
    assert unloaded.model.state == admin.MODEL_STATE_UNLOADED
    async with asyncio.timeout(10):
        while not any(model.name == "one" for model in (await watched.read()).models):
            pass
    watched.cancel()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await models.UnloadModel(admin.UnloadModelRequest(name="two"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
