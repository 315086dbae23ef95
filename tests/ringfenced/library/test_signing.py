"""Who vouches for a model."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fakes.modelhubs import gguf
from fakes.modellibrary import manifest_of, pems
from ringfenced.library.errors import Refused
from ringfenced.library.manifest import Signature, decode
from ringfenced.library.signing import demand_signed, key_id, private_key, public_key, sign, signed_by

MANIFEST = manifest_of({"m.gguf": gguf()})
KINDS = [Ed25519PrivateKey, MLDSA44PrivateKey]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_counts_with_its_key_and_survives_the_file(kind):
    key = kind.generate()
    signed = decode(sign(MANIFEST, [key]).encode())
    assert signed_by(signed, [key.public_key()]) == (key_id(key.public_key()),)
    demand_signed(signed, (kind.generate().public_key(), key.public_key()))


@pytest.mark.parametrize("kind", KINDS)
def test_anybody_elses_signature_does_not_count(kind):
    with pytest.raises(Refused, match="no valid signature"):
        demand_signed(sign(MANIFEST, [kind.generate()]), (kind.generate().public_key(),))


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_another_model_does_not_count(kind):
    key = kind.generate()
    other = manifest_of({"m.gguf": gguf(seed=2)})
    moved = other.signed(sign(MANIFEST, [key]).signatures)
    with pytest.raises(Refused):
        demand_signed(moved, (key.public_key(),))


def test_without_signers_anybody_is_believed_and_with_signers_the_unsigned_is_not():
    demand_signed(MANIFEST, ())
    with pytest.raises(Refused, match="is not signed"):
        demand_signed(MANIFEST, (Ed25519PrivateKey.generate().public_key(),))


def test_a_signature_under_another_algorithms_name_does_not_count():
    key = Ed25519PrivateKey.generate()
    (signature,) = sign(MANIFEST, [key]).signatures
    renamed = MANIFEST.signed([Signature("ml-dsa-44", signature.value), Signature("none", b"")])
    assert signed_by(renamed, [key.public_key(), MLDSA44PrivateKey.generate().public_key()]) == ()


def test_a_signature_made_for_something_else_does_not_count():
    """The statement's first line, and ML-DSA's context, keep what a key signed elsewhere out."""
    key, mldsa = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    bare = MANIFEST.statement().partition(b"\n")[2]
    forged = MANIFEST.signed(
        [Signature("ed25519", key.sign(bare)), Signature("ml-dsa-44", mldsa.sign(MANIFEST.statement()))]
    )
    assert signed_by(forged, [key.public_key(), mldsa.public_key()]) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_are_read_from_pem(kind):
    key = kind.generate()
    private, public = pems(key)
    assert key_id(private_key(private).public_key()) == key_id(public_key(public)) == key_id(key.public_key())


def test_other_keys_are_refused_and_nothing_of_them_is_repeated():
    private, public = pems(X25519PrivateKey.generate())
    for read, data in (
        (private_key, private),
        (private_key, public),
        (public_key, public),
        (public_key, private),
        (public_key, b"secret"),
    ):
        with pytest.raises(Refused) as refused:
            read(data)
        assert "secret" not in str(refused.value)
