"""The tree and its proofs against RFC 6962's own numbers and a tree written the way the RFC defines it."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.translog import (
    EMPTY_ROOT,
    Checkpoint,
    ProofError,
    Tree,
    key_hash,
    leaf_hash,
    node_hash,
    open_checkpoint,
    sign_checkpoint,
    verify_consistency,
    verify_inclusion,
)

# The entries and roots that Certificate Transparency's own test suites use (RFC 6962, section 2.1).
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree_of(entries):
    tree = Tree()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return tree


def split(count):
    width = 1
    while width * 2 < count:
        width *= 2
    return width


def naive_root(entries):
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    k = split(len(entries))
    return node_hash(naive_root(entries[:k]), naive_root(entries[k:]))


def naive_path(index, entries):
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*naive_path(index, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(index - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(old, entries, whole):
    if old == len(entries):
        return [] if whole else [naive_root(entries)]
    k = split(len(entries))
    if old <= k:
        return [*naive_subproof(old, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(old - k, entries[k:], whole=False), naive_root(entries[:k])]


def numbered(count):
    return [str(number).encode() for number in range(count)]


def test_roots_are_those_of_rfc_6962():
    tree = Tree()
    assert tree.root() == EMPTY_ROOT
    for entry, root in zip(ENTRIES, ROOTS, strict=True):
        tree.append(leaf_hash(entry))
        assert tree.root().hex() == root


def test_every_tree_up_to_70_entries_agrees_with_the_recursive_definition():
    """Roots, inclusion and consistency paths of every size, also those of sizes long passed."""
    entries = numbered(70)
    tree = tree_of(entries)
    for size in range(1, 71):
        assert tree.root(size) == naive_root(entries[:size])
        for index in range(0, size, 3):
            path = tree.inclusion(index, size)
            assert list(path) == naive_path(index, entries[:size])
            verify_inclusion(entries[index], index, size, path, tree.root(size))
        for old in range(1, size + 1):
            path = tree.consistency(old, size)
            assert list(path) == naive_subproof(old, entries[:size], whole=True)
            verify_consistency(old, size, tree.root(old), tree.root(size), path)


@given(st.integers(1, 600), st.data())
def test_a_proof_holds_for_its_entry_and_no_other(size, data):
    """Another entry, index, size, root, or any changed step of the path: refused."""
    entries = numbered(size)
    tree = tree_of(entries)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size)
    verify_inclusion(entries[index], index, size, path, tree.root())
    with pytest.raises(ProofError):
        verify_inclusion(b"another", index, size, path, tree.root())
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if size > 1 else size
    with pytest.raises(ProofError):
        verify_inclusion(entries[index], other, size, path, tree.root())
    if path:
        step = data.draw(st.integers(0, len(path) - 1))
        bit = 1 << data.draw(st.integers(0, 7))
        bent = bytes([path[step][0] ^ bit]) + path[step][1:]
        for wrong in ((*path[:step], bent, *path[step + 1 :]), path[:-1], (*path, path[0])):
            with pytest.raises(ProofError):
                verify_inclusion(entries[index], index, size, wrong, tree.root())


@given(st.integers(1, 400), st.integers(0, 400), st.data())
def test_a_log_that_changed_its_past_has_no_consistency_proof(old, more, data):
    """No path of the changed log, nor of the true one, leads from the old root to the changed log's root."""
    new = old + more
    entries = numbered(new)
    tree = tree_of(entries)
    changed = data.draw(st.integers(0, old - 1))
    forked = tree_of([*entries[:changed], b"changed", *entries[changed + 1 :]])
    verify_consistency(old, new, tree.root(old), tree.root(), tree.consistency(old, new))
    for path in (tree.consistency(old, new), forked.consistency(old, new), ()):
        with pytest.raises(ProofError):
            verify_consistency(old, new, tree.root(old), forked.root(), path)


def test_a_path_of_a_smaller_tree_does_not_serve_a_larger_one():
    """Root and path agree with each other, but not with the size that was signed."""
    tree = tree_of(numbered(4))
    with pytest.raises(ProofError):
        verify_inclusion(b"0", 0, 8, tree.inclusion(0, 4), tree.root())
    with pytest.raises(ProofError):
        verify_consistency(2, 8, tree.root(2), tree.root(), tree.consistency(2, 4))


def test_going_backwards_is_never_consistent():
    tree = tree_of(numbered(10))
    with pytest.raises(ProofError, match="backwards"):
        verify_consistency(10, 9, tree.root(10), tree.root(9), ())


def test_the_empty_log_is_the_beginning_of_every_log_but_only_with_the_empty_root():
    tree = tree_of(numbered(3))
    verify_consistency(0, 3, EMPTY_ROOT, tree.root(), tree.consistency(0, 3))
    with pytest.raises(ProofError):
        verify_consistency(0, 3, tree.root(1), tree.root(), ())


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 4), (0, 0)])
def test_a_tree_proves_nothing_that_it_does_not_hold(index, size):
    with pytest.raises(ProofError):
        tree_of(numbered(3)).inclusion(index, size)


