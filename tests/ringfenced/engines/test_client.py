"""Whom the daemon takes for an engine: the process that it started, and nobody where it knows none."""

import asyncio
import os
import socket

import pytest

from fakes.hosting import scripted
from ringfenced.engines.attach import AttachedEngines
from ringfenced.engines.client import EngineClient, WrongListener
from ringfenced.engines.launch import socket_path
from ringfenced.engines.status import EngineState, EngineStatus


@pytest.fixture
def impostor(folder):
    """Somebody who listens where an engine should, and what was sent there."""
    path = socket_path(folder, "m", 1)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
        yield path, listening


@pytest.mark.parametrize("session", [0, 1, 2**22])
async def test_a_session_is_demanded_whatever_its_number(impostor, session):
    """0 is the number of one that was begun outside of the container, and no leave for everybody."""
    path, listening = impostor
    if session == os.getsid(0):
        pytest.skip("this process is of that session itself")
    with pytest.raises(WrongListener):
        await EngineClient.connect(path, timeout_s=5, session=session)
    accepted, _ = listening.accept()
    with accepted:
        accepted.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(accepted, 1) == b""


class NoSupervisor:
    on_status = None


@pytest.mark.parametrize("pids", [(), (None,)])
async def test_a_worker_does_not_connect_where_it_does_not_know_to_whom(impostor, folder, pids):
    _, listening = impostor
    link = NoSupervisor()
    engines = AttachedEngines([scripted()], socket_dir=folder, supervisor=link)
    told = EngineStatus("m", "scripted", EngineState.READY, ready=(1,), ready_pids=pids).to_json()
    async with asyncio.TaskGroup() as group:
        group.create_task(engines.run())
        await asyncio.sleep(0)
        link.on_status(told)
        await asyncio.sleep(0.1)
        assert engines.engine("m") is None
        with pytest.raises(BlockingIOError):
            listening.accept()
        await engines.stop()
