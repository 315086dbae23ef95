"""One log on disk: entries, tree, tiles, checkpoint, snapshot.

What is done when is the journal's. Which thread may do it:

    loop     append → take in; prove, read, checkpoint; prepare upkeep, settle it
    writer   `write`, `look`: entries, one batch after the other
    keeper   `keep`: checkpoint, tiles and snapshot beside them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.translog import Checkpoint, leaf_hash, sign_checkpoint
from ringfence_agent.folds import Fold
from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.opening import CHECKPOINT_FILE, SNAPSHOT_FILE, Opening, dumps
from ringfence_agent.scrub import ADVICE, Scrub
from ringfence_agent.segments import Segments
from ringfence_agent.snapshot import Snapshot, seal
from ringfence_agent.tilefiles import Piece, TileFiles

SNAPSHOT_EVERY_ENTRIES: Final = 65_536
"""A start after a crash reads at most so many entries one by one, and a second's worth more."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry, and the proof that the log holds it."""

    entry: bytes
    """Its exact bytes."""
    index: int
    """Where it stands."""
    inclusion_path: tuple[bytes, ...]
    """From the leaf to the root."""
    checkpoint: str
    """Signed checkpoint that the path leads to; empty where an older tree was asked for."""


class Upkeep(NamedTuple):
    """What is written beside the entries, as it was at one size."""

    size: int
    """How many entries there were."""
    note: str
    """The checkpoint."""
    pieces: list[Piece]
    """Hashes that are not in the tiles' files yet."""
    snapshot: Snapshot | None
    """What the folds said; None while the last one is young."""


class LogStore:
    """One log's files and what follows from them. The module's docstring says which thread does what."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        key: Ed25519PrivateKey,
        folds: Mapping[str, Fold],
        *,
        own: Callable[[str], str],
        segment_entries: int,
    ) -> None:
        """Open the log; the arguments are the journal's.

        Raises:
            LogError: the log is damaged, does not match its promises, or belongs to another process.
        """
        self._origin = origin
        self._key = key
        self._folds = folds
        self._own = own
        self._signed = ""
        self._signed_size = -1
        self._folder = LogFolder(directory)
        self._closing = ExitStack()
        self._closing.callback(self._folder.close)
        try:
            self._segments = Segments(self._folder, segment_entries)
            self._closing.callback(self._segments.close)
            self._tiles = TileFiles(self._folder)
            self._closing.callback(self._tiles.close)
            opened = Opening(self._folder, self._segments, self._tiles, folds, origin).open(key.public_key())
            self._tree = opened.tree
            self._snapshot_size = opened.snapshot_size
            self._folder.replace(CHECKPOINT_FILE, own(self.checkpoint()).encode())
            self.kept_size = self.size
            """How many entries the checkpoint on disk covers."""
        except OSError as error:
            self.close()
            raise LogError(f"{directory}: {error.strerror}; mend the disk and start the agent again") from None
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """How many entries are durable and taken in."""
        return self._tree.size

    @property
    def cut_bytes(self) -> int:
        """How much of a torn end was cut when the log was opened."""
        return self._segments.cut_bytes

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, entries: Sequence[bytes]) -> bytes:
        """Make entries durable; gives their leaf hashes. OSError or LogError where they may not be."""
        leaves = b"".join(map(leaf_hash, entries))
        self._segments.append(entries)
        return leaves

    def look(self) -> None:
        """Pass if the files are the ones that were written; LogError otherwise."""
        self._segments.look()
        self._tiles.look()

    def take_in(self, leaves: bytes, records: Sequence[Mapping[str, Any]]) -> None:
        """These are durable: tree and folds hold them."""
        first = self.size
        self._tiles.keep(self._tree.extend(leaves))
        for fold in self._folds.values():
            for index, record in enumerate(records, first):
                fold.see(index, record)

    def read(self, index: int) -> bytes:
        """The exact bytes of a durable entry; LogError where they are not as they were written."""
        assert 0 <= index < self.size
        return self._segments.read(index)

    # ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def checkpoint(self) -> str:
        """A signed checkpoint of everything that is durable now; signed once, however many ask."""
        if self._signed_size != self.size:
            self._signed = sign_checkpoint(Checkpoint(self._origin, self.size, self._tree.root()), self._key)
            self._signed_size = self.size
        return self._signed

    def prove(self, index: int, size: int) -> Proof:
        """An entry with its proof in the tree of `size` entries; 0 for the newest checkpoint, which comes with it.

        Raises:
            ProofError: there is no such entry, or no such tree.
            LogError: entry or tile are not as they were written.
        """
        path = self._tree.inclusion(index, size or self.size)
        entry = self._segments.read(index)
        if leaf_hash(entry) != self._tree.node(0, index):
            raise LogError(f"entry {index} was changed on disk; {ADVICE}")
        return Proof(entry, index, path, "" if size else self.checkpoint())

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Proof that the log of `old_size` entries is the beginning of the one of `new_size`; 0 for all."""
        return self._tree.consistency(old_size, new_size or self.size)

    # ── upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def upkeep(self, *, last: bool) -> Upkeep:
        """What is to be written now; with a snapshot where one is due or this is the `last`."""
        due = last or self.size - self._snapshot_size >= SNAPSHOT_EVERY_ENTRIES
        snapshot = Snapshot(self._origin, self.size, self._tree.root(), dumps(self._folds)) if due else None
        return Upkeep(self.size, self.checkpoint(), self._tiles.pending(self._tree), snapshot)

    def keep(self, upkeep: Upkeep) -> None:
        """Write it; a snapshot comes last, for it stands on checkpoint and tiles. OSError where the disk fails."""
        self._folder.replace(CHECKPOINT_FILE, self._own(upkeep.note).encode())
        self._tiles.write(upkeep.pieces)
        if upkeep.snapshot:
            self._tiles.sync()
            self._folder.replace(SNAPSHOT_FILE, seal(upkeep.snapshot, self._key))

    def settle(self, upkeep: Upkeep) -> None:
        """It was written."""
        self._tiles.settle(upkeep.pieces)
        self.kept_size = upkeep.size
        if upkeep.snapshot:
            self._snapshot_size = upkeep.size

    def scrub(self) -> Scrub:
        """A pass over the full segments whose hashes are on disk."""
        sealed = min(self._segments.sealed, self._tiles.written // self._segments.segment_entries)
        root = self._tree.root(sealed * self._segments.segment_entries)
        return Scrub(self._folder, self._segments, self._tiles, sealed, root)

    def distrust(self) -> None:
        """Something on disk was changed: let the next start read all of it."""
        with suppress(OSError):
            self._folder.remove(SNAPSHOT_FILE)

    def close(self) -> None:
        """Let go of the files."""
        self._closing.close()
