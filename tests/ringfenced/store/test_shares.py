"""A bounded memory in which a flood of one owner takes nothing from another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.store.shares import Shares

PUTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=200)


def test_one_owner_may_hold_all_of_it():
    shares = Shares(10)
    assert not [out for key in range(10) for out in shares.put("a", key, key)]
    assert shares.put("a", 10, 10) == [("a", 0), ("a", 1)]
    assert (shares.get("a", 1), shares.get("a", 2), shares.get("b", 2)) == (None, 2, None)


def test_who_holds_less_than_a_share_loses_nothing():
    shares = Shares(10)
    shares.put("small", 0, 0)
    out = [owner for key in range(50) for owner, _ in shares.put("large", key, key)]
    assert set(out) == {"large"}
    assert shares.get("small", 0) == 0


def test_what_is_kept_again_is_the_newest():
    shares = Shares(3)
    for key in (0, 1, 2, 0):
        shares.put("a", key, key)
    assert [value for _, value in shares.put("a", 3, 3)] == [1, 2]


def test_the_oldest_are_dropped_while_they_are_over():
    shares = Shares(10)
    for key in (1, 5, 2):
        shares.put("a", key, key)
    shares.drop("a", lambda value: value < 3)
    shares.drop("nobody", lambda value: True)
    assert [shares.get("a", key) for key in (1, 5, 2)] == [None, 5, 2]


@given(PUTS)
def test_it_is_bounded_and_tells_of_all_that_goes(puts):
    """Nothing is lost unsaid, nobody is left with nothing, and the newest is always there."""
    shares, kept = Shares(8), {}
    for owner, key in puts:
        out = shares.put(owner, key, (owner, key))
        kept[owner, key] = True
        for gone_from, gone in out:
            assert gone_from == gone[0]
            assert kept.pop(gone)
        assert shares.get(owner, key) == (owner, key)
        assert len(kept) <= 8
        assert all(shares.get(*one) == one for one in kept)
