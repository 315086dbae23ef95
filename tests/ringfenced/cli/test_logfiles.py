"""Logs and keys on disk."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fakes.egresslog import ORIGIN, ordinary, signed, write, write_key
from ringfence.translog import key_hash
from ringfenced.cli import logfiles
from ringfenced.cli.exits import Failure

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""Always the same: test names are made of it, and each process that runs tests must find the same names."""


def verifier_key(name=ORIGIN, key=None, kind=b"\x01"):
    public = (key or KEY).public_key()
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(kind + public.public_bytes_raw()).decode()}"


def test_entries_come_in_order_over_all_segments(tmp_path):
    write(tmp_path / "log", ordinary(), "")
    assert list(logfiles.entries(tmp_path / "log")) == ordinary()


def test_a_line_that_is_still_being_written_is_left_out(tmp_path):
    write(tmp_path / "log", ordinary(), "")
    with (tmp_path / "log" / "entries-000002.ndjson").open("ab") as stream:
        stream.write(b'{"half')
    assert list(logfiles.entries(tmp_path / "log")) == ordinary()


def test_a_segment_in_the_middle_must_be_whole_and_there(tmp_path):
    write(tmp_path / "log", ordinary(), "")
    middle = tmp_path / "log" / "entries-000001.ndjson"
    middle.write_bytes(middle.read_bytes()[:-3])
    with pytest.raises(Failure, match="ends within an entry"):
        list(logfiles.entries(tmp_path / "log"))
    middle.unlink()
    with pytest.raises(Failure, match=r"entries-000001\.ndjson is missing"):
        list(logfiles.entries(tmp_path / "log"))


def test_a_key_is_read_as_pem_or_as_verifier_key(tmp_path):
    write_key(tmp_path / "log.pub", KEY)
    assert logfiles.read_key(tmp_path / "log.pub") == (KEY.public_key(), "")
    (tmp_path / "log.vkey").write_text(verifier_key() + "\n")
    assert logfiles.read_key(tmp_path / "log.vkey") == (KEY.public_key(), ORIGIN)


@pytest.mark.parametrize(
    "text",
    ["", "x", "a+b+c", verifier_key(kind=b"\x02"), verifier_key().replace(ORIGIN, "other"), "-----BEGIN X-----"],
)
def test_what_is_no_key_is_refused(tmp_path, text):
    (tmp_path / "key").write_text(text)
    with pytest.raises(Failure, match="no Ed25519 public key"):
        logfiles.read_key(tmp_path / "key")


def test_a_key_of_another_kind_is_refused(tmp_path):
    write_key(tmp_path / "key", generate_private_key(SECP256R1()))
    with pytest.raises(Failure, match="no Ed25519 public key"):
        logfiles.read_key(tmp_path / "key")


@given(data=st.binary(max_size=120))
def test_arbitrary_bytes_are_no_key(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "arbitrary"
    path.write_bytes(data)
    with pytest.raises(Failure, match="no Ed25519 public key"):
        logfiles.read_key(path)


def test_a_checkpoint_is_text(tmp_path):
    (tmp_path / "c").write_text(signed([], KEY))
    assert logfiles.origin_of(logfiles.read_checkpoint(tmp_path / "c")) == ORIGIN
    (tmp_path / "c").write_bytes(b"\xff")
    with pytest.raises(Failure, match="no checkpoint"):
        logfiles.read_checkpoint(tmp_path / "c")
    with pytest.raises(Failure, match="cannot read"):
        logfiles.read_checkpoint(tmp_path / "nothing")


def test_a_checkpoint_says_how_many_entries_it_covers():
    assert logfiles.size_of(signed(ordinary(), KEY)) == 10
    for note in ("", "a", "a\n", "a\nmany\n"):
        with pytest.raises(Failure):
            logfiles.size_of(note)
