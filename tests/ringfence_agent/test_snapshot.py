"""A snapshot says what was signed, or is none."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.translog import Checkpoint, ProofError, open_checkpoint, sign_checkpoint
from ringfence_agent.snapshot import Snapshot, SnapshotError, seal, unseal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"
SNAPSHOT = Snapshot(ORIGIN, 7, bytes(32), {"recovered": {"nonces": {"n": 1}}, "quota": [1, "ä"]})


def test_what_was_sealed_is_what_is_read():
    assert unseal(seal(SNAPSHOT, KEY), ORIGIN, KEY.public_key()) == SNAPSHOT


@given(st.data())
def test_no_changed_byte_passes(data):
    sealed = seal(SNAPSHOT, KEY)
    place = data.draw(st.integers(0, len(sealed) - 2))
    bent = sealed[:place] + bytes([sealed[place] ^ data.draw(st.integers(1, 255))]) + sealed[place + 1 :]
    try:
        assert unseal(bent, ORIGIN, KEY.public_key()) == SNAPSHOT
    except SnapshotError:
        return
    assert place > sealed.index(b"\n"), "the signed part was changed and believed"


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_else(content):
    with pytest.raises(SnapshotError):
        unseal(content, ORIGIN, KEY.public_key())


def test_another_log_and_another_key_are_refused():
    with pytest.raises(SnapshotError):
        unseal(seal(SNAPSHOT, KEY), "another.example/log", KEY.public_key())
    with pytest.raises(SnapshotError):
        unseal(seal(SNAPSHOT, Ed25519PrivateKey.generate()), ORIGIN, KEY.public_key())


def test_a_checkpoint_is_no_snapshot_nor_the_other_way_round():
    with pytest.raises(SnapshotError):
        unseal(sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), KEY).encode(), ORIGIN, KEY.public_key())
    with pytest.raises(ProofError):
        open_checkpoint(seal(SNAPSHOT, KEY).decode(), ORIGIN, KEY.public_key())
