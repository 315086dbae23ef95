"""A transparency log's mathematics: Merkle tree, proofs, signed checkpoints. Pure; bytes in, bytes out.

Sources: RFC 6962, section 2.1 (hashing, audit paths, consistency proofs); RFC 9162, sections 2.1.3.2 and 2.1.4.2 (how
a verifier walks them; the trees are the same); C2SP signed-note and tlog-checkpoint (what is signed, and how it looks).

What this module does not check, and whose duty it is: that an entry says what happened (its writer's), that it is
durable (the journal's), that two checkpoints seen at different times agree (the witness's, with `verify_consistency`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""Root of the tree without entries."""

Node = Callable[[int, int], bytes]
"""``node(level, index)``: hash of the complete subtree over leaves index * 2^level to (index + 1) * 2^level - 1."""

NOTE_CHARS_MAX: Final = 128 * 1024
"""Longest signed note; C2SP signed-note asks for room for 16 signatures, of up to 5 kB each, in base64."""
_SIZE_MAX: Final = 2**63
_ED25519: Final = b"\x01"
"""Signature type of Ed25519 (C2SP signed-note)."""


class ProofError(ValueError):
    """A proof does not prove what it should, or a checkpoint is not what its key signed."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Provable(ABC):
    """A tree that gives its nodes, wherever they are kept; roots and proofs follow from those alone."""

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int:
        """How many entries it holds."""

    @abstractmethod
    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree; it must exist. See `Node`."""

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` entries; of all for None."""
        return range_root(self.node, 0, self._checked(self.size if size is None else size))

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Audit path of entry `index` in the tree of the first `size` entries, leaf to root."""
        return inclusion_path(self.node, index, self._checked(size))

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Proof that the first `old_size` entries are the beginning of the first `new_size`."""
        return consistency_path(self.node, old_size, self._checked(new_size))

    def _checked(self, size: int) -> int:
        """Refuse a size that the tree has not reached."""
        if not 0 <= size <= self.size:
            raise ProofError(f"the log has {self.size} entries, not {size}")
        return size


class Tree(Provable):
    """An append-only tree in memory: the hashes of all complete subtrees, level by level, 64 bytes an entry.

    Appending is amortised O(1), every proof about any earlier size O(log n). Not for several threads at once.
    """

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add an entry by its `leaf_hash`, with every subtree that it completes."""
        assert len(leaf) == HASH_BYTES
        index, level, digest = self.size, 0, leaf
        self._levels[0] += digest
        while index & 1:
            digest = node_hash(self.node(level, index - 1), digest)
            index, level = index >> 1, level + 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += digest

    def extend(self, leaves: bytes) -> None:
        """Add many entries by their leaf hashes, one after the other; the same tree as `append` makes, sooner."""
        assert len(leaves) % HASH_BYTES == 0
        level, fresh = 0, leaves
        while fresh:
            if level == len(self._levels):
                self._levels.append(bytearray())
            below = self._levels[level]
            start = len(below) - len(below) % (2 * HASH_BYTES)
            below += fresh
            fresh, level = parents(below[start:]), level + 1

    def leaves(self, start: int = 0) -> bytes:
        """The leaf hashes from `start` on, one after the other."""
        return bytes(self._levels[0][start * HASH_BYTES :])

    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree; it must exist."""
        start = index * HASH_BYTES
        digest = bytes(self._levels[level][start : start + HASH_BYTES])
        assert len(digest) == HASH_BYTES
        return digest


def parents(hashes: bytes | bytearray) -> bytes:
    """The nodes above hashes that stand one after the other; a last one without a sibling is left out."""
    ends = range(2 * HASH_BYTES, len(hashes) + 1, 2 * HASH_BYTES)
    return b"".join([hashlib.sha256(b"\x01" + hashes[end - 2 * HASH_BYTES : end]).digest() for end in ends])


def range_root(node: Node, start: int, end: int) -> bytes:
    """Root over the leaves from `start` to before `end`, where `start` is aligned as RFC 6962's recursion aligns it."""
    if start == end:
        return EMPTY_ROOT
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    digest = peaks.pop()
    while peaks:
        digest = node_hash(peaks.pop(), digest)
    return digest


def inclusion_path(node: Node, index: int, size: int) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1."""
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(node: Node, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """PROOF(old_size, D[new_size]) of RFC 6962, section 2.1.2; empty where there is nothing to prove."""
    if not 0 <= old_size <= new_size:
        raise ProofError(f"{old_size} entries are not the beginning of {new_size}")
    if old_size == 0:
        return ()
    path: list[bytes] = []
    start, end = 0, new_size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    if start:
        path.append(range_root(node, start, end))
    return tuple(reversed(path))


def _split(width: int) -> int:
    """The largest power of two that is smaller than `width`."""
    return 1 << ((width - 1).bit_length() - 1)


# ── verifying ────────────────────────────────────────────────────────────────────────────────────────────────────────


def verify_inclusion(entry: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Pass if the tree of `size` entries under `root` holds `entry` at `index`; ProofError otherwise."""
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    steps = _hashes(path)
    node, last, digest = index, size - 1, leaf_hash(entry)
    for sibling in steps:
        if last == 0:
            raise ProofError("the inclusion path is too long")
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    if last or digest != root:
        raise ProofError("the inclusion path does not lead to the root")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Pass if the log of `old_size` entries is the beginning of the one of `new_size`; ProofError otherwise."""
    if not 0 <= old_size <= new_size:
        raise ProofError(f"the log went backwards, from {old_size} entries to {new_size}")
    steps = _hashes(path)
    if old_size in (0, new_size):
        same = old_root == (new_root if old_size else EMPTY_ROOT)
        if not same or list(steps):
            raise ProofError("the two roots need no path, and do not agree without one")
        return
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_digest = new_digest = next(steps, b"") if node else old_root
    for sibling in steps:
        if last == 0:
            raise ProofError("the consistency path is too long")
        if node & 1 or node == last:
            old_digest, new_digest = node_hash(sibling, old_digest), node_hash(sibling, new_digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_digest = node_hash(new_digest, sibling)
        node, last = node >> 1, last >> 1
    if last or old_digest != old_root or new_digest != new_root:
        raise ProofError("the consistency path does not lead from the old root to the new one")


def _hashes(path: Sequence[bytes]) -> Iterator[bytes]:
    """The path's steps, each of a hash's length."""
    if any(len(step) != HASH_BYTES for step in path):
        raise ProofError(f"every step of a path has {HASH_BYTES} bytes")
    return iter(path)


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's key signs: the whole log, by its root."""

    origin: str
    """The log's name, for example ``ringfence.example/egress``; also the name of its key."""
    size: int
    """How many entries."""
    root: bytes
    """Root over all of them."""

    def __post_init__(self) -> None:
        """Refuse what no log can sign."""
        printable = self.origin.isprintable() and not any(character in self.origin for character in " +")
        if not self.origin or not printable or not 0 <= self.size < _SIZE_MAX or len(self.root) != HASH_BYTES:
            raise ProofError("a checkpoint has an origin without spaces or plus, a size, and a root of 32 bytes")


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note, under a key named as its origin."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
    signed = key_hash(checkpoint.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(signed).decode()}\n"


def open_checkpoint(note: str, origin: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint in a signed note, once `public_key`'s signature has been found on it and verified.

    Signatures of other keys, and lines after the root, are allowed and ignored, as C2SP tlog-checkpoint asks.

    Raises:
        ProofError: it is of another origin, not signed by this key, or no checkpoint at all.
    """
    text, signatures = note_parts(note)
    expected = key_hash(origin, public_key)
    for name, signed in signatures:
        if name != origin or signed[:4] != expected:
            continue
        try:
            public_key.verify(signed[4:], text.encode())
        except InvalidSignature:
            raise ProofError(f"the signature of {origin} on this checkpoint is wrong") from None
        return read_checkpoint(text, origin)
    raise ProofError(f"no signature of {origin}'s key stands on this checkpoint")


def note_parts(note: str) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """A signed note's text with its last newline, and of each signature line the name and the bytes; none verified.

    Raises:
        ProofError: it is no signed note (C2SP signed-note).
    """
    text, blank, signatures = note.partition("\n\n")
    if len(note) > NOTE_CHARS_MAX or not blank or not signatures.endswith("\n"):
        raise ProofError("this is no signed note: text, an empty line, signature lines")
    lines = [_three(line.split(" ")) for line in signatures.removesuffix("\n").split("\n")]
    return f"{text}\n", tuple((name, _decode(encoded)) for dash, name, encoded in lines if dash == "—")


def key_hash(name: str, public_key: Ed25519PublicKey) -> bytes:
    """The four bytes by which a signed note names a key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key.public_bytes_raw()).digest()[:4]


def read_checkpoint(text: str, origin: str) -> Checkpoint:
    """What the text of a note says: origin, size, root; its signatures are somebody else's to verify.

    Raises:
        ProofError: it is no checkpoint of this origin.
    """
    lines = text.split("\n")
    name, size, root = _three(lines[:3])
    if name != origin or not size.isdecimal() or not size.isascii() or (size != "0" and size.startswith("0")):
        raise ProofError(f"this is no checkpoint of {origin}")
    return Checkpoint(name, int(size), _decode(root))


def _three(fields: list[str]) -> tuple[str, str, str]:
    """Exactly three fields."""
    match fields:
        case [first, second, third]:
            return first, second, third
    raise ProofError("a checkpoint's lines have three fields")


def _decode(encoded: str) -> bytes:
    """Strict base64."""
    try:
        return base64.b64decode(encoded.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ProofError("a checkpoint's hashes and signatures are base64") from None
