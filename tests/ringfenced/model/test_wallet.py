"""A wallet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.model import Wallet

AMOUNT = st.integers(0, 10**18)


@given(spent=AMOUNT, held=AMOUNT, rest=AMOUNT)
def test_what_is_neither_spent_nor_held_is_available(spent, held, rest):
    assert Wallet("ward", spent + held + rest, spent, held).available_microcredits == rest
