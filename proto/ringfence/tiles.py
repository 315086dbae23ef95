"""A log as static files: names and contents of tiles and entry bundles. Pure; bytes in, bytes out.

Source: C2SP tlog-tiles. A tile holds up to 256 hashes of one level, one after the other: level 0 the leaf hashes, each
level above the roots of the full tiles below. An entry bundle holds the up to 256 entries under one tile of level 0.

    checkpoint                    the signed checkpoint
    tile/<L>/<N>[.p/<W>]          tile N of level L; W hashes where it is not full
    tile/entries/<N>[.p/<W>]      entry bundle N; W entries where it is not full

N is written in groups of three digits, all but the last with an ``x`` before them: 1234067 is ``x001/x234/067``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ringfence.translog import HASH_BYTES, Provable, Tree, leaf_hash

TILE_LEVELS: Final = 8
"""Tree levels that a tile spans."""
TILE_HASHES: Final = 1 << TILE_LEVELS
"""A full tile's hashes, and a full bundle's entries."""
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
ENTRY_BYTES_MAX: Final = 65_535
"""The longest entry that a bundle's two bytes of length can tell."""
LEVEL_MAX: Final = 63
_LENGTH_BYTES: Final = 2
_GROUP: Final = 1000


class TileError(ValueError):
    """A bundle is malformed, or an entry does not fit into one."""


class Tile(NamedTuple):
    """A tile's name."""

    level: int
    """0 for leaf hashes."""
    number: int
    """Place in its level, from 0."""
    width: int
    """How many hashes it holds: 1 to 256."""


class Resource(NamedTuple):
    """One file of the static log."""

    path: str
    """Below the log's prefix."""
    content: bytes
    """All of it."""


def tile_path(tile: Tile) -> str:
    """Where a tile is found."""
    if not 0 <= tile.level <= LEVEL_MAX:
        raise TileError(f"a tile's level is 0 to {LEVEL_MAX}, not {tile.level}")
    return f"tile/{tile.level}/{_number(tile.number)}{_partial(tile.width)}"


def bundle_path(number: int, width: int) -> str:
    """Where an entry bundle is found."""
    return f"tile/entries/{_number(number)}{_partial(width)}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a log of `size` entries: full ones, and on each level the partial one at the right edge."""
    level, hashes = 0, size
    while hashes:
        full, rest = divmod(hashes, TILE_HASHES)
        yield from (Tile(level, number, TILE_HASHES) for number in range(full))
        if rest:
            yield Tile(level, full, rest)
        level, hashes = level + 1, full


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each behind its length.

    Raises:
        TileError: one is longer than `ENTRY_BYTES_MAX`.
    """
    pieces: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise TileError(f"an entry of {len(entry)} bytes; a bundle's entries have {ENTRY_BYTES_MAX} at most")
        pieces += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    return b"".join(pieces)


def unbundle(content: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        TileError: it ends within an entry, or holds none, or more than a bundle can.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(content):
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(content[place:start], "big")
        if start > len(content) or place > len(content):
            raise TileError("the bundle ends within an entry")
        entries.append(content[start:place])
    if not 1 <= len(entries) <= TILE_HASHES:
        raise TileError(f"a bundle holds 1 to {TILE_HASHES} entries, not {len(entries)}")
    return entries


class HashTile(NamedTuple):
    """A tile and its hashes."""

    level: int
    """0 for leaf hashes."""
    number: int
    """Place in its level."""
    tree: Tree
    """Its hashes, and the nodes above them up to its root; 256 where it is full."""


Load = Callable[[int, int], Tree]
"""``load(level, number)``: a full tile that `TileTree.extend` gave earlier."""


class TileTree(Provable):
    """A tree whose full tiles are kept elsewhere; only the tiles at its right edge are here, at most 16 KB a level.

    Appending is amortised O(1). The root needs the edge alone, a proof O(log n) tiles. Not for several threads at once.
    """

    __slots__ = ("_edges", "_full", "_load")

    def __init__(self, load: Load, edges: Sequence[bytes] = (), size: int = 0) -> None:
        """Begin, or go on.

        Args:
            load: gives full tiles back.
            edges: the hashes of the partial tile of each level, as `edge_widths` says; of a tree of `size` entries.
            size: how many entries there are.

        Raises:
            TileError: an edge has another width than the size asks for.
        """
        self._load = load
        self._edges: list[Tree] = []
        self._full: list[int] = []
        widths = edge_widths(size)
        if [len(edge) for edge in edges] != [width * HASH_BYTES for width in widths]:
            raise TileError(f"these are not the edges of a tree of {size} entries")
        for level, edge in enumerate(edges):
            tree = Tree()
            tree.extend(edge)
            self._edges.append(tree)
            self._full.append(size >> TILE_LEVELS * (level + 1))

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return self._full[0] * TILE_HASHES + self._edges[0].size if self._full else 0

    def extend(self, leaves: bytes) -> list[HashTile]:
        """Add entries by their leaf hashes, one after the other; gives the tiles that became full, to be kept."""
        done: list[HashTile] = []
        level, hashes = 0, leaves
        while hashes:
            if level == len(self._edges):
                self._edges.append(Tree())
                self._full.append(0)
            first = len(done)
            while hashes:
                edge = self._edges[level]
                room = (TILE_HASHES - edge.size) * HASH_BYTES
                edge.extend(hashes[:room])
                hashes = hashes[room:]
                if edge.size == TILE_HASHES:
                    done.append(HashTile(level, self._full[level], edge))
                    self._edges[level] = Tree()
                    self._full[level] += 1
            hashes, level = b"".join(tile.tree.root() for tile in done[first:]), level + 1
        return done

    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree; it must exist."""
        tile_level, above = divmod(level, TILE_LEVELS)
        number, within = divmod(index, TILE_HASHES >> above)
        return self.tile(tile_level, number).node(above, within)

    def tile(self, level: int, number: int) -> Tree:
        """The hashes of a tile that has one at least."""
        return self._edges[level] if number == self._full[level] else self._load(level, number)

    def partial(self) -> Iterator[HashTile]:
        """The tiles at the right edge, as they are now; those without a hash left out."""
        for level, edge in enumerate(self._edges):
            if edge.size:
                yield HashTile(level, self._full[level], edge)


