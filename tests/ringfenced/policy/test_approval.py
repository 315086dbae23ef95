"""A signature is good for one policy, one person and nothing else."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.policy.approval import AHEAD_MS_MAX, Approval, approvers, digest_of, sign

KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("chief", "privacy", "third")}
PUBLIC = {name: key.public_key() for name, key in KEYS.items() if name != "third"}
NOW = 1_800_000_000_000
POLICY = b"permit(principal, action, resource);"


def line(policy=POLICY, name="chief", key="", at=NOW):
    return sign(Approval(digest_of(policy), name, at), KEYS[key or name])


def test_who_signed_has_approved_once_each():
    lines = [line(), line(), line(at=NOW - 1), line(name="privacy")]
    assert approvers(POLICY, lines, PUBLIC, NOW) == ["chief", "privacy"]


def test_a_stranger_s_a_borrowed_name_s_and_a_later_one_s_do_not_count():
    lines = [line(name="third"), line(name="privacy", key="chief"), line(at=NOW + AHEAD_MS_MAX + 1)]
    assert approvers(POLICY, lines, PUBLIC, NOW) == []


@given(st.integers(0, len(POLICY) - 1), st.integers(1, 255))
def test_another_byte_in_the_policy_needs_other_signatures(place, change):
    other = bytearray(POLICY)
    other[place] ^= change
    assert approvers(bytes(other), [line()], PUBLIC, NOW) == []


@given(st.integers(0, len(line()) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_another_character_in_a_line_makes_it_nobody_s(place, char):
    text = line()
    changed = text[:place] + char + text[place + 1 :]
    assert approvers(POLICY, [changed], PUBLIC, NOW) == (["chief"] if changed == text else [])


@given(st.lists(st.text(max_size=80)))
def test_whatever_stands_in_the_file_is_passed_over(lines):
    assert approvers(POLICY, [*lines, line()], PUBLIC, NOW) == ["chief"]
