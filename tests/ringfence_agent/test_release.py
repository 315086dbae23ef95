"""Between the judgement and the first byte lies a disk: what is not durable does not leave, and time passes there."""

import asyncio
import json
import os
import threading
import time
from contextlib import contextmanager

import pytest

from fakes.agent import agent, client, folder, gather, terms, until
from fakes.provider import BREAK, StandInProvider, failure, head
from ringfence.labels import Label, Level
from ringfence_agent import build
from ringfenced.deidentify import deidentify
from ringfenced.errors import Refused, Unavailable
from ringfenced.model import EntryQuery, Message, Prompt, Role, Sent, Text


@pytest.fixture
async def provider(tmp_path):
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path) as provider:
        folder(tmp_path, provider.base_url)
        yield provider


class SlowDisk:
    """A disk whose writes are done, but not durable, until someone lets them be."""

    def __init__(self):
        self.asked = threading.Event()
        self.may_end = threading.Event()
        self._real = os.fdatasync

    def fdatasync(self, file):
        self.asked.set()
        assert self.may_end.wait(20)
        self._real(file)


@pytest.fixture
def slow(monkeypatch):
    """Makes the disk slow for as long as the context is open."""

    @contextmanager
    def slowed():
        disk = SlowDisk()
        monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
        try:
            yield disk
        finally:
            disk.may_end.set()
            monkeypatch.undo()

    return slowed


def send(egress, *texts):
    said = texts or ("What does a ward clerk do?",)
    prompt = Prompt(tuple(Message(Role.USER, (Text(text),)) for text in said))
    payload, _ = deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())
    return asyncio.ensure_future(gather(egress.send(payload, terms(), 20_000)))


async def started(egress):
    """Wait until the agent's own start is durable, so that the next write is the intent's."""
    await gather(egress.log.entries(EntryQuery(entries_max=1), follow=True))


async def withdrawn(sending, *rules):
    """A send that was refused after its intent: nothing left, and the intent's outcome says so."""
    with pytest.raises(Refused) as caught:
        await sending
    assert (caught.value.suggestions, caught.value.numbers["left"]) == (rules, 0)
    (proof,) = caught.value.proofs
    entry = json.loads(proof.entry)
    assert (entry["kind"], entry["outcome"], entry["reasons"]) == ("outcome", "cancelled", ["before_sending"])
    assert entry["bytes_in"] == 0


async def test_nothing_reaches_the_provider_until_the_intent_is_durable(provider, tmp_path, slow):
    """It stands in the page cache already; that is not enough."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await started(egress)
        with slow() as disk:
            sending = send(egress)
            await until(disk.asked.is_set)
            assert b'"kind":"intent"' in (tmp_path / "log" / "entries-000000.ndjson").read_bytes()
            await asyncio.sleep(0.3)
            assert (provider.connections, sending.done()) == (0, False)
            disk.may_end.set()
            assert isinstance((await sending)[-1], Sent)
    assert len(provider.bodies) == 1


async def test_a_lockdown_while_the_intent_is_written_stops_it(provider, tmp_path, slow):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await started(egress)
        with slow() as disk:
            sending = send(egress)
            await until(disk.asked.is_set)
            locking = asyncio.ensure_future(egress.apply_lockdown(on=True, reason="drill", by="o-1"))
            await until((tmp_path / "log" / "lockdown").exists)
            disk.may_end.set()
            await withdrawn(sending, "lockdown")
            assert (await locking).on
    assert provider.raw == b""


async def test_a_permit_that_expires_while_the_intent_is_written_sends_nothing(provider, tmp_path, slow, monkeypatch):
    ahead_ms = [0]
    monkeypatch.setattr(build, "_unix_ms", lambda: time.time_ns() // 1_000_000 + ahead_ms[0])
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await started(egress)
        with slow() as disk:
            sending = send(egress)
            await until(disk.asked.is_set)
            ahead_ms[0] = 32_001
            disk.may_end.set()
            await withdrawn(sending, "permit.freshness")
        assert provider.raw == b""


FIRST, SECOND = "It is 524-71-", "6038 is right."


async def test_halves_in_two_requests_are_read_together(provider, tmp_path):
    """Each may leave alone; the second may not once the first has left, in a request or before it."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await started(egress)
        with pytest.raises(Refused) as caught:
            await send(egress, FIRST, SECOND)
        assert caught.value.suggestions == ("residual",)
        assert isinstance((await send(egress, FIRST))[-1], Sent)
        assert isinstance((await send(egress))[-1], Sent)
        with pytest.raises(Refused) as caught:
            await send(egress, SECOND)
        assert caught.value.suggestions == ("residual.together",)
    assert len(provider.bodies) == 2


@pytest.mark.parametrize(
    ("answered", "reason", "cost"),
    [(failure(401), "credentials", 0), ([head(200, "Content-Type: text/event-stream"), BREAK], "bad_answer", 10)],
)
async def test_a_failure_costs_nothing_only_where_the_provider_never_took_the_request(
    provider, tmp_path, answered, reason, cost
):
    """Quotas count the estimate where it may have worked for us."""
    provider.script[:] = [answered]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        with pytest.raises(Unavailable) as caught:
            await send(egress)
    (proof,) = caught.value.proofs
    entry = json.loads(proof.entry)
    assert (entry["reasons"], entry["cost_microcredits"]) == ([reason], cost)
