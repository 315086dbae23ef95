"""Hashes on disk are the tree's, byte for byte as C2SP tlog-tiles lays them out, and are read again as such."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.tiles import TILE_BYTES
from ringfence.translog import Tree, leaf_hash
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.tilefiles import CACHED_TILES_MAX, TileFiles


def leaves(start, end):
    return b"".join(leaf_hash(b"%d" % index) for index in range(start, end))


def write(tiles, tree, end):
    """Grow the tree to `end` entries and write what is new."""
    tiles.keep(tree.extend(leaves(tree.size, end)))
    pieces = tiles.pending(tree)
    tiles.write(pieces)
    tiles.settle(pieces)


@pytest.fixture
def folder(tmp_path):
    one = LogFolder(tmp_path)
    yield one
    one.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=5), st.data())
def test_files_hold_every_level_and_a_tree_goes_on_from_them(tmp_path_factory, steps, data):
    """Written in any steps: tile N of a level is its 8,192 bytes; opened again at any size, the root is that size's."""
    folder = LogFolder(tmp_path_factory.mktemp("log"))
    tiles = TileFiles(folder)
    tree, size, reference = tiles.tree(0), 0, Tree()
    for step in steps:
        size += step
        write(tiles, tree, size)
    reference.extend(leaves(0, size))
    for level in range(3):
        path = folder.path / f"tiles-{level}"
        expected = b"".join(reference.node(8 * level, index) for index in range(size >> 8 * level))
        assert (path.read_bytes() if path.exists() else b"") == expected
    tiles.close()
    older = data.draw(st.integers(0, size))
    tiles = TileFiles(folder)
    tree = tiles.tree(older)
    assert tree.root() == reference.root(older)
    write(tiles, tree, size)
    index = data.draw(st.integers(0, size - 1))
    assert tree.inclusion(index, size) == reference.inclusion(index, size)
    tiles.close()
    folder.close()


def test_a_full_tile_is_there_before_it_is_written(folder):
    """A proof may need it at once."""
    tiles = TileFiles(folder)
    tree, reference = tiles.tree(0), Tree()
    tiles.keep(tree.extend(leaves(0, 300)))
    reference.extend(leaves(0, 300))
    assert tree.inclusion(3, 300) == reference.inclusion(3, 300)
    assert tiles.written == 0
    tiles.close()


def test_files_that_are_too_short_give_no_tree(folder):
    tiles = TileFiles(folder)
    write(tiles, tiles.tree(0), 600)
    tiles.close()
    os.truncate(folder.path / "tiles-0", 599 * 32)
    tiles = TileFiles(folder)
    assert tiles.tree(600) is None
    (folder.path / "tiles-1").unlink()
    assert tiles.tree(512) is not None
    tiles.close()


def test_a_bounded_number_of_tiles_stays_in_memory(folder):
    tiles = TileFiles(folder)
    tree = tiles.tree(0)
    count = (CACHED_TILES_MAX + 20) * 256
    for end in range(4096, count + 1, 4096):
        write(tiles, tree, end)
    for index in range(0, tree.size, 256):
        tree.inclusion(index, tree.size)
    assert len(tiles._cached[0]) == CACHED_TILES_MAX
    assert tiles._fresh == {}
    tiles.close()


def test_a_file_that_was_cut_or_removed_is_told(folder):
    tiles = TileFiles(folder)
    write(tiles, tiles.tree(0), 600)
    tiles.look()
    os.truncate(folder.path / "tiles-0", TILE_BYTES - 1)
    with pytest.raises(LogError, match="tiles-0"):
        tiles.look()
    tiles._cached.clear()
    with pytest.raises(LogError, match="made anew"):
        tiles.load(0, 0)
    (folder.path / "tiles-0").unlink()
    with pytest.raises(LogError, match="tiles-0 was removed"):
        tiles.look()
    tiles.close()
