"""Workers run requests on engines that another process owns; the real supervisor, link and engines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket

import pytest

from fakes.hosting import ask, had, prompt, said, scripted, slow, until
from ringfenced import errors
from ringfenced.engines.attach import AttachedEngines
from ringfenced.engines.launch import socket_path
from ringfenced.engines.status import EngineState, EngineStatus
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.engines.wire import Description
from ringfenced.model import Loading
from ringfenced.store.ledger import SqliteLedger
from ringfenced.store.link import Link, serve_link
from ringfenced.store.memory import LabelMemory
from ringfenced.weights.dryrun import DeviceUse


@contextlib.asynccontextmanager
async def node(folder, *specs, cpu=1, **values):
    """A supervisor that serves workers; gives a function that makes one."""
    sockets = folder / "e"
    supervisor = EngineSupervisor(specs, socket_dir=sockets, budget=lambda _: {"cpu": cpu}, **values)
    ledger = SqliteLedger(folder / "l.sqlite3", {"ward": 1000}, lambda: 7)
    sockets.mkdir()
    link_path = sockets / "link"

    @contextlib.asynccontextmanager
    async def worker():
        async with Link.open(link_path, os.getpid()) as link:
            engines = AttachedEngines(specs, socket_dir=sockets, supervisor=link)
            async with asyncio.TaskGroup() as group:
                group.create_task(engines.run())
                await asyncio.sleep(0)
                yield engines
                await engines.stop()

    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await asyncio.sleep(0)
        memory = LabelMemory(lambda: 0.0)
        own = (ledger, memory, lambda: "", lambda _: None)
        async with serve_link(link_path, *own, is_worker=lambda pid: pid == os.getpid(), hosting=supervisor):
            yield supervisor, worker
        await supervisor.stop()
    ledger.close()


async def test_a_worker_has_a_model_loaded_and_then_goes_straight_to_it(folder):
    async with node(folder, slow()) as (supervisor, worker), worker() as engines:
        with engines.place("m") as place:
            told = await had(place)
            assert {"reading weights", "warming up"} <= {loading.stage for loading in told}
            assert supervisor.states()["m"].running == 1
            assert await said(place.engine, "/echo one") == "one"
        await until(lambda: supervisor.states()["m"].running == 0)
        await until(lambda: engines.states()["m"].state is EngineState.READY)
        with engines.place("m") as place:
            assert await place.wait() is None, "a model that is ready is not asked for"
            await until(lambda: supervisor.states()["m"].running == 1)
            assert await said(place.engine, "/echo two") == "two"
        await until(lambda: supervisor.states()["m"].running == 0)


async def test_workers_share_the_engines_and_see_the_same(folder):
    async with node(folder, scripted()) as (supervisor, worker), worker() as one, worker() as other:
        assert await asyncio.gather(ask(one, "m", "/echo 1"), ask(other, "m", "/echo 2")) == ["1", "2"]
        assert supervisor.placement.engines_n == 1
        await until(lambda: one.states()["m"].state is other.states()["m"].state is EngineState.READY)
        assert one.states()["m"].description == supervisor.states()["m"].description


async def test_a_worker_follows_an_engine_that_is_started_again(folder):
    async with node(folder, scripted()) as (supervisor, worker), worker() as engines:
        await ask(engines, "m", "/echo one")
        await until(lambda: engines.engine("m") is not None)
        first = engines.engine("m")
        os.kill(supervisor.states()["m"].pid, signal.SIGKILL)
        await first.wait_closed()
        assert await ask(engines, "m", "/echo two") == "two"
        assert engines.engine("m") is not first


async def test_a_worker_sends_nothing_to_who_listens_in_an_engines_place(folder, caplog):
    async with node(folder, scripted()) as (supervisor, worker):
        with supervisor.load("m") as place:
            await had(place)
        path = socket_path(folder / "e", "m", *supervisor.states()["m"].ready)
        path.unlink()
        with socket.socket(socket.AF_UNIX) as impostor:
            impostor.bind(str(path))
            impostor.listen()
            async with worker() as engines:
                await until(lambda: any(record.message == "engine_socket_taken" for record in caplog.records))
                assert engines.engine("m") is None


async def test_a_worker_that_dies_gives_back_what_it_had(folder):
    async with node(folder, scripted()) as (supervisor, worker):
        async with contextlib.AsyncExitStack() as stack:
            engines = await stack.enter_async_context(worker())
            waiting = engines.place("m")
            await had(waiting)
            await until(lambda: engines.engine("m") is not None)
            straight = engines.place("m")
            await until(lambda: supervisor.states()["m"].running == 2)
            assert straight.engine is waiting.engine
        await until(lambda: supervisor.states()["m"].running == 0)


async def test_who_leaves_before_it_is_loaded_is_forgotten(folder):
    async with node(folder, slow()) as (supervisor, worker), worker() as engines:
        with engines.place("m") as place:
            await place.wait()
            await until(lambda: supervisor.states()["m"].waiting == 1)
        await until(lambda: supervisor.states()["m"].waiting == 0)


async def test_a_refusal_reaches_the_worker_whole(folder):
    async with node(folder, scripted(ways=({"cpu": 2},))) as (_, worker), worker() as engines:
        with engines.place("m") as place, pytest.raises(errors.Unavailable) as caught:
            await had(place)
        assert caught.value.reason == "no_room"
        assert caught.value.numbers["needed_bytes"] == 2


async def test_a_workers_operators_load_unload_and_replace(folder):
    weights = {"better": scripted("m", "--context", "77")}
    specs = (scripted(),)
    async with (
        node(folder, *specs, weights=lambda _, name: weights[name]) as (supervisor, worker),
        worker() as engines,
    ):
        with engines.load("m") as place:
            await had(place)
        await until(lambda: engines.states()["m"].state is EngineState.READY)
        steps = [step async for step in engines.replace("m", "better")]
        assert isinstance(steps[-1], Loading)
        assert steps[-1].stage == "ready"
        assert supervisor.engine("m").description.context_tokens_max == 77
        await engines.unload("m", force=True)
        await until(lambda: engines.states()["m"].state is EngineState.UNLOADED)
        for order in (engines.load, engines.place):
            with pytest.raises(errors.NotFound):
                order("other")


async def test_a_busy_engine_of_a_worker_is_not_evicted(folder):
    async with node(folder, scripted("a"), scripted("b")) as (supervisor, worker), worker() as engines:
        await ask(engines, "a", "/echo a")
        await until(lambda: engines.engine("a") is not None)
        with engines.place("a") as place:
            assert await place.wait() is None
            with place.engine.start(prompt("/hang"), confidential=True):
                other = asyncio.create_task(ask(engines, "b", "/echo b"))
                await asyncio.sleep(0.3)
                assert not other.done()
        assert await other == "b"
        assert supervisor.states()["a"].deaths == 0


async def test_supervisor_and_worker_know_how_long_the_line_is(folder):
    """What a newcomer would wait for, by what an answer was measured to take."""
    spec = scripted("m", "--sequences", "1", "--first-ms", "300")
    async with node(folder, spec) as (supervisor, worker), worker() as engines:
        await ask(engines, "m", "/echo measured")
        await until(lambda: engines.engine("m") is not None)
        assert supervisor.waits() == engines.waits() == {}
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                place = stack.enter_context(engines.place("m"))
                assert await place.wait() is None
                stack.enter_context(place.engine.start(prompt("/hang"), confidential=True))
            await until(lambda: engines.waits().get("m", 0) > 300)
            await until(lambda: supervisor.waits().get("m", 0) > 300)
        await until(lambda: supervisor.waits() == engines.waits() == {})


def test_a_status_comes_back_as_it_was_told():
    uses = (DeviceUse("cpu", 1, 2, 3),)
    described = Description("scripted", "1", "none", 512, 4, 7, True, True, False, memory=uses)
    status = EngineStatus(
        "m", "command", EngineState.READY, description=described, ready=(1, 2), planned={"cpu": 7}, deaths=3
    )
    assert EngineStatus.from_json(status.to_json()) == status