def edge_widths(size: int) -> list[int]:
    """How many hashes the partial tile of each level holds in a tree of `size` entries; 0 where the last is full."""
    widths: list[int] = []
    while size:
        widths.append(size % TILE_HASHES)
        size //= TILE_HASHES
    return widths


class StaticLog:
    """Makes the static files of a log: entries in, files out. Holds the tree's right edge and one bundle at a time."""

    def __init__(self) -> None:
        self._tree = TileTree(_never)

    @property
    def size(self) -> int:
        """Entries taken in."""
        return self._tree.size

    def root(self) -> bytes:
        """Merkle root over all entries taken in."""
        return self._tree.root()

    def resources(self, entries: Iterable[bytes]) -> Iterator[Resource]:
        """Every bundle and every tile, each as soon as it is known; the partial tiles come last. To be read to its end.

        Raises:
            TileError: an entry is too long for a bundle.
        """
        stream = iter(entries)
        while piece := list(islice(stream, TILE_HASHES)):
            yield Resource(bundle_path(self.size // TILE_HASHES, len(piece)), bundle(piece))
            yield from map(_resource, self._tree.extend(b"".join(map(leaf_hash, piece))))
        yield from map(_resource, self._tree.partial())


def _resource(tile: HashTile) -> Resource:
    return Resource(tile_path(Tile(tile.level, tile.number, tile.tree.size)), tile.tree.leaves())


def _never(_level: int, _number: int) -> Tree:
    raise AssertionError("the root needs no tile but those of the edge")


def _number(number: int) -> str:
    """A number in groups of three digits."""
    if number < 0:
        raise TileError(f"tiles are counted from 0, not {number}")
    groups = [f"{number % _GROUP:03}"]
    while number := number // _GROUP:
        groups.append(f"x{number % _GROUP:03}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    """What says that a tile is not full."""
    if not 1 <= width <= TILE_HASHES:
        raise TileError(f"a tile holds 1 to {TILE_HASHES} hashes, not {width}")
    return "" if width == TILE_HASHES else f".p/{width}"
