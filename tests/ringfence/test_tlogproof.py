"""Proofs in a file: one form only, and only the entry that the log holds passes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.tlogproof import TlogProof, check, read, write
from ringfence.translog import Checkpoint, ProofError, Tree, leaf_hash, sign_checkpoint

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"
ENTRIES = [str(number).encode() for number in range(21)]


def proof(index=5, size=21, extra=None):
    tree = Tree()
    for entry in ENTRIES:
        tree.append(leaf_hash(entry))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root(size)), KEY)
    return TlogProof(index, tree.inclusion(index, size), note, extra)


def test_the_file_is_the_one_of_the_specification():
    one = proof(extra=b"5")
    lines = write(one).split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra NQ==", "index 5"]
    assert len(lines[3]) == 44
    assert lines[3 + len(one.path)] == ""
    assert "\n".join(lines[4 + len(one.path) :]) == one.checkpoint


@given(st.integers(0, 20), st.data())
def test_what_is_written_is_read_back_and_passes_for_its_entry_alone(index, data):
    size = data.draw(st.integers(index + 1, 21))
    one = proof(index, size, data.draw(st.none() | st.binary(max_size=40)))
    assert read(write(one)) == one
    assert check(one, ENTRIES[index], ORIGIN, KEY.public_key()).size == size
    with pytest.raises(ProofError):
        check(one, b"another", ORIGIN, KEY.public_key())
    with pytest.raises(ProofError):
        check(one, ENTRIES[index], "other.example/log", KEY.public_key())
    with pytest.raises(ProofError):
        check(one, ENTRIES[index], ORIGIN, Ed25519PrivateKey.generate().public_key())


@given(st.text(max_size=200))
def test_arbitrary_text_is_no_proof(text):
    with pytest.raises(ProofError):
        read(text)


@given(st.data())
def test_a_changed_character_is_noticed_or_changes_what_is_carried_alone(data):
    """The extra is not authenticated; everything else is."""
    text = write(proof(extra=b"carried"))
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[place]))
    bent = text[:place] + sign + text[place + 1 :]
    try:
        one = read(bent)
        check(one, ENTRIES[5], ORIGIN, KEY.public_key())
    except ProofError:
        return
    assert one.extra != b"carried" or one.checkpoint != proof().checkpoint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 5", "index 05"),
        ("index 5", "index -5"),
        ("index 5", "index 5 "),
        ("index 5\n", ""),
        ("extra NQ==", "extra NQ=="[:-1]),
        ("extra NQ==", "extra NR=="),
        ("extra NQ==", "extra NQ==\nextra NQ=="),
        ("index 5\n", "index 5\nAAAA\n"),
        ("index 5\n", "index 5\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 63),
    ],
)
def test_another_form_of_the_same_is_refused(old, new):
    text = write(proof(extra=b"5"))
    assert old in text
    with pytest.raises(ProofError):
        read(text.replace(old, new, 1))


def test_a_file_of_any_length_is_refused_early():
    with pytest.raises(ProofError, match="longer"):
        read("x" * 3_000_000)
