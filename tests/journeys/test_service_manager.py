"""What systemd hears of daemon and agent: ready, alive, reloading, and no longer well."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import struct
import tempfile
from pathlib import Path

import pytest

from fakes.site import site as open_site

pytestmark = pytest.mark.journey


class Manager:
    """Listens where processes notify, and tells them apart by their credentials (unix(7))."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(str(path))
        self.heard: list[tuple[int, str]] = []

    async def hear(self, pid, word):
        """Wait until this process says a word, for at most 30 s; what was heard until then is forgotten."""
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        said, control, *_ = self._socket.recvmsg(4096, 64)
                        self.heard.append((struct.unpack("iII", control[0][2])[0], said.decode()))
                for index, (who, said) in enumerate(self.heard):
                    if who == pid and word in said:
                        del self.heard[: index + 1]
                        return said
                await asyncio.sleep(0.02)

    def close(self):
        """Listen no longer."""
        self._socket.close()


@pytest.fixture
async def managed(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    manager = Manager(folder / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    try:
        async with open_site(folder) as made:
            yield made, manager
    finally:
        manager.close()
        shutil.rmtree(folder)


async def test_both_are_alive_and_the_daemon_reloads_without_ending_a_stream(managed):
    site, manager = managed
    for pid in (site.agent.pid, site.daemon.pid):
        await manager.hear(pid, "WATCHDOG=1")
    async with contextlib.aclosing(site.client().generate("one two three four five six seven eight")) as events:
        await anext(events)
        site.daemon.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in await manager.hear(site.daemon.pid, "RELOADING=1")
        await manager.hear(site.daemon.pid, "READY=1")
        assert [event async for event in events][-1].HasField("receipt")
    await manager.hear(site.daemon.pid, "WATCHDOG=1")


async def test_an_agent_whose_log_failed_no_longer_feeds_its_watchdog(managed):
    site, manager = managed
    await manager.hear(site.agent.pid, "WATCHDOG=1")
    log = site.folder / "log" / "entries-000000.ndjson"
    log.rename(log.with_name("taken-away"))
    assert "the log" in await manager.hear(site.agent.pid, "STATUS=not well")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await manager.hear(site.agent.pid, "WATCHDOG=1")
    await manager.hear(site.daemon.pid, "WATCHDOG=1")
