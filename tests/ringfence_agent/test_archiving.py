"""With an archive nothing leaves that it does not hold, and nobody reads it but the auditors."""

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes.agent import agent, client, folder, gather, terms, until
from fakes.archive import archived
from fakes.provider import StandInProvider
from ringfence.configfile import ConfigError
from ringfence.labels import Label, Level
from ringfence_agent import build
from ringfence_agent.config import load
from ringfenced.cli.app import app
from ringfenced.cli.archivefiles import records_of
from ringfenced.deidentify import deidentify
from ringfenced.errors import Refused
from ringfenced.model import Message, Prompt, Role, Sent, Text

WORDS = "What does a ward clerk do on quiet days?"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One compiled recogniser for all of these agents."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
async def provider(tmp_path, cache):
    folder(tmp_path, "https://localhost:1/v1")
    (tmp_path / "cache").symlink_to(cache)
    async with StandInProvider(tmp_path) as provider:
        archived(folder(tmp_path, provider.base_url))
        yield provider


def send(egress):
    prompt = Prompt((Message(Role.USER, (Text(WORDS),)),))
    payload, _ = deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())
    return asyncio.ensure_future(gather(egress.send(payload, terms(), 20_000)))


def entries(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log" / "entries-000000.ndjson").read_bytes().splitlines()]


def audit_open(tmp_path, index, *more):
    arguments = ["audit", "open", str(index)]
    for option, name in (("archive", "archive"), ("key", "auditors.key"), ("log", "log"), ("log-key", "log.pub")):
        arguments += [f"--{option}", str(tmp_path / name)]
    return CliRunner().invoke(app, [*arguments, *more], catch_exceptions=False)


async def test_the_record_is_durable_before_a_byte_leaves_and_opens_to_exactly_these_bytes(provider, tmp_path):
    held = []
    provider.on_request = lambda _body: held.append(any(records_of(tmp_path / "archive", 1)))
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        assert isinstance((await send(egress))[-1], Sent)
    assert held == [True]
    result = audit_open(tmp_path, 1, "--out", str(tmp_path / "body.json"))
    assert (result.exit_code, "FAILED" in result.stdout) == (0, False)
    assert (tmp_path / "body.json").read_bytes() == provider.bodies[0]
    (tmp_path / "body.json").unlink()
    searched = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "sealed-000000000001.rec" in {path.name for path in searched}
    assert not [path for path in searched if b"ward clerk" in path.read_bytes()]


async def test_what_the_archive_does_not_take_does_not_leave(provider, tmp_path):
    """The refusal is typed, the intent withdrawn, and the next send goes out once there is room."""
    (tmp_path / "archive").mkdir(mode=0o700)
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        (tmp_path / "archive").rename(tmp_path / "elsewhere")
        with pytest.raises(Refused) as caught:
            await send(egress)
        assert (caught.value.suggestions, caught.value.numbers["left"]) == (("archive",), 0)
        (tmp_path / "elsewhere").rename(tmp_path / "archive")
        assert isinstance((await send(egress))[-1], Sent)
    assert len(provider.bodies) == 1
    withdrawn = [entry for entry in entries(tmp_path) if entry.get("reasons") == ["before_sending"]]
    assert [entry["outcome"] for entry in withdrawn] == ["cancelled"]


async def test_a_daemon_that_hangs_up_while_the_record_is_written_sends_nothing(provider, tmp_path, monkeypatch):
    """As a crash between record and send would leave it: the archive holds more than left, never less."""
    asked, may_end, real = threading.Event(), threading.Event(), os.fdatasync

    def slow(file):
        if "sealed" in str(Path(f"/proc/self/fd/{file}").readlink()):
            asked.set()
            assert may_end.wait(20)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        sending = send(egress)
        await until(asked.is_set)
        sending.cancel()
        await until(lambda: len(entries(tmp_path)) == 3)
        may_end.set()
    assert provider.connections == 0
    assert [entry["kind"] for entry in entries(tmp_path)] == ["start", "intent", "outcome"]
    assert entries(tmp_path)[2]["reasons"] == ["before_sending"]
    assert any(records_of(tmp_path / "archive", 1))


async def test_a_lockdown_while_the_record_is_written_stops_it(provider, tmp_path, monkeypatch):
    asked, may_end, real = threading.Event(), threading.Event(), os.fdatasync

    def slow(file):
        if "sealed" in str(Path(f"/proc/self/fd/{file}").readlink()):
            asked.set()
            assert may_end.wait(20)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        sending = send(egress)
        await until(asked.is_set)
        locking = asyncio.ensure_future(egress.apply_lockdown(on=True, reason="drill", by="o-1"))
        await until((tmp_path / "log" / "lockdown").exists)
        may_end.set()
        with pytest.raises(Refused) as caught:
            await sending
        assert caught.value.suggestions == ("lockdown",)
        await locking
    assert provider.connections == 0


@pytest.mark.parametrize("content", [b"nonsense", b""])
def test_a_recipient_that_is_no_key_is_refused_at_the_start(tmp_path, cache, content):
    archived(folder(tmp_path, "https://localhost:1/v1"))
    (tmp_path / "cache").symlink_to(cache)
    (tmp_path / "auditors.pub").write_bytes(content)
    settings, _ = load(tmp_path / "agent.toml")
    with pytest.raises(ConfigError, match="audit new-key"):
        build.prepare(settings)