def test_paths_are_32_byte_hashes():
    tree = tree_of(numbered(4))
    path = tree.inclusion(0, 4)
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(b"0", 0, 4, (path[0][:31], path[1]), tree.root())
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(3, 4, tree.root(3), tree.root(), (b"short",))


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"


def checkpoint(size=7):
    return Checkpoint(ORIGIN, size, tree_of(numbered(size)).root())


def test_a_checkpoint_is_a_c2sp_signed_note():
    """Three lines, an empty one, and an em dash, the key's name, and base64 of key hash and signature."""
    note = sign_checkpoint(checkpoint(), KEY)
    text, signature = note.split("\n\n")
    assert text.split("\n") == [ORIGIN, "7", base64.b64encode(checkpoint().root).decode()]
    dash, name, encoded = signature.removesuffix("\n").split(" ")
    signed = base64.b64decode(encoded)
    public = KEY.public_key()
    assert (dash, name, len(signed)) == ("—", ORIGIN, 4 + 64)
    # C2SP signed-note: SHA-256(name || 0x0A || 0x01 || key), first four bytes.
    assert signed[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public.public_bytes_raw()).digest()[:4]
    assert signed[:4] == key_hash(ORIGIN, public)
    public.verify(signed[4:], (text + "\n").encode())


def test_the_key_hash_is_that_of_the_signed_note_specification():
    """The example vkey of C2SP signed-note: example.com/foo+530a6d47+…"""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    name, expected, encoded = vkey.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
    assert key_hash(name, public).hex() == expected


def test_a_checkpoint_opens_with_its_key_and_origin_only():
    note = sign_checkpoint(checkpoint(), KEY)
    assert open_checkpoint(note, ORIGIN, KEY.public_key()) == checkpoint()
    with pytest.raises(ProofError):
        open_checkpoint(note, "another.example/log", KEY.public_key())
    with pytest.raises(ProofError):
        open_checkpoint(note, ORIGIN, Ed25519PrivateKey.generate().public_key())


def test_a_cosignature_and_an_extension_line_do_not_disturb():
    """A witness's signature line is skipped, wherever it stands; a line after the root is signed and ignored."""
    note = sign_checkpoint(checkpoint(), KEY)
    text, own = note.split("\n\n")
    other = f"— witness.example {base64.b64encode(bytes(76)).decode()}\n"
    for signatures in (other + own, own + other):
        assert open_checkpoint(f"{text}\n\n{signatures}", ORIGIN, KEY.public_key()) == checkpoint()
    extended = f"{text}\nextension\n"
    signed = key_hash(ORIGIN, KEY.public_key()) + KEY.sign(extended.encode())
    line = f"— {ORIGIN} {base64.b64encode(signed).decode()}\n"
    assert open_checkpoint(f"{extended}\n{line}", ORIGIN, KEY.public_key()) == checkpoint()


@given(st.data())
def test_no_flipped_character_passes(data):
    """Any single character changed to another: refused, or the same checkpoint where base64 had slack bits."""
    note = sign_checkpoint(checkpoint(), KEY)
    place = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != note[place]))
    bent = note[:place] + other + note[place + 1 :]
    try:
        assert open_checkpoint(bent, ORIGIN, KEY.public_key()) == checkpoint()
    except ProofError:
        return
    assert place > note.index("—"), "the signed text was changed and believed"


@pytest.mark.parametrize("size", ["-1", "07", "7.0", "²", "", "9" * 30])
def test_a_signed_text_that_is_no_checkpoint_is_refused(size):
    """Even the right key cannot make a size of what is none."""
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    signed = key_hash(ORIGIN, KEY.public_key()) + KEY.sign(text.encode())
    note = f"{text}\n— {ORIGIN} {base64.b64encode(signed).decode()}\n"
    with pytest.raises(ProofError):
        open_checkpoint(note, ORIGIN, KEY.public_key())


@given(st.text(max_size=300))
def test_no_text_makes_the_parser_raise_anything_else(text):
    with pytest.raises(ProofError):
        open_checkpoint(text, ORIGIN, KEY.public_key())


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak"])
def test_origins_that_would_break_a_note_are_refused(origin):
    with pytest.raises(ProofError):
        Checkpoint(origin, 0, EMPTY_ROOT)


@given(st.lists(st.integers(0, 40), max_size=8))
def test_many_leaves_at_once_make_the_same_tree_as_one_by_one(steps):
    entries = numbered(sum(steps))
    tree, start = Tree(), 0
    for step in steps:
        tree.extend(b"".join(leaf_hash(entry) for entry in entries[start : start + step]))
        start += step
        assert tree.root() == tree_of(entries[:start]).root()
    for size in range(1, len(entries) + 1):
        assert tree.root(size) == tree_of(entries[:size]).root()
