"""Workers reach wallets and memory over the link as if they were their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from dataclasses import replace

import pytest

from ringfence.labels import Category, Label, Level
from ringfenced.errors import InvalidRequest, Unavailable, WalletEmpty
from ringfenced.model import Caller, Inherited, Prompt, Request, Wallet
from ringfenced.store.ledger import SqliteLedger
from ringfenced.store.link import LINE_BYTES_MAX, Link, serve_link
from ringfenced.store.memory import LabelMemory

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
TURN = Request("r", Prompt(()), conversation_id="c", idempotency_key="k")
PHI = Inherited(
    Label(Level.CONFIDENTIAL, frozenset({Category.PHI})), Label(Level.INTERNAL), sources=frozenset({"lab", "news"})
)


def is_this_process(pid):
    return pid == os.getpid()


@pytest.fixture
async def node(tmp_path):
    ledger = SqliteLedger(tmp_path / "l.sqlite3", {"ward": 1000}, lambda: 7)
    ports: list[int] = []
    own = (ledger, LabelMemory(lambda: 0.0), lambda: "")
    async with serve_link(tmp_path / "link", *own, ports.append, is_worker=is_this_process):
        yield ledger, tmp_path / "link", ports
    ledger.close()


async def test_two_workers_share_one_wallet(node):
    ledger, path, _ = node
    async with Link.open(path, os.getpid()) as one, Link.open(path, os.getpid()) as two:
        await one.reserve("ward", "a", 600)
        with pytest.raises(WalletEmpty) as caught:
            await two.reserve("ward", "b", 500)
        assert caught.value.numbers["available_microcredits"] == 400
        await one.raise_hold("ward", "a", 700)
        with pytest.raises(WalletEmpty):
            await one.raise_hold("ward", "a", 1001)
        assert (await two.wallet("ward")).held_microcredits == 700
        one.settle("ward", "a", 100)
        assert (await one.wallet("ward")).spent_microcredits == 100
        assert (await two.wallet("ward")).available_microcredits == 900
    assert (await ledger.wallet("ward")).spent_microcredits == 100


async def free(ledger) -> Wallet:
    """The wallet once nothing is held, or after 5 s."""
    for _ in range(500):
        if not (wallet := await ledger.wallet("ward")).held_microcredits:
            break
        await asyncio.sleep(0.01)
    return wallet


async def test_a_worker_that_dies_frees_its_holds_and_pays_for_what_it_had_secured(node):
    ledger, path, _ = node
    async with Link.open(path, os.getpid()) as worker:
        await worker.reserve("ward", "local", 400)
        await worker.reserve("ward", "left", 100)
        await worker.reserve("ward", "settled", 200)
        await worker.secure("ward", "left", 90)
        await worker.secure("ward", "settled", 200)
        worker.settle("ward", "settled", 7)
    wallet = await free(ledger)
    assert (wallet.held_microcredits, wallet.spent_microcredits) == (0, 97)


async def test_a_caller_that_leaves_while_its_hold_is_on_the_way_leaves_no_hold(node):
    """Cancelled at random times, in two workers: before the question is sent, on the way, or when the answer came."""
    ledger, path, _ = node
    chance = random.Random(7)

    async def take(link, request, patience_s):
        with contextlib.suppress(TimeoutError, WalletEmpty):
            async with asyncio.timeout(patience_s):
                await link.reserve("ward", request, 5)
                link.settle("ward", request, 1)
                return 1
        return 0

    async with Link.open(path, os.getpid()) as one, Link.open(path, os.getpid()) as two:
        booked = 0
        for turn in range(40):
            takes = [take((one, two)[n % 2], f"{turn}-{n}", chance.uniform(-0.001, 0.004)) for n in range(20)]
            booked += sum(await asyncio.gather(*takes))
        await one.wallet("ward")
        await two.wallet("ward")  # what was told before is done
        wallet = await ledger.wallet("ward")
    assert 0 < booked < 800
    assert (wallet.held_microcredits, wallet.spent_microcredits) == (0, booked)


async def test_what_cannot_be_secured_is_told_whole(node):
    ledger, path, _ = node
    async with Link.open(path, os.getpid()) as worker:
        await worker.reserve("ward", "a", 10)
        ledger.close()
        with pytest.raises(Unavailable) as caught:
            await worker.secure("ward", "a", 10)
    assert (caught.value.reason, caught.value.retry_after_ms) == ("ledger_failed", 1000)


@pytest.mark.parametrize(
    "line", [b"x" * (2 * LINE_BYTES_MAX), b"no json\n", b"[]\n", b"{}\n", b'{"id": 1, "do": "reserve", "with": 3}\n']
)
async def test_a_worker_that_speaks_nonsense_loses_its_link_and_nobody_else(node, caplog, line):
    ledger, path, _ = node
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    async with Link.open(path, os.getpid()) as other:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"id": 1, "do": "reserve", "with": ["ward", "a", 600]}\n' + line)
        with contextlib.suppress(ConnectionResetError):  # what it had not read
            while await reader.read(1000):
                pass
        writer.close()
        assert (await free(ledger)).held_microcredits == 0
        await other.reserve("ward", "b", 1000)
    assert [record.message for record in caplog.records] == ["link_broken"]
    assert not unhandled


async def test_labels_and_keys_are_shared(node):
    _, path, ports = node
    async with Link.open(path, os.getpid()) as one, Link.open(path, os.getpid()) as two:
        await one.remember(WARD, TURN, PHI)
        assert await two.inherited(WARD, TURN) == PHI
        with pytest.raises(InvalidRequest, match="idempotency_key"):
            await two.remember(WARD, TURN, PHI)
        assert await two.inherited(WARD, replace(TURN, conversation_id="")) == Inherited()
        await two.ready(7443)
    assert ports == [7443]


async def test_many_reservations_at_once_never_overdraw(node):
    _, path, _ = node
    async with Link.open(path, os.getpid()) as one, Link.open(path, os.getpid()) as two:

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
        async with Link.open(path, os.getpid()) as worker:
            worker._reader.feed_eof()
            await asyncio.sleep(1)

    with pytest.raises(ExceptionGroup) as caught:
        await work()
    assert caught.group_contains(ConnectionError)


async def test_a_glance_is_what_the_last_reservation_showed(node):
    _, path, _ = node
    async with Link.open(path, os.getpid()) as one, Link.open(path, os.getpid()) as two:
        assert (await one.glance("ward")).available_microcredits == 1000
        await one.reserve("ward", "a", 300)
        assert (await one.glance("ward")).available_microcredits == 700
        await two.reserve("ward", "b", 300)
        assert (await one.wallet("ward")).available_microcredits == 400
        # However old a glance, a reservation goes by the true wallet.
        with pytest.raises(WalletEmpty):
            await one.reserve("ward", "c", 600)


async def test_the_supervisor_hears_which_worker_is_alive(tmp_path):
    heard: list[int] = []
    async with (
        serve_link(tmp_path / "link", None, None, lambda: "", print, is_worker=is_this_process, on_alive=heard.append),
        Link.open(tmp_path / "link", os.getpid()) as link,
    ):
        link.alive(3)
        link.alive(3)
        await link.ready(7443)  # answered in order
        assert heard == [3, 3]


async def test_who_is_no_worker_is_not_heard(tmp_path, caplog):
    """An engine is the same user's, and no kernel yet keeps it from connecting: it is told nothing."""
    ledger = SqliteLedger(tmp_path / "l.sqlite3", {"ward": 1000}, lambda: 7)
    own = (ledger, LabelMemory(lambda: 0.0), lambda: "")
    path = tmp_path / "link"
    async with serve_link(path, *own, print, is_worker=lambda pid: pid != os.getpid()):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"id": 1, "do": "reserve", "with": ["ward", "a", 600]}\n')
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):  # what it had not read
                assert await reader.read() == b""
        writer.close()
        assert (await ledger.wallet("ward")).held_microcredits == 0
    assert [record.message for record in caplog.records] == ["link_refused"]
    ledger.close()


async def test_a_worker_does_not_take_an_answer_from_whoever_listens(node):
    """An engine that took the link's place would say that earlier turns were public."""
    _, path, _ = node
    with pytest.raises(ConnectionError, match="another process"):
        async with Link.open(path, os.getppid()):
            pass
