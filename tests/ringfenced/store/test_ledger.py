"""A wallet is never overdrawn, whatever the concurrency, and no hold outlives its request (invariant 7)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.errors import Internal, NotFound, Unavailable, WalletEmpty
from ringfenced.store import journal
from ringfenced.store.ledger import SqliteLedger


@pytest.fixture
def ledger(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3", {"ward": 1000}, lambda: 7)
    yield ledger
    ledger.close()


async def test_reserve_settle_release(ledger):
    await ledger.reserve("ward", "a", 600)
    wallet = await ledger.wallet("ward")
    assert (wallet.held_microcredits, wallet.available_microcredits) == (600, 400)
    ledger.settle("ward", "a", 250)
    wallet = await ledger.wallet("ward")
    assert (wallet.spent_microcredits, wallet.held_microcredits, wallet.available_microcredits) == (250, 0, 750)


async def test_a_hold_over_the_rest_is_refused_with_the_numbers(ledger):
    await ledger.reserve("ward", "a", 600)
    with pytest.raises(WalletEmpty) as caught:
        await ledger.reserve("ward", "b", 500)
    assert caught.value.numbers["needed_microcredits"] == 500
    assert caught.value.numbers["available_microcredits"] == 400


async def test_a_settlement_takes_at_most_its_hold_and_only_once(ledger):
    await ledger.reserve("ward", "a", 100)
    ledger.settle("ward", "a", 5000)
    ledger.settle("ward", "a", 100)
    ledger.settle("ward", "never held", 100)
    assert (await ledger.wallet("ward")).spent_microcredits == 100


async def test_a_request_holds_once(ledger):
    await ledger.reserve("ward", "a", 1)
    with pytest.raises(Internal):
        await ledger.reserve("ward", "a", 1)


async def test_an_unknown_department_has_no_wallet(ledger):
    with pytest.raises(NotFound, match="nowhere"):
        await ledger.wallet("nowhere")


async def test_what_was_spent_outlives_the_process_and_holds_do_not(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    first = SqliteLedger(path, {"ward": 1000}, lambda: 7)
    await first.reserve("ward", "a", 300)
    await first.reserve("ward", "b", 300)
    first.settle("ward", "a", 120)
    first.close()
    second = SqliteLedger(path, {"ward": 1000}, lambda: 8)
    wallet = await second.wallet("ward")
    second.close()
    assert (wallet.spent_microcredits, wallet.held_microcredits) == (120, 0)
    rows = sqlite3.connect(path).execute("SELECT * FROM settlement").fetchall()
    assert rows == [("a", "ward", 120, 7)]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    ledger = SqliteLedger(path, {"ward": 1000}, lambda: 7)
    blocker = sqlite3.connect(path, timeout=0)
    blocker.execute("CREATE TRIGGER no_room BEFORE INSERT ON settlement BEGIN SELECT RAISE(FAIL, 'disk'); END")
    blocker.commit()
    await ledger.reserve("ward", "a", 10)
    ledger.settle("ward", "a", 10)
    for _ in range(200):
        if ledger.failure:
            break
        await asyncio.sleep(0.02)
    assert "cannot be written" in ledger.failure
    blocker.execute("DROP TRIGGER no_room")
    blocker.commit()
    for _ in range(200):
        if not ledger.failure:
            break
        await asyncio.sleep(0.02)
    ledger.close()
    assert blocker.execute("SELECT count(*) FROM settlement").fetchone() == (1,)
    blocker.close()


async def test_a_free_hold_is_granted_where_a_lowered_grant_left_less_than_was_spent(tmp_path):
    path = tmp_path / "l.sqlite3"
    before = SqliteLedger(path, {"ward": 1000}, lambda: 7)
    await before.reserve("ward", "a", 900)
    before.settle("ward", "a", 900)
    before.close()
    lowered = SqliteLedger(path, {"ward": 500}, lambda: 7)
    try:
        await lowered.reserve("ward", "free", 0)
        with pytest.raises(WalletEmpty):
            await lowered.reserve("ward", "b", 1)
    finally:
        lowered.close()


async def test_one_daemon_at_a_time_has_the_ledger(ledger, tmp_path):
    with pytest.raises(OSError, match=r"another daemon uses .+ or give this one a folder of its own"):
        SqliteLedger(tmp_path / "ledger.sqlite3", {"ward": 1000}, lambda: 7)


DIES = """
import asyncio, os, pathlib, sys
from ringfenced.store import journal
from ringfenced.store.ledger import SqliteLedger

