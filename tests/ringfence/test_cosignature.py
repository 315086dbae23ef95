"""Cosignatures as C2SP tlog-cosignature has them, read here a second time from the specification."""

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.cosignature import Cosigner, cosign, cosigned_at, read_vkey
from ringfence.translog import Checkpoint, ProofError, open_checkpoint, sign_checkpoint

LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"
NAME = "site.example/witness"
KEYS = {"ed25519": Ed25519PrivateKey.generate(), "mldsa": MLDSA44PrivateKey.generate()}
CHECKPOINT = Checkpoint(ORIGIN, 1283, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, LOG)
TEXT = NOTE.partition("\n\n")[0] + "\n"
TIME = 1679315147

kinds = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)


def cosigned(key, note=NOTE, time=TIME, name=NAME):
    return note + cosign(note, ORIGIN, name, key, time)


def signed(line):
    dash, name, encoded = line.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", NAME)
    return base64.b64decode(encoded)


def test_ed25519_signs_header_time_and_note_body():
    key = KEYS["ed25519"]
    data = signed(cosign(NOTE, ORIGIN, NAME, key, TIME))
    public = key.public_key().public_bytes_raw()
    assert data[:4] == hashlib.sha256(NAME.encode() + b"\n\x04" + public).digest()[:4]
    assert struct.unpack(">Q", data[4:12]) == (TIME,)
    assert len(data) == 4 + 8 + 64
    key.public_key().verify(data[12:], b"cosignature/v1\ntime 1679315147\n" + TEXT.encode())


def test_mldsa_signs_the_struct_of_the_specification():
    key = KEYS["mldsa"]
    data = signed(cosign(NOTE, ORIGIN, NAME, key, TIME))
    public = key.public_key().public_bytes_raw()
    assert len(public) == 1312
    assert data[:4] == hashlib.sha256(NAME.encode() + b"\n\x06" + public).digest()[:4]
    assert len(data) == 4 + 8 + 2420
    name, origin = NAME.encode(), ORIGIN.encode()
    form = f">12sB{len(name)}sQB{len(origin)}sQQ32s"
    message = struct.pack(
        form, b"subtree/v1\n\0", len(name), name, TIME, len(origin), origin, 0, CHECKPOINT.size, CHECKPOINT.root
    )
    key.public_key().verify(data[12:], message)


@kinds
def test_a_cosignature_is_found_among_others_and_tells_its_time(key):
    note = cosigned(key, cosigned(KEYS["ed25519"], name="other.example/w"))
    assert cosigned_at(note, ORIGIN, Cosigner(NAME, key.public_key())) == TIME
    assert open_checkpoint(note, ORIGIN, LOG.public_key()) == CHECKPOINT


@kinds
def test_a_log_may_sign_its_own_checkpoint_without_a_time(key):
    assert cosigned_at(cosigned(key, name=ORIGIN, time=0), ORIGIN, Cosigner(ORIGIN, key.public_key())) == 0


@kinds
def test_another_checkpoint_time_name_or_key_is_not_what_was_cosigned(key):
    witness = Cosigner(NAME, key.public_key())
    line = cosign(NOTE, ORIGIN, NAME, key, TIME)
    other = sign_checkpoint(Checkpoint(ORIGIN, 1284, CHECKPOINT.root), LOG)
    data = signed(line)
    later = data[:4] + struct.pack(">Q", TIME + 1) + data[12:]
    for note in (other + line, NOTE + f"— {NAME} {base64.b64encode(later).decode()}\n"):
        with pytest.raises(ProofError, match="wrong"):
            cosigned_at(note, ORIGIN, witness)
    with pytest.raises(ProofError, match="no cosignature"):
        cosigned_at(NOTE + line, ORIGIN, Cosigner("site.example/w2", key.public_key()))
    with pytest.raises(ProofError, match="no cosignature"):
        cosigned_at(NOTE, ORIGIN, witness)
    with pytest.raises(ProofError, match="no checkpoint of other"):
        cosigned_at(NOTE + line, "other.example/log", witness)


@kinds
@settings(max_examples=40)
@given(data=st.data())
def test_every_flipped_bit_of_a_cosignature_is_noticed(key, data):
    line = signed(cosign(NOTE, ORIGIN, NAME, key, TIME))
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    bent = bytearray(line)
    bent[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofError):
        cosigned_at(NOTE + f"— {NAME} {base64.b64encode(bent).decode()}\n", ORIGIN, Cosigner(NAME, key.public_key()))


@kinds
def test_a_cosignature_that_is_cut_is_none(key):
    line = signed(cosign(NOTE, ORIGIN, NAME, key, TIME))
    for length in (4, 8, 12, len(line) - 1):
        note = NOTE + f"— {NAME} {base64.b64encode(line[:length]).decode()}\n"
        with pytest.raises(ProofError):
            cosigned_at(note, ORIGIN, Cosigner(NAME, key.public_key()))


@kinds
def test_a_verifier_key_is_read_back(key):
    witness = Cosigner(NAME, key.public_key())
    assert read_vkey(witness.vkey + "\n").vkey == witness.vkey
    name, digest, encoded = witness.vkey.split("+", 2)
    for wrong in (f"other+{digest}+{encoded}", f"{name}+00000000+{encoded}", f"{name}+{digest}+{encoded[:-4]}"):
        with pytest.raises(ProofError):
            read_vkey(wrong)


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+b+c", "a b+00000000+BAAA", "x+9f5ac4ea+AQAA", "+00000000+BA==", "ä+b+ä"]
)
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(ProofError):
        read_vkey(text)


@given(st.text(max_size=80))
def test_arbitrary_text_is_no_verifier_key_and_no_note(text):
    with pytest.raises(ProofError):
        read_vkey(text)
    with pytest.raises(ProofError):
        cosigned_at(text, ORIGIN, Cosigner(NAME, LOG.public_key()))


def test_a_time_fits_63_bits_and_a_name_its_byte():
    for time in (-1, 2**63):
        with pytest.raises(ProofError, match="63 bits"):
            cosign(NOTE, ORIGIN, NAME, LOG, time)
    for name in ("", "a b", "a+b", "n" * 256, "ü" * 128, "a\u00a0b", "a\x00"):
        with pytest.raises(ProofError, match="name"):
            Cosigner(name, LOG.public_key())
