"""Engine processes are started, watched, restarted, quarantined and ended; real processes throughout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest

from fakes.hosting import slow
from ringfenced import errors
from ringfenced.engines.launch import SOCKET_NAME, EngineKind, EngineSpec, socket_path
from ringfenced.engines.supervisor import EngineState, EngineSupervisor
from ringfenced.model import Finish, Message, Prompt, Role, Text, TextDelta


def scripted(name="m", *arguments, **values):
    command = (sys.executable, "-P", "-m", "ringfenced.engines.scripted", *arguments)
    return EngineSpec(name, EngineKind.COMMAND, command, **values)


def prompt(text):
    return Prompt((Message(Role.USER, (Text(text),)),))


async def until(condition, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is awaited happens in other processes
            await asyncio.sleep(0.005)


async def ready(supervisor, name="m"):
    await until(lambda: supervisor.engine(name) is not None)
    return supervisor.engine(name)


async def answer(client, text):
    with client.start(prompt(text), confidential=True) as run:
        parts = []
        while isinstance(event := await run.take(), TextDelta):
            parts.append(event.text)
        assert isinstance(event, Finish)
        return "".join(parts)


@contextlib.asynccontextmanager
async def supervised(folder, *specs):
    supervisor = EngineSupervisor(specs, socket_dir=folder / "engines")
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        try:
            yield supervisor
        finally:
            await supervisor.stop()
    assert all(status.pid is None for status in supervisor.states().values())


def is_running(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "State:\tZ" not in of_process(pid, "status")
    return False


def of_process(pid, file):
    return Path(f"/proc/{pid}/{file}").read_text()


def is_unloaded(supervisor, name):
    status = supervisor.states()[name]
    return status.state is EngineState.UNLOADED and not status.stage


async def test_an_engine_gets_ready_and_answers(folder):
    async with supervised(folder, scripted()) as supervisor:
        client = await ready(supervisor)
        status = supervisor.states()["m"]
        assert (status.state, status.failure) == (EngineState.READY, "")
        assert status.description is not None
        assert status.description.engine == "scripted"
        assert await answer(client, "/echo to be or not") == "to be or not"
        assert supervisor.engine("other") is None


async def test_only_the_user_may_open_an_engines_socket(folder):
    async with supervised(folder, scripted()) as supervisor:
        await ready(supervisor)
        path = socket_path(folder / "engines", "m", *supervisor.states()["m"].ready)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_who_listens_in_an_engines_place_is_sent_nothing(folder):
    """One process of this user is not another: a prompt goes to the engine that was started, or nowhere."""
    async with supervised(folder, slow(preload=True, ways=({},))) as supervisor:
        await until(lambda: any((folder / "engines").glob("*")))
        with socket.socket(socket.AF_UNIX) as impostor:
            impostor.bind(str(next((folder / "engines").iterdir()) / SOCKET_NAME))
            impostor.listen()
            await until(lambda: "another process listens" in supervisor.states()["m"].failure)
        await ready(supervisor)


ASKS = """
import asyncio, sys
from pathlib import Path
from ringfenced.engines.client import EngineClient

async def main():
    client = await EngineClient.connect(Path(sys.argv[1]), model="m")
    print(client.description.engine)

