"""The tree's hashes on disk: one file a tile level, the hashes one after the other.

Tile N of level L (C2SP tlog-tiles) is the 8,192 bytes of ``tiles-L`` from N * 8192 on; a partial tile is their
beginning. Everything here follows from the entries: it is written after they are durable, and made anew where it lags
or does not fit.

    keep      tiles that became full stay in memory until they are written
    pending   what is not written yet, taken on the loop
    write     into the files, in a thread
    settle    on the loop again: they may be forgotten

A bounded number of full tiles stays in memory for proofs; the partial ones are the `TileTree`'s.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ringfence.tiles import TILE_BYTES, TILE_HASHES, TILE_LEVELS, HashTile, TileTree, edge_widths
from ringfence.translog import HASH_BYTES, Tree
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder, Seen

CACHED_TILES_MAX: Final = 256
"""So many full tiles of a level stay in memory, 16 KB each."""


class Piece(NamedTuple):
    """Hashes of one level to be written."""

    level: int
    """The tiles' level."""
    first: int
    """Place of the first hash in its level."""
    hashes: bytes
    """One after the other."""


class TileFiles:
    """The tiles of one log. `write` and `sync` for one thread, the rest for the event loop's."""

    def __init__(self, folder: LogFolder) -> None:
        """Open the files that are there; none is believed before its root is compared."""
        self._folder = folder
        self._files: dict[int, int] = {}
        self._inodes: dict[int, int] = {}
        self._written: list[int] = []
        self._fresh: dict[tuple[int, int], Tree] = {}
        self._cached: dict[int, OrderedDict[int, Tree]] = {}
        while (folder.path / _name(len(self._files))).exists():
            self._file(len(self._files))

    @property
    def written(self) -> int:
        """How many leaf hashes are in the files."""
        return self._written[0] if self._written else 0

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def tree(self, size: int) -> TileTree | None:
        """The tree of `size` entries, of which nothing was verified; None where the files are too short for it.

        What the files hold beyond is cut.
        """
        edges: list[bytes] = []
        self._written = []
        for level, width in enumerate(edge_widths(size)):
            count = size >> TILE_LEVELS * level
            edge = os.pread(self._file(level), width * HASH_BYTES, (count - width) * HASH_BYTES)
            if len(edge) < width * HASH_BYTES or os.fstat(self._file(level)).st_size < count * HASH_BYTES:
                return None
            edges.append(edge)
            self._written.append(count)
        for level, file in self._files.items():
            os.ftruncate(file, (size >> TILE_LEVELS * level) * HASH_BYTES)
        return TileTree(self.load, edges, size)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def load(self, level: int, number: int) -> Tree:
        """A full tile.

        Raises:
            LogError: its file was cut.
        """
        if tree := self._fresh.get((level, number)):
            return tree
        cached = self._cached.setdefault(level, OrderedDict())
        if number not in cached:
            cached[number] = self._read(level, number)
            if len(cached) > CACHED_TILES_MAX:
                cached.popitem(last=False)
        cached.move_to_end(number)
        return cached[number]

    def leaves(self, first: int, count: int) -> bytes:
        """Leaf hashes that were written, one after the other; fewer where the file was cut. From any thread."""
        return os.pread(self._files[0], count * HASH_BYTES, first * HASH_BYTES)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, tiles: Iterable[HashTile]) -> None:
        """Hold full tiles until they are written."""
        for tile in tiles:
            self._fresh[tile.level, tile.number] = tile.tree

    def pending(self, tree: TileTree) -> list[Piece]:
        """Every hash of the tree that is not written yet."""
        pieces: list[Piece] = []
        level, count = 0, tree.size
        while count:
            if level == len(self._written):
                self._written.append(0)
            if (first := self._written[level]) < count:
                pieces.append(Piece(level, first, _hashes(tree, level, first, count)))
            level, count = level + 1, count >> TILE_LEVELS
        return pieces

    def write(self, pieces: Sequence[Piece]) -> None:
        """Write pieces; not durable on return. OSError where it fails."""
        for piece in pieces:
            data, place = memoryview(piece.hashes), piece.first * HASH_BYTES
            while data:
                done = os.pwrite(self._file(piece.level), data, place)
                data, place = data[done:], place + done

    def settle(self, pieces: Sequence[Piece]) -> None:
        """These were written."""
        for level, first, hashes in pieces:
            self._written[level] = first + len(hashes) // HASH_BYTES
        for level, number in [name for name in self._fresh if (name[1] + 1) * TILE_HASHES <= self._written[name[0]]]:
            cached = self._cached.setdefault(level, OrderedDict())
            cached[number] = self._fresh.pop((level, number))
            if len(cached) > CACHED_TILES_MAX:
                cached.popitem(last=False)

    def sync(self) -> None:
        """Make what was written durable."""
        for file in list(self._files.values()):
            os.fsync(file)

    def look(self) -> None:
        """Pass if the files are the ones that were written; LogError otherwise."""
        for level, count in enumerate(self._written):
            if count:
                self._folder.demand(Seen(_name(level), self._inodes[level], count * HASH_BYTES, grows=True))

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, level: int, number: int) -> Tree:
        """A full tile from its file."""
        hashes = os.pread(self._file(level), TILE_BYTES, number * TILE_BYTES)
        if len(hashes) < TILE_BYTES:
            path = self._folder.path / _name(level)
            raise LogError(f"{path}: was cut; remove it, and start the agent again: it is made anew from the entries")
        tree = Tree()
        tree.extend(hashes)
        return tree

    def _file(self, level: int) -> int:
        """The file of a level, made where it is missing."""
        if level not in self._files:
            file = self._folder.open(_name(level), os.O_RDWR | os.O_CREAT)
            self._files[level], self._inodes[level] = file, os.fstat(file).st_ino
        return self._files[level]


def _hashes(tree: TileTree, level: int, first: int, end: int) -> bytes:
    """The hashes of a tile level from `first` to before `end`."""
    numbers = range(first // TILE_HASHES, (end - 1) // TILE_HASHES + 1)
    whole = b"".join(tree.tile(level, number).leaves() for number in numbers)
    skipped = first % TILE_HASHES
    return whole[skipped * HASH_BYTES : (skipped + end - first) * HASH_BYTES]


def _name(level: int) -> str:
    return f"tiles-{level}"
