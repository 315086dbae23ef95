"""Static tiles as C2SP tlog-tiles says, read by a reader of the tests' own; pymerkle and sigstore as oracles."""

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError

from ringfence.tiles import (
    ENTRY_BYTES_MAX,
    StaticLog,
    Tile,
    TileError,
    TileTree,
    bundle,
    bundle_path,
    edge_widths,
    tile_path,
    tiles_of,
    unbundle,
)
from ringfence.translog import EMPTY_ROOT, Tree, leaf_hash, verify_consistency


def numbered(count):
    return [str(number).encode() for number in range(count)]


def hashes(entries):
    return b"".join(map(leaf_hash, entries))


def static(entries):
    log = StaticLog()
    files = {resource.path: resource.content for resource in log.resources(entries)}
    return log, files


class Reader:
    """A client that knows the specification alone: it fetches, splits, and hashes by RFC 6962's recursion."""

    def __init__(self, files, size):
        self.files, self.size = files, size

    def fetch(self, prefix, number, width):
        digits = str(number)
        digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
        groups = [digits[place : place + 3] for place in range(0, len(digits), 3)]
        name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        return self.files[f"{prefix}/{name}" + ("" if width == 256 else f".p/{width}")]

    def width(self, level, number):
        return min(256, self.size // 256**level - number * 256)

    def entries(self):
        found = []
        for number in range(-(-self.size // 256)):
            data = self.fetch("tile/entries", number, self.width(0, number))
            while data:
                length = data[0] * 256 + data[1]
                found.append(data[2 : 2 + length])
                data = data[2 + length :]
        return found

    def hash(self, level, index):
        tile = self.fetch(f"tile/{level}", index // 256, self.width(level, index // 256))
        assert len(tile) == 32 * self.width(level, index // 256)
        return tile[index % 256 * 32 : index % 256 * 32 + 32]

    def mth(self, start, end):
        """MTH(D[start:end]), from the highest tile that has it whole."""
        count = end - start
        for level in (2, 1, 0):
            if count == 256**level and start % count == 0 and end // count <= self.size // count:
                return self.hash(level, start // count)
        split = 1 << (count - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + self.mth(start, start + split) + self.mth(start + split, end)).digest()


def pymerkle_of(entries):
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


@pytest.mark.parametrize(
    ("number", "path"),
    [(0, "000"), (999, "999"), (1000, "x001/000"), (70_000, "x070/000"), (1_234_067, "x001/x234/067")],
)
def test_numbers_stand_in_groups_of_three(number, path):
    """1234067 is the specification's own example."""
    assert tile_path(Tile(1, number, 256)) == f"tile/1/{path}"
    assert tile_path(Tile(0, number, 112)) == f"tile/0/{path}.p/112"
    assert bundle_path(number, 256) == f"tile/entries/{path}"
    assert bundle_path(number, 1) == f"tile/entries/{path}.p/1"


@pytest.mark.parametrize("tile", [Tile(64, 0, 1), Tile(-1, 0, 1), Tile(0, -1, 1), Tile(0, 0, 0), Tile(0, 0, 257)])
def test_what_is_no_tile_has_no_path(tile):
    with pytest.raises(TileError):
        tile_path(tile)


def test_the_tiles_of_70_000_entries_are_the_specifications_example():
    tiles = list(tiles_of(70_000))
    assert [tile for tile in tiles if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert len(tiles) == 273 + 1 + 1 + 1 + 1
    assert list(tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1000, 65_536, 66_000])
def test_a_static_log_is_read_by_the_specification_alone(size):
    """Exactly the tiles that there must be, every entry, and the root over them."""
    entries = numbered(size)
    log, files = static(entries)
    bundles = {bundle_path(number, min(256, size - 256 * number)) for number in range(-(-size // 256))}
    assert set(files) == {tile_path(tile) for tile in tiles_of(size)} | bundles
    reader = Reader(files, size)
    assert reader.entries() == entries
    tree = Tree()
    tree.extend(hashes(entries))
    assert reader.mth(0, size) == log.root() == tree.root()


def test_a_log_without_entries_has_no_tiles():
    log, files = static([])
    assert (files, log.root(), log.size) == ({}, EMPTY_ROOT, 0)


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=70), min_size=1, max_size=300))
def test_bundles_give_back_what_they_were_given(entries):
    pieces = [entries[place : place + 256] for place in range(0, len(entries), 256)]
    assert [entry for piece in pieces for entry in unbundle(bundle(piece))] == entries


def test_an_entry_that_two_bytes_cannot_measure_is_refused():
    assert len(bundle([bytes(ENTRY_BYTES_MAX)])) == ENTRY_BYTES_MAX + 2
    with pytest.raises(TileError, match="65536 bytes"):
        bundle([bytes(ENTRY_BYTES_MAX + 1)])


@given(st.binary(max_size=600))
def test_no_bytes_make_the_reader_of_bundles_raise_anything_else(content):
    try:
        entries = unbundle(content)
    except TileError:
        return
    assert bundle(entries) == content


def kept_tree():
    """A tree of tiles with a place for those that are full."""
    full = {}
    return TileTree(lambda level, number: full[level, number]), full


def grow(tree, full, leaves):
    for tile in tree.extend(leaves):
        full[tile.level, tile.number] = tile.tree


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=6), st.data())
def test_a_tree_of_tiles_proves_what_a_tree_in_memory_proves(steps, data):
    """However it grew, for every size that it passed; and it goes on from its edges alone."""
    tree, full = kept_tree()
    reference, entries = Tree(), numbered(sum(steps))
    for step in steps:
        fresh = hashes(entries[tree.size : tree.size + step])
        grow(tree, full, fresh)
        reference.extend(fresh)
    size = data.draw(st.integers(1, tree.size))
    index = data.draw(st.integers(0, size - 1))
    assert tree.size == reference.size
    assert tree.root(size) == reference.root(size)
    assert tree.inclusion(index, size) == reference.inclusion(index, size)
    assert tree.consistency(index, size) == reference.consistency(index, size)
    counts = [size >> 8 * level for level in range(len(edge_widths(size)))]
    edges = [
        b"".join(reference.node(8 * level, place) for place in range(count - count % 256, count))
        for level, count in enumerate(counts)
    ]
    assert TileTree(tree.tile, edges, size).root() == reference.root(size)


def test_edges_of_another_size_are_refused():
    with pytest.raises(TileError, match="edges"):
        TileTree(lambda _level, _number: Tree(), [bytes(32)], 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.data())
def test_pymerkle_and_sigstore_agree_with_the_proofs(size, data):
    """Every root and inclusion path as pymerkle makes them, and inclusion as sigstore's verifier believes it."""
    entries = numbered(size)
    tree, full = kept_tree()
    grow(tree, full, hashes(entries))
    oracle = pymerkle_of(entries)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert tree.root(old) == oracle.get_root(old)
    path = tree.inclusion(index, size)
    assert list(path) == list(oracle.prove_inclusion(index + 1, size).path[1:])
    consistency = tree.consistency(old, size)
    verify_consistency(old, size, oracle.get_root(old), oracle.get_root(size), consistency)
    proof = SimpleNamespace(log_index=index, tree_size=size, hashes=list(path), root_hash=oracle.get_root(size))
    entry = SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=entries[index]))
    verify_merkle_inclusion(entry)
    entry._inner.canonicalized_body = b"another"
    with pytest.raises(VerificationError):
        verify_merkle_inclusion(entry)
