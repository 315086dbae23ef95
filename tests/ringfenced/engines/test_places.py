"""Requests get places on models that are loaded for them, shared, replaced and unloaded; real processes throughout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

import pytest

from fakes.hosting import ask, had, prompt, said, scripted, slow, until
from ringfenced import errors
from ringfenced.engines.launch import EngineKind, EngineSpec, socket_path
from ringfenced.engines.replica import Surroundings
from ringfenced.engines.status import EngineState
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.model import Loading


@contextlib.asynccontextmanager
async def supervised(folder, *specs, cpu=1, **values):
    supervisor = EngineSupervisor(specs, socket_dir=folder / "e", budget=lambda _: {"cpu": cpu}, **values)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await asyncio.sleep(0)
        try:
            yield supervisor
        finally:
            await supervisor.stop()
    assert all(status.pid is None for status in supervisor.states().values())
    assert not list((folder / "e").iterdir()), "a socket was left behind"


async def test_a_request_waits_for_its_model_and_is_told_how_far_it_is(folder):
    async with supervised(folder, slow()) as supervisor:
        assert supervisor.states()["m"].load_ms >= 1000
        with supervisor.place("m") as place:
            told = await had(place)
            assert await said(place.engine, "/echo here") == "here"
        assert {"reading weights", "warming up"} <= {loading.stage for loading in told}
        assert {0.25, 0.75} <= {loading.progress for loading in told}
        assert all(loading.left_ms is None for loading in told)
        assert supervisor.states()["m"].state is EngineState.READY
        await supervisor.unload("m")
        await until(lambda: not supervisor.states()["m"].stage)
        assert 500 <= supervisor.states()["m"].load_ms < 10_000
        with supervisor.place("m") as place:
            first = await place.wait()
            assert isinstance(first, Loading)
            assert first.left_ms is not None


async def test_many_callers_wait_for_one_process(folder):
    async with supervised(folder, scripted()) as supervisor:
        answers = await asyncio.gather(*(ask(supervisor, "m", f"/echo {n}") for n in range(20)))
        assert answers == [str(n) for n in range(20)]
        assert supervisor.placement.engines_n == 1
        assert supervisor.states()["m"].running == 0
        assert supervisor.states()["m"].used_unix_ms


async def test_a_model_makes_room_when_nothing_runs_in_it(folder):
    async with supervised(folder, scripted("a"), scripted("b")) as supervisor:
        assert await ask(supervisor, "a", "/echo a") == "a"
        assert await ask(supervisor, "b", "/echo b") == "b"
        states = supervisor.states()
        assert (states["a"].state, states["b"].state) == (EngineState.UNLOADED, EngineState.READY)
        assert states["a"].deaths == 0


async def test_a_model_that_cannot_fit_is_refused_with_the_numbers(folder):
    async with supervised(folder, scripted(ways=({"cpu": 2},))) as supervisor:
        assert "it needs 2 bytes of cpu" in supervisor.states()["m"].obstacle
        with supervisor.place("m") as place, pytest.raises(errors.Unavailable) as caught:
            await had(place)
        assert caught.value.reason == "no_room"
        assert caught.value.numbers == {"needed_bytes": 2, "budget_bytes": 1, "pinned_bytes": 0}


async def test_who_cannot_wait_any_longer_is_told_so(folder):
    async with supervised(folder, slow(seconds=3)) as supervisor:
        with supervisor.place("m", seconds_max=0.2) as place, pytest.raises(errors.Unavailable) as caught:
            await had(place)
        assert caught.value.reason == "not_loaded"


async def test_who_leaves_waits_for_nothing(folder):
    async with supervised(folder, scripted()) as supervisor:
        with supervisor.place("m"):
            assert supervisor.states()["m"].waiting == 1
        assert supervisor.states()["m"].waiting == 0
        await until(lambda: supervisor.engine("m") is not None)
        assert supervisor.states()["m"].running == 0


async def test_a_place_on_a_killed_engine_leads_to_another_within_two_seconds(folder):
    async with supervised(folder, scripted()) as supervisor:
        await ask(supervisor, "m", "/echo a")
        with supervisor.place("m") as place:
            assert await had(place) == []
            with place.engine.start(prompt("/hang"), confidential=True) as run:
                os.kill(supervisor.states()["m"].pid, signal.SIGKILL)
                killed_s = time.monotonic()
                with pytest.raises(errors.Unavailable) as caught:
                    await run.take()
                assert caught.value.reason == "engine_died"
                assert time.monotonic() - killed_s < 0.3
        assert await ask(supervisor, "m", "/echo again") == "again"
        assert time.monotonic() - killed_s < 2
        assert supervisor.states()["m"].deaths == 1


async def test_replicas_share_requests_and_one_that_dies_is_replaced(folder):
    async with supervised(folder, scripted(replicas=2), cpu=2) as supervisor:
        await ask(supervisor, "m", "/echo a")
        await until(lambda: len(supervisor.states()["m"].ready) == 2)
        with supervisor.place("m") as one, supervisor.place("m") as other:
            await had(one)
            await had(other)
            assert one.number != other.number
            assert one.engine is not other.engine
        os.kill(supervisor.states()["m"].pid, signal.SIGKILL)
        assert await ask(supervisor, "m", "/echo b") == "b"
        await until(lambda: len(supervisor.states()["m"].ready) == 2)


async def test_of_equally_busy_replicas_the_one_that_knows_the_salt_is_taken(folder):
    async with supervised(folder, scripted(replicas=2), cpu=2) as supervisor:
        await ask(supervisor, "m", "/echo a")
        await until(lambda: len(supervisor.states()["m"].ready) == 2)
        with supervisor.place("m", salt=b"x"), supervisor.place("m", salt=b"y") as second:
            second_number = second.number
        for _ in range(3):
            with supervisor.place("m", salt=b"y") as place:
                assert place.number == second_number


async def test_unloading_lets_what_runs_end_first(folder):
    async with supervised(folder, scripted("m", "--interval-ms", "20")) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            answering = asyncio.create_task(said(place.engine, "/script {}"))
            await until(lambda: place.engine.running == 1)
            await supervisor.unload("m")
            assert supervisor.states()["m"].stage == "ending what it began"
            assert await answering
        await until(lambda: not supervisor.states()["m"].stage)
        assert supervisor.states()["m"].state is EngineState.UNLOADED


async def test_a_request_that_an_unload_ends_is_told_so_and_does_not_load_the_model_again(folder):
    async with supervised(folder, scripted("m", "--interval-ms", "20")) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            answering = asyncio.create_task(said(place.engine, "/script {}"))
            await until(lambda: place.engine.running == 1)
            await supervisor.unload("m", force=True)
            with pytest.raises(errors.Unavailable) as caught:
                await answering
            assert caught.value.reason == "unloaded"


@pytest.mark.parametrize("others", [0, 1])
async def test_who_was_alone_in_an_engine_that_died_is_told_so(folder, others):
    async with supervised(folder, scripted("m", "--interval-ms", "20")) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            answering = [asyncio.create_task(said(place.engine, "/script {}")) for _ in range(1 + others)]
            await until(lambda: place.engine.running == 1 + others)
            os.kill(supervisor.states()["m"].pid, signal.SIGKILL)
            ends = await asyncio.gather(*answering, return_exceptions=True)
        assert [(end.reason, end.numbers["alone"]) for end in ends] == [("engine_died", 1 - others)] * (1 + others)


async def test_one_replacement_at_a_time_and_an_unload_ends_it(folder):
    """The second is refused; one whose model is unloaded meanwhile ends with an error instead of waiting for ever."""
    async with supervised(folder, scripted(), weights=lambda *_: slow()) as supervisor:
        await ask(supervisor, "m", "/echo a")
        first = supervisor.replace("m", "slow")
        while not (await anext(first)).progress:
            pass
        with pytest.raises(errors.Overloaded, match="not done"):
            await anext(supervisor.replace("m", "slow"))
        await supervisor.unload("m", force=True)
        with pytest.raises(errors.Unavailable):
            async with asyncio.timeout(10):
                [loading async for loading in first]


async def test_an_idle_model_is_unloaded(folder):
    async with supervised(folder, scripted(idle_unload_s=0.2)) as supervisor:
        await ask(supervisor, "m", "/echo a")
        await until(lambda: supervisor.states()["m"].state is EngineState.UNLOADED)


@pytest.mark.parametrize("cpu", [1, 2])
async def test_other_weights_take_a_models_place_and_no_request_fails(folder, cpu):
    """With memory for both they stand beside each other; else callers wait for the new ones."""
    new = scripted("m", "--context", "77")
    weights = {"better": new}
    async with supervised(folder, scripted(), cpu=cpu, weights=lambda _, name: weights[name]) as supervisor:
        await ask(supervisor, "m", "/echo a")
        old = supervisor.engine("m").description
        asked = 0
        stop = asyncio.Event()

        async def keep_asking():
            nonlocal asked
            while not stop.is_set():
                assert await ask(supervisor, "m", "/echo on") == "on"
                asked += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(keep_asking())
            stages = [loading.stage async for loading in supervisor.replace("m", "better")]
            stop.set()
        assert stages[-1] == "ready"
        assert asked > 3
        assert supervisor.engine("m").description.context_tokens_max == 77 != old.context_tokens_max
        assert supervisor.placement.engines_n == 2


@pytest.mark.parametrize("cpu", [1, 2])
async def test_weights_that_cannot_be_loaded_leave_the_old_ones(folder, cpu):
    bad = EngineSpec("m", EngineKind.COMMAND, ("/bin/sh", "-c", "echo no model >&2; exit 3"), ways=({"cpu": 1},))
    async with supervised(folder, scripted(), cpu=cpu, weights=lambda *_: bad) as supervisor:
        await ask(supervisor, "m", "/echo a")
        with pytest.raises(errors.Unavailable, match="no model"):
            [loading async for loading in supervisor.replace("m", "bad")]
        assert await ask(supervisor, "m", "/echo still") == "still"


async def test_weights_that_are_too_large_are_refused_beforehand(folder):
    large = scripted(ways=({"cpu": 9},))
    async with supervised(folder, scripted(), weights=lambda *_: large) as supervisor:
        await ask(supervisor, "m", "/echo a")
        with pytest.raises(errors.Unavailable) as caught:
            await anext(supervisor.replace("m", "large"))
        assert caught.value.reason == "no_room"
        assert supervisor.placement.engines_n == 1


async def test_an_engine_that_hangs_is_killed_and_its_callers_are_told(folder):
    around = Surroundings(hang_s=0.3)
    async with supervised(folder, scripted(), around=around) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            with place.engine.start(prompt("/hang"), confidential=True) as run:
                pid = supervisor.states()["m"].pid
                os.kill(pid, signal.SIGSTOP)
                with pytest.raises(errors.Unavailable):
                    await run.take()
        await until(lambda: supervisor.states()["m"].deaths == 1)
        assert await ask(supervisor, "m", "/echo back") == "back"


async def test_another_that_answers_in_a_hanging_engines_place_does_not_vouch_for_it(folder):
    """Whether an engine still answers is asked of the one that was started."""
    around = Surroundings(hang_s=0.3)
    async with supervised(folder, scripted(), around=around) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            path = socket_path(folder / "e", "m", *supervisor.states()["m"].ready)
            path.unlink()
            impostor = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "ringfenced.engines.scripted"),
                *("--socket", str(path), "--parent", str(os.getpid())),
                start_new_session=True,
            )
            try:
                await until(path.exists)
                with place.engine.start(prompt("/hang"), confidential=True) as run:
                    os.kill(supervisor.states()["m"].pid, signal.SIGSTOP)
                    with pytest.raises(errors.Unavailable):
                        await asyncio.wait_for(run.take(), 10)
            finally:
                impostor.kill()
                await impostor.wait()
        await until(lambda: supervisor.states()["m"].deaths == 1)


async def test_a_busy_engine_that_answers_is_left_alone(folder):
    around = Surroundings(hang_s=0.1)
    async with supervised(folder, scripted(), around=around) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
            with place.engine.start(prompt("/hang"), confidential=True):
                await asyncio.sleep(0.4)
        assert supervisor.states()["m"].deaths == 0


async def test_loading_that_runs_out_of_memory_is_tried_with_half_the_context(folder):
    """An engine says so by its exit status; the context is in its command line."""
    code = (
        "import runpy, sys\n"
        "from ringfenced.engines.progress import EXIT_NO_MEMORY\n"
        "if '--context' not in sys.argv or int(sys.argv[sys.argv.index('--context') + 1]) > 1024:\n"
        "    print('no room for the cache', file=sys.stderr)\n"
        "    sys.exit(EXIT_NO_MEMORY)\n"
        "runpy.run_module('ringfenced.engines.scripted', run_name='__main__')\n"
    )
    command = (sys.executable, "-P", "-c", code)
    spec = EngineSpec("m", EngineKind.COMMAND, command, preload=False, ways=({"cpu": 1},), context_tokens=4096)
    async with supervised(folder, spec) as supervisor:
        assert await ask(supervisor, "m", "/echo at last") == "at last"
        assert supervisor.engine("m").description.context_tokens_max == 1024
        assert supervisor.states()["m"].deaths == 2
        assert "context of 1024 tokens" in supervisor.placement.troubles["m"].why


async def test_its_processes_memory_is_measured(folder):
    async with supervised(folder, scripted()) as supervisor:
        await ask(supervisor, "m", "/echo a")
        await until(lambda: supervisor.states()["m"].process_bytes is not None)
        assert 1_000_000 < supervisor.states()["m"].process_bytes < 1_000_000_000


async def test_whoever_watches_is_told_of_changes(folder):
    async with supervised(folder, scripted()) as supervisor:
        seen = [supervisor.changes]

        async def watch():
            while True:
                await supervisor.changed()
                seen.append(supervisor.changes)

        watching = asyncio.create_task(watch())
        await ask(supervisor, "m", "/echo a")
        watching.cancel()
        assert seen[-1] > seen[0]


async def test_when_the_node_ends_everybody_who_waits_is_told(folder):
    supervisor = EngineSupervisor([slow(seconds=5)], socket_dir=folder / "e", budget=lambda _: {"cpu": 1})
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        with supervisor.place("m") as place:
            assert await place.wait() is not None
            await supervisor.stop()
            with pytest.raises(errors.Unavailable, match="about to end"):
                await had(place)
        with supervisor.place("m") as place, pytest.raises(errors.Unavailable, match="about to end"):
            await had(place)


def llama(folder, gguf, **values):
    """The bundled engine on a model of a file."""
    arguments = ("--model", str(gguf), "--context", "256", "--sequences", "2", "--threads", "1")
    values = {"preload": False, "ways": ({"cpu": 1},), "tells_progress": True, "context_tokens": 256, **values}
    return EngineSpec("m", EngineKind.LLAMA_CPP, arguments, **values)


async def test_llama_cpp_tells_how_far_it_is_and_dies_and_is_back(folder, tiny_gguf):
    async with supervised(folder, llama(folder, tiny_gguf)) as supervisor:
        with supervisor.place("m") as place:
            told = await had(place)
            assert told[0].stage == "reading weights"
            assert await said(place.engine, "Hello")
        supervisor_pid = supervisor.states()["m"].pid
        os.kill(supervisor_pid, signal.SIGKILL)
        await until(lambda: supervisor.states()["m"].deaths == 1)
        assert await ask(supervisor, "m", "Hello")
        assert supervisor.states()["m"].deaths == 1


async def test_a_context_that_memory_does_not_hold_is_cut_until_it_fits(folder, tiny_gguf):
    """llama.cpp is refused the memory for its cache, 2 KiB a token, and is started again with half of it."""
    shell = 'ulimit -v 1600000; exec "$@"'
    command = (sys.executable, "-P", "-m", "ringfenced.engines.worker", "--model", str(tiny_gguf))
    arguments = ("/bin/sh", "-c", shell, "sh", *command, "--context", "1048576", "--sequences", "1", "--threads", "1")
    spec = EngineSpec("m", EngineKind.COMMAND, arguments, preload=False, context_tokens=1048576)
    async with supervised(folder, spec) as supervisor:
        with supervisor.place("m") as place:
            await had(place)
        status = supervisor.states()["m"]
        assert status.deaths > 0
        assert status.description.context_tokens_max == 1048576 >> status.deaths
