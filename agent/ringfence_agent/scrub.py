"""Old entries compared with their hashes, slowly, for as long as the agent runs.

A start reads the last segment and what follows the snapshot; the rest would take minutes on a log of ten million
entries. The scrub reads it, a bundle at a time, and pauses after each. A disk that forgets, or somebody who writes into
a full segment, is found within one pass. Blocking; for a thread of its own.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from ringfence.tiles import TILE_HASHES, TileTree
from ringfence.translog import Tree, leaf_hash
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.segments import Segments, segment_name
from ringfence_agent.tilefiles import TileFiles

SCRUB_ENTRIES_PER_S: Final = 16_384
"""Ten million entries in ten minutes, some 7 MB/s and a twentieth of a core."""
STEP_ENTRIES: Final = TILE_HASHES
"""Entries that are read at a time."""


class Scrub:
    """One pass over the segments that were full when it began."""

    def __init__(self, folder: LogFolder, segments: Segments, tiles: TileFiles, sealed: int, root: bytes) -> None:
        """Nothing is read yet.

        Args:
            folder: where they are.
            segments: the entries.
            tiles: their hashes.
            sealed: how many full segments are read.
            root: the tree's root over their entries.
        """
        self._folder = folder
        self._segments = segments
        self._tiles = tiles
        self._sealed = sealed
        self._root = root
        self.total = sealed * segments.segment_entries
        """Entries to check."""
        self.checked = 0
        """Entries that were found as they were written."""

    def steps(self) -> Generator[None]:
        """Check them; gives way after every step.

        Raises:
            LogError: an entry, a tile or an index was changed.
        """
        tree = TileTree(_unneeded)
        for number in range(self._sealed):
            segment = self._segments.open_sealed(number)
            try:
                for first in range(0, self._segments.segment_entries, STEP_ENTRIES):
                    count = min(STEP_ENTRIES, self._segments.segment_entries - first)
                    leaves = b"".join(map(leaf_hash, segment.read(first, count)))
                    if self._tiles.leaves(number * self._segments.segment_entries + first, count) != leaves:
                        raise LogError(self._changed(number, first, count))
                    tree.extend(leaves)
                    self.checked = tree.size
                    yield
            finally:
                segment.close()
        if tree.root() != self._root:
            raise LogError(f"{self._folder.path}: the full segments are not the ones that were signed; {ADVICE}")

    def _changed(self, number: int, first: int, count: int) -> str:
        start = number * self._segments.segment_entries + first
        return (
            f"{self._folder.path / segment_name(number)}: one of the entries {start} to {start + count - 1} does not "
            f"hash to its leaf in tiles-0; {ADVICE}"
        )


ADVICE: Final = (
    "nothing leaves any more. Start the agent again: it reads the whole log, makes tiles anew where they alone are "
    "damaged, and refuses the log where an entry is. Then restore it from a copy"
)


def _unneeded(_level: int, _number: int) -> Tree:
    raise AssertionError("a root needs the edge alone")
