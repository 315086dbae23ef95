"""A wallet is never overdrawn, whatever the concurrency, and no hold outlives its request (invariant 7)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.errors import Internal, NotFound, WalletEmpty
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


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["reserve", "settle"]), st.integers(0, 700)), max_size=30
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
                        await ledger.reserve("ward", request, amount)
                wallet = await ledger.wallet("ward")
                assert wallet.held_microcredits >= 0
                assert wallet.spent_microcredits + wallet.held_microcredits <= 1000
        finally:
            ledger.close()

    asyncio.run(run())
