"""A record opens for the auditors, for its own entry and log, whole; and for nothing else."""

import struct
import zlib

import pytest
from cryptography.hazmat.primitives import hpke
from hypothesis import given
from hypothesis import strategies as st

from ringfence import sealkeys
from ringfence.sealed import HEAD_BYTES, MAGIC, OVERHEAD_BYTES, Name, SealError, read_head, seal, unseal, whole

PRIVATE, PUBLIC = sealkeys.make()
KEY, RECIPIENT = sealkeys.load_private(PRIVATE), sealkeys.load_public(PUBLIC)
ORIGIN = "site.example/egress"
SALT = bytes(range(32))

names = st.builds(Name, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))


NAME = Name(7, 1_700_000_000_000, b"c" * 32)


def sealed(name=NAME, body=b"the body", origin=ORIGIN):
    return seal(name, origin, SALT, body, RECIPIENT)


def open_it(record, origin=ORIGIN, key=KEY):
    return unseal(read_head(record), record[HEAD_BYTES:], origin, key)


@given(names, st.binary(max_size=2000), st.text(st.characters(exclude_characters=" +\n"), min_size=1, max_size=60))
def test_what_was_sealed_opens_again(name, body, origin):
    record = sealed(name, body, origin)
    head = read_head(record)
    assert head.name == name
    assert len(record) == HEAD_BYTES + OVERHEAD_BYTES + len(body)
    opened = open_it(record, origin)
    assert (opened.salt, opened.body) == (SALT, body)


def test_no_two_records_are_alike():
    """Each has an encapsulation of its own, so that equal bodies do not show."""
    assert sealed()[HEAD_BYTES:] != sealed()[HEAD_BYTES:]


def test_another_key_does_not_open_it():
    other = sealkeys.load_private(sealkeys.make()[0])
    with pytest.raises(SealError, match="another key"):
        open_it(sealed(), key=other)


def test_a_record_of_another_log_does_not_open():
    with pytest.raises(SealError, match="another log"):
        open_it(sealed(), origin="other.example/egress")


@given(names.filter(lambda name: name != NAME))
def test_a_record_under_another_name_does_not_open(name):
    """Not even where whoever moved it wrote a right CRC."""
    mine, other = sealed(), seal(name, ORIGIN, SALT, b"", RECIPIENT)
    swapped = other[:56] + mine[56:60] + b"\0\0\0\0" + mine[HEAD_BYTES:]
    crc = zlib.crc32(swapped[HEAD_BYTES:], zlib.crc32(swapped[:60]))
    swapped = swapped[:60] + struct.pack(">I", crc) + swapped[HEAD_BYTES:]
    head = read_head(swapped)
    assert whole(head, swapped[HEAD_BYTES:])
    with pytest.raises(SealError, match="moved"):
        unseal(head, swapped[HEAD_BYTES:], ORIGIN, KEY)


@given(st.data())
def test_every_flipped_bit_is_seen(data):
    record = bytearray(sealed())
    place = data.draw(st.integers(0, len(record) * 8 - 1))
    record[place // 8] ^= 1 << place % 8
    with pytest.raises(SealError):
        open_it(bytes(record))


@given(st.integers(0, HEAD_BYTES + OVERHEAD_BYTES + 7))
def test_every_truncation_is_seen(size):
    with pytest.raises(SealError):
        open_it(sealed()[:size])


def test_the_format_can_be_read_without_our_code():
    """docs/egress-log.md describes it so; here it is done with nothing but an RFC 9180 library."""
    record = sealed()
    index, time_unix_ms, commitment, length, _crc = struct.unpack(">QQ32sII", record[8:64])
    assert (record[:8], index, time_unix_ms, commitment) == (MAGIC, 7, 1_700_000_000_000, b"c" * 32)
    assert length == len(record) - 64
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = b"ringfence archive v1\nsite.example/egress\n" + record[:56]
    assert suite.decrypt(record[64:], KEY, info=info) == SALT + b"the body"


def test_what_was_opened_prints_no_content():
    assert "body" not in repr(open_it(sealed())).replace("Opened()", "")
