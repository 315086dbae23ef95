"""A log of any size in seconds rather than hours: the agent's own files and formats, in large batches."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from log_parts.entries import BEGAN_UNIX_MS, entries
from ringfence.translog import Checkpoint, leaf_hash, sign_checkpoint
from ringfence_agent.folds import REMEMBERED_MS, Recovered
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.opening import CHECKPOINT_FILE, SNAPSHOT_FILE
from ringfence_agent.segments import Segments
from ringfence_agent.snapshot import Snapshot, seal
from ringfence_agent.tilefiles import TileFiles

KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN: Final = "bench.example/egress"
BATCH: Final = 4096


class Growing:
    """One log that is grown step by step, so that one folder serves every size that is measured."""

    def __init__(self, directory: Path) -> None:
        """Begin."""
        self._directory = directory
        self.size = 0
        """How many entries it has."""

    def grow(self, size: int, say: Callable[[str], None]) -> None:
        """Let it have `size` entries, as if the agent had written them and stopped well."""
        folder = LogFolder(self._directory)
        segments, tiles, recovered = Segments(folder), TileFiles(folder), Recovered()
        for _ in segments.replay(self.size):
            pass
        tree = tiles.tree(self.size)
        assert tree is not None
        for start in range(self.size, size, BATCH):
            batch = list(entries(start, min(size, start + BATCH)))
            segments.append(batch)
            tiles.keep(tree.extend(b"".join(map(leaf_hash, batch))))
            pieces = tiles.pending(tree)
            tiles.write(pieces)
            tiles.settle(pieces)
            say(f"growing the log: {start + len(batch):,} of {size:,} entries")
        self.size = size
        recovered.newest_unix_ms = BEGAN_UNIX_MS + size - 1
        first = max(0, size - REMEMBERED_MS)
        recovered.nonces = {f"{index:064x}": BEGAN_UNIX_MS + index for index in range(first + first % 2, size, 2)}
        note = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), KEY)
        folder.replace(CHECKPOINT_FILE, note.encode())
        tiles.sync()
        folds = {"recovered": recovered.dump()}
        folder.replace(SNAPSHOT_FILE, seal(Snapshot(ORIGIN, size, tree.root(), folds), KEY))
        for part in (segments, tiles, folder):
            part.close()


def forget_pages(directory: Path) -> None:
    """Let the kernel forget what it has cached of a folder's files, as after a start of the machine."""
    for path in directory.iterdir():
        with suppress(OSError), path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
