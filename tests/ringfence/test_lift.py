"""A signature lifts one stop of one log, by one operator, for a while; and nothing else."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.lift import LIFETIME_MS_MAX, Lift, LiftError, sign, verify

KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode()) for name in ("anna", "ben")}
PUBLIC = {name: key.public_key() for name, key in KEYS.items()}
NOW = 1_800_000_000_000
LIFT = Lift("site.example/egress", NOW - 5000, "anna", NOW + 1000)


def test_what_an_operator_signed_counts():
    verify(LIFT, sign(LIFT, KEYS["anna"]), PUBLIC, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "site.example/other"},
        {"stopped_unix_ms": NOW - 4999},
        {"operator": "ben"},
        {"expires_at_unix_ms": NOW + 1001},
    ],
)
def test_it_counts_for_nothing_else(change):
    with pytest.raises(LiftError, match=r"not \w+'s for this stop"):
        verify(replace(LIFT, **change), sign(LIFT, KEYS["anna"]), PUBLIC, NOW)


def test_nor_by_another_key_an_unknown_name_or_none():
    with pytest.raises(LiftError, match="not anna's"):
        verify(LIFT, sign(LIFT, KEYS["ben"]), PUBLIC, NOW)
    for name in ("", "carl"):
        with pytest.raises(LiftError, match=r"lockdown\.operators"):
            verify(replace(LIFT, operator=name), sign(LIFT, KEYS["anna"]), PUBLIC, NOW)


@pytest.mark.parametrize(
    ("expires", "counts"), [(0, False), (1, True), (LIFETIME_MS_MAX, True), (LIFETIME_MS_MAX + 1, False)]
)
def test_it_lasts_a_while(expires, counts):
    lift = replace(LIFT, expires_at_unix_ms=NOW + expires)
    signature = sign(lift, KEYS["anna"])
    if counts:
        verify(lift, signature, PUBLIC, NOW)
    else:
        with pytest.raises(LiftError, match="clocks"):
            verify(lift, signature, PUBLIC, NOW)


@given(st.binary(max_size=100))
def test_nonsense_is_no_signature(signature):
    with pytest.raises(LiftError):
        verify(LIFT, signature, PUBLIC, NOW)


names = st.text(max_size=20)
lifts = st.builds(Lift, names, st.integers(0, 10**15), names, st.integers(0, 10**15))


@given(lifts, lifts)
def test_two_different_lifts_never_have_the_same_statement(one, other):
    try:
        statements = one.statement(), other.statement()
    except (LiftError, UnicodeEncodeError):
        return
    assert (statements[0] == statements[1]) == (one == other)


def test_a_name_with_a_line_break_cannot_pass_for_another_line():
    with pytest.raises(LiftError, match="line breaks"):
        replace(LIFT, operator="anna\n1").statement()
