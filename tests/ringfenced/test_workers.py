"""Worker processes that hang are ended; those that never said a word are left alone."""

import asyncio
import stat
import time

import pytest

from ringfence.confine.begin import NotConfined
from ringfenced import workers
from ringfenced.workers import Workers


def stand_in(tmp_path, monkeypatch, then="exec sleep 60"):
    """A program in Python's place that writes down its process id and does nothing, or what is said."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\n{then}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(workers.sys, "executable", str(program))
    monkeypatch.setattr(workers, "RESTART_S", 0.01)
    monkeypatch.setattr(workers, "SILENT_S_MAX", 1.0)
    return tmp_path / "pids"


async def started(pids, count):
    """Wait until so many were started, for at most 20 s."""
    for _ in range(2000):
        if pids.exists() and len(pids.read_text().split()) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(pids.read_text())


async def test_a_worker_that_falls_silent_is_started_again(tmp_path, monkeypatch):
    pids = stand_in(tmp_path, monkeypatch)
    one = Workers(tmp_path / "ringfenced.toml", 1, 1.0)
    async with one.running():
        await started(pids, 1)
        one.on_alive(0)
        await started(pids, 2)


async def test_a_worker_that_is_still_starting_or_goes_on_answering_is_left_alone(tmp_path, monkeypatch):
    pids = stand_in(tmp_path, monkeypatch)
    two = Workers(tmp_path / "ringfenced.toml", 2, 1.0)
    async with two.running():
        await started(pids, 2)
        for _ in range(30):
            two.on_alive(1)
            await asyncio.sleep(0.05)
        assert len(pids.read_text().split()) == 2


async def test_a_worker_that_does_not_end_is_killed_when_its_requests_have_had_their_time(tmp_path, monkeypatch):
    pids = stand_in(tmp_path, monkeypatch)
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\ntrap '' TERM\necho $$ >> {pids}\nwhile :; do sleep 0.05; done\n")
    monkeypatch.setattr(workers, "STOP_MORE_S", 0.1)
    one = Workers(tmp_path / "ringfenced.toml", 1, 0.4)
    async with one.running():
        await started(pids, 1)
        told_s = time.monotonic()
    assert 0.4 < time.monotonic() - told_s < 5.0


async def test_a_worker_that_is_not_shut_in_ends_the_daemon(tmp_path, monkeypatch):
    """The unit is not to start it again and again, nor to serve with the others; whether they serve already or not."""
    pids = stand_in(tmp_path, monkeypatch, f"test -e {tmp_path}/open && exit 77; exec sleep 60")
    two = Workers(tmp_path / "ringfenced.toml", 2, 1.0)

    async def serve():
        async with two.running(), asyncio.timeout(20):
            await started(pids, 2)
            two.on_ready(1)
            two.on_ready(1)
            (tmp_path / "open").touch()
            two.on_alive(0)  # and falls silent: it is started again
            await asyncio.sleep(20)

    with pytest.raises(ExceptionGroup) as caught:
        await serve()
    assert caught.group_contains(NotConfined)


async def test_only_processes_that_it_started_and_that_run_are_workers(tmp_path, monkeypatch):
    pids = stand_in(tmp_path, monkeypatch)
    one = Workers(tmp_path / "ringfenced.toml", 1, 1.0)
    async with one.running():
        await started(pids, 1)
        pid = int(pids.read_text())
        assert one.is_worker(pid)
        assert not one.is_worker(1)
    assert not one.is_worker(pid)