asyncio.run(main())
"""


@pytest.mark.parametrize(("stranger", "said"), [(False, "scripted"), (True, "")])
async def test_an_engine_answers_its_daemons_processes_and_no_other_of_its_user(folder, stranger, said):
    """Another engine is of this user and could connect, but leads a session of its own, as it was started with."""
    async with supervised(folder, scripted()) as supervisor:
        await ready(supervisor)
        path = socket_path(folder / "engines", "m", *supervisor.states()["m"].ready)
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", ASKS, str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=stranger,
        )
        told, error = await asking.communicate()
        assert (told.decode().strip(), "Unavailable" in error.decode()) == (said, stranger)
        assert await answer(await ready(supervisor), "/echo still here") == "still here"


async def test_each_engine_has_a_folder_that_goes_with_it(folder):
    """What an engine of a daemon that was killed left there goes too."""
    left = socket_path(folder / "engines", "a", 1)
    left.parent.mkdir(parents=True)
    left.with_name("old").touch()
    async with supervised(folder, scripted("a"), scripted("b")) as supervisor:
        await ready(supervisor, "a")
        await ready(supervisor, "b")
        folders = list((folder / "engines").iterdir())
        assert [[path.name for path in one.iterdir()] for one in folders] == [[SOCKET_NAME]] * 2
    assert not list((folder / "engines").iterdir())


def test_a_socket_has_a_short_name_first_wherever_it_fits():
    """Process ids go up to PID_MAX_LIMIT of <linux/threads.h>."""
    assert len(f".{2**22:x}") <= len(SOCKET_NAME)


async def test_a_killed_engine_ends_its_requests_only_and_is_back_within_two_seconds(folder):
    specs = (scripted("a", "--interval-ms", "5"), scripted("b", "--interval-ms", "5"))
    async with supervised(folder, *specs) as supervisor:
        dying, living = await ready(supervisor, "a"), await ready(supervisor, "b")
        with (
            dying.start(prompt("/hang 1"), confidential=True) as lost,
            living.start(prompt("/script {}"), confidential=True) as kept,
        ):
            assert isinstance(await lost.take(), TextDelta)
            os.kill(supervisor.states()["a"].pid, signal.SIGKILL)
            killed_s = time.monotonic()
            with pytest.raises(errors.Unavailable) as caught:
                await lost.take()
            assert time.monotonic() - killed_s < 0.3
            assert caught.value.retry_after_ms
            assert caught.value.model == "a"
            while not isinstance(event := await kept.take(), Finish):
                pass
            assert event.usage.completion_tokens == 20
        with pytest.raises(errors.Unavailable):
            dying.start(prompt("again"), confidential=True)
        again = await ready(supervisor, "a")
        assert await answer(again, "/echo back") == "back"
        assert time.monotonic() - killed_s < 2
        assert supervisor.states()["a"].deaths == 1


async def test_an_engine_that_keeps_dying_is_quarantined_until_it_is_loaded_again(folder):
    script = "import sys; sys.exit('no such model file')"
    spec = EngineSpec("m", EngineKind.COMMAND, (sys.executable, "-c", script))
    async with supervised(folder, spec) as supervisor:
        await until(lambda: "quarantined" in supervisor.states()["m"].failure)
        status = supervisor.states()["m"]
        assert status.state is EngineState.FAILED
        assert status.deaths == 5
        assert "exit status 1\nno such model file" in status.failure
        supervisor.load("m")
        await until(lambda: supervisor.states()["m"].deaths > 5)


async def test_lines_after_readiness_are_not_kept(folder):
    """What a ready engine prints may hold content; its death is told without it."""
    second = folder / "second"
    code = (
        "import os, pathlib, runpy, sys, threading, time\n"
        f"second = pathlib.Path({str(second)!r})\n"
        "if second.exists(): time.sleep(60)\n"
        "second.touch()\n"
        "os.write(2, b'loading\\n')\n"
        "threading.Timer(1.0, lambda: (os.write(2, b'secret content\\n'), os._exit(3))).start()\n"
        "runpy.run_module('ringfenced.engines.scripted', run_name='__main__')\n"
    )
    async with supervised(folder, EngineSpec("m", EngineKind.COMMAND, (sys.executable, "-c", code))) as supervisor:
        client = await ready(supervisor)
        await client.wait_closed()
        await until(lambda: supervisor.states()["m"].deaths == 1)
        assert supervisor.states()["m"].failure == "the engine left with exit status 3"


async def test_an_engine_that_never_listens_is_killed_in_time(folder):
    spec = EngineSpec("m", EngineKind.COMMAND, ("/bin/sh", "-c", "sleep 60 & sleep 60"), load_timeout_s=0.2)
    async with supervised(folder, spec) as supervisor:
        await until(lambda: supervisor.states()["m"].deaths == 1)
        assert "did not get ready in time" in supervisor.states()["m"].failure


async def test_a_program_that_is_missing_is_a_failure_with_its_reason(folder):
    spec = EngineSpec("m", EngineKind.COMMAND, ("/nowhere/engine",))
    async with supervised(folder, spec) as supervisor:
        await until(lambda: supervisor.states()["m"].failure != "")
        assert "No such file" in supervisor.states()["m"].failure


async def test_cancelling_the_supervisor_leaves_no_process_of_the_group_behind(folder):
    """Children that an engine started go with it."""
    pids = folder / "pids"
    code = f"sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait"
    supervisor = EngineSupervisor(
        [EngineSpec("m", EngineKind.COMMAND, ("/bin/sh", "-c", code))], socket_dir=folder / "engines"
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.run())
        await until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        running = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_running, running))
        task.cancel()
    await until(lambda: not any(map(is_running, running)), 1.0)


async def test_an_engine_dies_with_its_parent(folder):
    """PDEATHSIG: no engine outlives a daemon that was killed."""
    path = folder / "s"
    code = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-P', '-m', 'ringfenced.engines.scripted', '--socket', sys.argv[1],"
        " '--parent', str(os.getpid())])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path), stdout=asyncio.subprocess.PIPE)
    child = int(await parent.stdout.readline())
    await until(path.exists)
    assert of_process(child, "oom_score_adj").strip() == "1000"
    assert next(line.split()[4] for line in of_process(child, "limits").splitlines() if "core" in line) == "0"
    parent.kill()
    await parent.wait()
    await until(lambda: not is_running(child), 2.0)


async def test_an_engine_sees_nothing_of_the_daemons_environment(folder, monkeypatch):
    monkeypatch.setenv("RINGFENCE_SECRET", "x")
    seen = folder / "env"
    spec = EngineSpec(
        "m", EngineKind.COMMAND, ("/bin/sh", "-c", f"env > {seen}; sleep 60"), environment={"CUDA_VISIBLE_DEVICES": "1"}
    )
    async with supervised(folder, spec):
        await until(lambda: seen.exists() and "GGML_NO_BACKTRACE=1" in seen.read_text())
    assert "RINGFENCE_SECRET" not in seen.read_text()
    assert "CUDA_VISIBLE_DEVICES=1" in seen.read_text()


async def test_a_model_is_loaded_when_asked_for_and_unloaded_again(folder):
    async with supervised(folder, scripted(preload=False)) as supervisor:
        await asyncio.sleep(0.05)
        assert supervisor.states()["m"].state is EngineState.UNLOADED
        supervisor.load("m")
        client = await ready(supervisor)
        pid = supervisor.states()["m"].pid
        run = client.start(prompt("/hang"), confidential=True)
        await supervisor.unload("m", force=True)
        with pytest.raises(errors.Unavailable):
            await run.take()
        await until(lambda: is_unloaded(supervisor, "m"))
        assert not is_running(pid)
        assert supervisor.states()["m"].deaths == 0
        with pytest.raises(errors.NotFound):
            supervisor.load("other")


def test_a_socket_path_that_is_too_long_is_refused(folder):
    with pytest.raises(ValueError, match="107 bytes"):
        socket_path(folder / ("x" * 100), "m")
