"""Opening a log: what it promised is there, or it is not opened.

    1. promises   the newest checkpoint, and a snapshot where a good one is there; both signed
    2. quickly    from the snapshot: the tiles' edge must hash to its root, the last segment's entries to their tiles,
                  and later entries are read one by one; or, where anything at all does not fit,
    3. slowly     every entry from the first on, and tiles and indexes are made anew
    4. cut        a torn end that nothing covers
    5. compare    the tree's roots with every promise

What the quick way leaves out is the comparison of older segments' entries with their hashes; `scrub` makes up for it
while the agent runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.tiles import TileTree
from ringfence.translog import HASH_BYTES, ProofError, leaf_hash, open_checkpoint
from ringfence_agent.folds import Fold
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.segments import Segments
from ringfence_agent.snapshot import SNAPSHOT_BYTES_MAX, Snapshot, SnapshotError, unseal
from ringfence_agent.tilefiles import TileFiles

CHECKPOINT_FILE: Final = "checkpoint"
SNAPSHOT_FILE: Final = "snapshot"
_CHECKPOINT_BYTES_MAX: Final = 256 * 1024
_STEP_BYTES: Final = 4096 * HASH_BYTES
"""So many hashes are put into the tree at a time."""


class Promise(NamedTuple):
    """Something signed about the log."""

    what: str
    """Its name in an error's text."""
    size: int
    """How many entries it covers."""
    root: bytes
    """The root over them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A log that holds what it promised."""

    tree: TileTree
    """All of its entries."""
    snapshot_size: int
    """How many entries were taken from a snapshot; 0 where everything was read."""


class _Unfit(Exception):
    """Something derived does not fit the entries."""


class Opening:
    """Opens one log, once."""

    def __init__(
        self, folder: LogFolder, segments: Segments, tiles: TileFiles, folds: Mapping[str, Fold], origin: str
    ) -> None:
        """Wire; `folds` see the log's entries, or are loaded from the snapshot."""
        self._folder = folder
        self._segments = segments
        self._tiles = tiles
        self._folds = folds
        self._origin = origin

    def open(self, key: Ed25519PublicKey) -> Opened:
        """Read, check and, after a crash, mend the log.

        Raises:
            LogError: it is damaged, or does not match its promises.
            OSError: the disk fails.
        """
        empty = {name: fold.dump() for name, fold in self._folds.items()}
        checkpoint, snapshot = self._checkpoint(key), self._snapshot(key)
        promises = [Promise("newest checkpoint", *checkpoint)] if checkpoint else []
        if snapshot:
            promises.append(Promise("snapshot", snapshot.size, snapshot.root))
            try:
                return Opened(self._quickly(snapshot, promises), snapshot.size)
            except _Unfit:
                pass
        for name, fold in self._folds.items():
            fold.load(empty[name])
        return Opened(self._slowly(promises), 0)

    def _quickly(self, snapshot: Snapshot, promises: list[Promise]) -> TileTree:
        """From the snapshot on; _Unfit where something does not fit."""
        tree = self._tiles.tree(snapshot.size)
        if tree is None or snapshot.folds.keys() != self._folds.keys():
            raise _Unfit
        try:
            for name, fold in self._folds.items():
                fold.load(snapshot.folds[name])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _Unfit from None
        self._read(tree, snapshot.size)
        self._segments.cut(max(promise.size for promise in promises))
        if any(tree.root(promise.size) != promise.root for promise in promises):
            raise _Unfit
        return tree

    def _slowly(self, promises: list[Promise]) -> TileTree:
        """From the first entry on."""
        tree = self._tiles.tree(0)
        assert tree is not None
        self._read(tree, 0)
        self._segments.cut(max((promise.size for promise in promises), default=0))
        for promise in promises:
            if tree.root(promise.size) != promise.root:
                text = f"the log does not match its {promise.what}; an entry was changed. Restore it from a copy"
                raise LogError(text)
        return tree

    def _read(self, tree: TileTree, start: int) -> None:
        """Take in every entry from `start` on; entries before it that are read anyway must hash to their tiles."""
        fresh, known, first_known = bytearray(), bytearray(), start
        with closing(self._segments.replay(start)) as entries:
            for index, entry, record in entries:
                if record is None:
                    first_known = min(first_known, index)
                    known += leaf_hash(entry)
                    continue
                self._compare(known, first_known)
                fresh += leaf_hash(entry)
                for fold in self._folds.values():
                    fold.see(index, record)
                if len(fresh) >= _STEP_BYTES:
                    self._extend(tree, fresh)
        self._compare(known, first_known)
        self._extend(tree, fresh)

    def _compare(self, known: bytearray, first: int) -> None:
        """Entries that the snapshot covers must hash to their tiles; empties `known`."""
        if known and self._tiles.leaves(first, len(known) // HASH_BYTES) != known:
            raise _Unfit
        known.clear()

    def _extend(self, tree: TileTree, fresh: bytearray) -> None:
        """Put hashes into tree and files; empties `fresh`."""
        self._tiles.keep(tree.extend(bytes(fresh)))
        pieces = self._tiles.pending(tree)
        self._tiles.write(pieces)
        self._tiles.settle(pieces)
        fresh.clear()

    def _checkpoint(self, key: Ed25519PublicKey) -> tuple[int, bytes] | None:
        """Size and root of the newest checkpoint; None for a log that has not begun."""
        content = self._folder.read(CHECKPOINT_FILE, _CHECKPOINT_BYTES_MAX)
        if content is None:
            if self._folder.segments():
                raise LogError(f"{self._folder.path / CHECKPOINT_FILE}: missing beside entries; restore it from a copy")
            return None
        try:
            opened = open_checkpoint(content.decode("utf-8", "replace"), self._origin, key)
        except ProofError as error:
            raise LogError(f"the log's checkpoint does not fit its origin and key: {error}") from None
        return opened.size, opened.root

    def _snapshot(self, key: Ed25519PublicKey) -> Snapshot | None:
        """The snapshot; None where there is none that can be believed."""
        content = self._folder.read(SNAPSHOT_FILE, SNAPSHOT_BYTES_MAX)
        try:
            return unseal(content, self._origin, key) if content is not None else None
        except SnapshotError:
            return None


def dumps(folds: Mapping[str, Fold]) -> dict[str, Any]:
    """What every fold says now."""
    return {name: fold.dump() for name, fold in folds.items()}