async def main():
    ledger = SqliteLedger(pathlib.Path(sys.argv[1]), {"ward": 1000}, lambda: 7)
    for request, secured in (("local", None), ("left", 300), ("escalated", 40), ("settled", 200), ("nothing", 100)):
        await ledger.reserve("ward", request, secured or 100)
        if secured:
            await ledger.secure("ward", request, secured // 2)
            await ledger.secure("ward", request, secured * 5)
    ledger.settle("ward", "settled", 7)
    ledger.settle("ward", "nothing", 0)
    await ledger.reserve("ward", "last", 100)
    await ledger.secure("ward", "last", 1)
    os._exit(9)

asyncio.run(main())
"""
"""Dies with requests secured and others not; what stands before a `secure` is on the disk when it returns."""


async def test_what_a_killed_daemon_had_secured_is_booked_when_the_ledger_is_opened(tmp_path):
    path = tmp_path / "l.sqlite3"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, str(path))
    assert await process.wait() == 9
    for _ in range(2):  # a second time, nothing more
        ledger = SqliteLedger(path, {"ward": 1000}, lambda: 8)
        wallet = await ledger.wallet("ward")
        ledger.close()
        assert (wallet.spent_microcredits, wallet.held_microcredits) == (300 + 40 + 7 + 1, 0)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT request_id, amount_microcredits, settled_unix_ms FROM settlement").fetchall()
        assert sorted(rows) == [("escalated", 40, 8), ("last", 1, 8), ("left", 300, 8), ("settled", 7, 7)]
        assert connection.execute("SELECT count(*) FROM at_risk").fetchone() == (0,)


async def test_a_secure_gathers_nothing_before_it_is_written(ledger, monkeypatch):
    monkeypatch.setattr(journal, "GATHER_S", 60.0)
    async with asyncio.timeout(10):
        for request in "abc":
            await ledger.reserve("ward", request, 10)
            ledger.settle("ward", request, 1)  # the writer now gathers
            await ledger.reserve("ward", request + "2", 10)
            await ledger.secure("ward", request + "2", 10)


async def test_settlements_are_gathered_again_after_a_secure(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "GATHER_S", 60.0)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as reader:
        await ledger.reserve("ward", "a", 10)
        await ledger.secure("ward", "a", 10)
        ledger.settle("ward", "a", 1)
        await asyncio.sleep(0.1)
        assert reader.execute("SELECT count(*) FROM settlement").fetchone() == (0,)
        ledger.close()
        assert reader.execute("SELECT count(*) FROM settlement").fetchone() == (1,)


async def test_what_cannot_be_secured_does_not_leave(ledger, tmp_path):
    """Unavailable at once, with a hint; whole again when the disk is, and the failed row is never booked."""
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as blocker:
        blocker.execute("CREATE TRIGGER no_room BEFORE INSERT ON at_risk BEGIN SELECT RAISE(FAIL, 'disk'); END")
        await ledger.reserve("ward", "a", 10)
        ledger.settle("ward", "a", 10)
        await ledger.reserve("ward", "b", 10)
        with pytest.raises(Unavailable) as caught:
            await ledger.secure("ward", "b", 10)
        assert (caught.value.reason, caught.value.retry_after_ms) == ("ledger_failed", 1000)
        assert "cannot be written" in ledger.failure
        blocker.execute("DROP TRIGGER no_room")
        await asyncio.wait_for(ledger.secure("ward", "b", 10), 10)
        assert not ledger.failure
        ledger.settle("ward", "b", 0)
        ledger.close()
        assert blocker.execute("SELECT request_id, amount_microcredits FROM settlement").fetchall() == [("a", 10)]
        assert blocker.execute("SELECT count(*) FROM at_risk").fetchone() == (0,)


async def test_only_a_hold_can_be_secured_and_only_while_the_ledger_is_open(ledger):
    with pytest.raises(Internal):
        await ledger.secure("ward", "never held", 1)
    await ledger.reserve("ward", "a", 10)
    ledger.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(ledger.secure("ward", "a", 10), 5)


async def test_a_secure_that_is_cancelled_leaves_nothing_at_risk(tmp_path):
    ledger = SqliteLedger(tmp_path / "l.sqlite3", {"ward": 1000}, lambda: 7)
    await ledger.reserve("ward", "a", 10)
    securing = asyncio.ensure_future(ledger.secure("ward", "a", 10))
    await asyncio.sleep(0)
    securing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await securing
    ledger.settle("ward", "a", 0)
    ledger.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "l.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM at_risk").fetchone() == (0,)


async def test_a_hold_is_raised_whole_or_stays_as_it_was(ledger):
    """What stands in for a target that gave no answer may be dearer; nothing is ever held twice."""
    await ledger.reserve("ward", "a", 600)
    await ledger.raise_hold("ward", "a", 900)
    await ledger.raise_hold("ward", "a", 700)
    with pytest.raises(WalletEmpty) as caught:
        await ledger.raise_hold("ward", "a", 1001)
    assert caught.value.numbers["needed_microcredits"] == 101
    assert (await ledger.wallet("ward")).held_microcredits == 900
    ledger.settle("ward", "a", 1000)
    wallet = await ledger.wallet("ward")
    assert (wallet.spent_microcredits, wallet.held_microcredits) == (900, 0)
    with pytest.raises(Internal):
        await ledger.raise_hold("ward", "a", 1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["reserve", "raise_hold", "settle"]), st.integers(0, 700)),
        max_size=30,
    )
)
def test_a_wallet_is_never_overdrawn(tmp_path_factory, steps):
    """Any interleaving of holds and settlements keeps spent + held within the grant."""

    async def run():
        ledger = SqliteLedger(tmp_path_factory.mktemp("l") / "l.sqlite3", {"ward": 1000}, lambda: 7)
        try:
            for request, what, amount in steps:
                if what == "settle":
                    ledger.settle("ward", request, amount)
                else:
                    with contextlib.suppress(WalletEmpty, Internal):
                        await getattr(ledger, what)("ward", request, amount)
                wallet = await ledger.wallet("ward")
                assert wallet.held_microcredits >= 0
                assert wallet.spent_microcredits + wallet.held_microcredits <= 1000
        finally:
            ledger.close()

    asyncio.run(run())
