"""Workers reach wallets and memory over the link as if they were their own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.labels import Category, Label, Level
from ringfenced.errors import InvalidRequest, WalletEmpty
from ringfenced.model import Caller, Inherited, Prompt, Request
from ringfenced.store.ledger import SqliteLedger
from ringfenced.store.link import Link, serve_link
from ringfenced.store.memory import LabelMemory

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
TURN = Request("r", Prompt(()), conversation_id="c", idempotency_key="k")
PHI = Inherited(Label(Level.CONFIDENTIAL, frozenset({Category.PHI})), Label(Level.INTERNAL))


@pytest.fixture
async def node(tmp_path):
    ledger = SqliteLedger(tmp_path / "l.sqlite3", {"ward": 1000}, lambda: 7)
    ports: list[int] = []
    async with serve_link(tmp_path / "link", ledger, LabelMemory(lambda: 0.0), lambda: "", ports.append):
        yield ledger, tmp_path / "link", ports
    ledger.close()


async def test_two_workers_share_one_wallet(node):
    ledger, path, _ = node
    async with Link.open(path) as one, Link.open(path) as two:
        await one.reserve("ward", "a", 600)
        with pytest.raises(WalletEmpty) as caught:
            await two.reserve("ward", "b", 500)
        assert caught.value.numbers["available_microcredits"] == 400
        one.settle("ward", "a", 100)
        assert (await one.wallet("ward")).spent_microcredits == 100
        assert (await two.wallet("ward")).available_microcredits == 900
    assert (await ledger.wallet("ward")).spent_microcredits == 100


async def test_a_worker_that_dies_takes_its_holds_with_it(node):
    ledger, path, _ = node
    async with Link.open(path) as worker:
        await worker.reserve("ward", "a", 600)
    for _ in range(100):
        if (await ledger.wallet("ward")).held_microcredits == 0:
            break
        await asyncio.sleep(0.01)
    assert (await ledger.wallet("ward")).held_microcredits == 0


async def test_labels_and_keys_are_shared(node):
    _, path, ports = node
    async with Link.open(path) as one, Link.open(path) as two:
        await one.remember(WARD, TURN, PHI)
        assert await two.inherited(WARD, TURN) == PHI
        with pytest.raises(InvalidRequest, match="idempotency_key"):
            await two.remember(WARD, TURN, PHI)
        assert await two.inherited(WARD, replace(TURN, conversation_id="")) == Inherited()
        await two.ready(7443)
    assert ports == [7443]


async def test_many_reservations_at_once_never_overdraw(node):
    _, path, _ = node
    async with Link.open(path) as one, Link.open(path) as two:

        async def take(link, number):
            try:
                await link.reserve("ward", f"r{number}", 30)
            except WalletEmpty:
                return 0
            return 30

        taken = await asyncio.gather(*(take((one, two)[n % 2], n) for n in range(100)))
    assert sum(taken) == 990


async def test_a_worker_whose_supervisor_goes_ends(node):
    _, path, _ = node

    async def work():
        async with Link.open(path) as worker:
            worker._reader.feed_eof()
            await asyncio.sleep(1)

    with pytest.raises(ExceptionGroup) as caught:
        await work()
    assert caught.group_contains(ConnectionError)
