"""A key file holds one key of each half, of the right side, and nothing else passes for it."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ringfence.sealkeys import KEY_FILE_BYTES_MAX, SealKeyError, load_private, load_public, make

PRIVATE, PUBLIC = make()


def blocks(data):
    marker = b"-----BEGIN"
    return [marker + part for part in data.split(marker)[1:]]


def test_the_order_of_the_blocks_does_not_matter():
    load_public(b"".join(reversed(blocks(PUBLIC))))
    load_private(b"a remark\n" + b"".join(reversed(blocks(PRIVATE))))


@pytest.mark.parametrize(
    "data",
    [b"", b"junk", blocks(PUBLIC)[0], blocks(PUBLIC)[1], PUBLIC + PUBLIC, PRIVATE, b" " * (KEY_FILE_BYTES_MAX + 1)],
)
def test_what_is_no_public_pair_is_refused(data):
    with pytest.raises(SealKeyError):
        load_public(data)


@pytest.mark.parametrize("data", [b"", blocks(PRIVATE)[0], PRIVATE + PRIVATE, PUBLIC])
def test_what_is_no_private_pair_is_refused(data):
    with pytest.raises(SealKeyError):
        load_private(data)


def test_other_keys_are_no_half():
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SealKeyError):
        load_private(blocks(PRIVATE)[0] + other)


def test_the_error_names_no_key():
    with pytest.raises(SealKeyError) as caught:
        load_public(PRIVATE)
    assert not any(line in str(caught.value) for line in PRIVATE.decode().splitlines()[1:2])


def test_keys_that_openssl_made_are_read(tmp_path):
    """Only the half that every OpenSSL knows: ML-KEM came with 3.5."""
    path = tmp_path / "x.key"
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", path], check=False)
    if made.returncode:
        pytest.skip("this OpenSSL makes no X25519 key")
    load_private(blocks(PRIVATE)[0] + path.read_bytes())
