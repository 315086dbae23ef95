"""The witness: the daemon remembers the newest checkpoint of the agent's log and believes nothing that contradicts it.

    judge            the rule, pure: does what is seen agree with what is kept?
    CheckpointFile   where it is kept, durably; and, once a log was caught, the evidence
    Witness          both together, for many sends at once

A log is caught when it cannot prove that one of two checkpoints, each signed by its own key, is the beginning of the
other. From then on nothing leaves through this agent until an operator has looked at the evidence and removed it.
The first checkpoint ever seen is taken as it is: there is nothing yet to compare it with.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import Checkpoint, ProofError, open_checkpoint, verify_consistency
from ringfenced.errors import Unavailable

ProofSource = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""Asks the agent for the proof from one size to another; ProofError where it says that it has none."""

_EVIDENCE_SUFFIX: Final = ".condemned"


class LogCondemned(Unavailable):
    """The agent's log went backwards or forked; nothing leaves until an operator acts."""

    default_reason = "egress_log_condemned"


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint whose signature was verified."""

    note: str
    """As it came."""
    checkpoint: Checkpoint
    """What it says."""


def judge(one: Checkpoint, other: Checkpoint, path: Sequence[bytes]) -> None:
    """Pass if the smaller of two checkpoints is the beginning of the larger; ProofError otherwise."""
    old, new = (one, other) if one.size <= other.size else (other, one)
    verify_consistency(old.size, new.size, old.root, new.root, path)


class CheckpointFile:
    """One signed note in one file, replaced atomically; blocking."""

    def __init__(self, path: Path) -> None:
        """Keep the note in `path`; its folder must exist. Evidence goes beside it, under ``.condemned``."""
        self._path = path
        self.evidence_path = path.with_name(path.name + _EVIDENCE_SUFFIX)

    def load(self) -> str | None:
        """The note kept; None before the first."""
        return self._path.read_text() if self._path.exists() else None

    def save(self, note: str) -> None:
        """Keep `note` instead; durable on return."""
        _write_durably(self._path, note)

    def condemned(self) -> bool:
        """Whether evidence lies here."""
        return self.evidence_path.exists()

    def condemn(self, why: str, kept: str, seen: str) -> None:
        """Write down both notes and what is wrong between them; durable on return."""
        _write_durably(self.evidence_path, json.dumps({"why": why, "kept": kept, "seen": seen}, indent=1) + "\n")


class Witness:
    """Compares every checkpoint with the newest one kept. May be used by many tasks of one event loop."""

    def __init__(self, store: CheckpointFile, origin: str, public_key: Ed25519PublicKey) -> None:
        """Start from what `store` kept.

        Args:
            store: this witness is its only user.
            origin: the log's name.
            public_key: the log's key.

        Raises:
            ProofError: what was kept is no checkpoint of this log.
            OSError: it cannot be read.
        """
        self._store = store
        self._origin = origin
        self._public_key = public_key
        self._lock = asyncio.Lock()
        self._pending: list[Seen] = []
        self._condemned = store.condemned()
        note = store.load()
        self._kept = None if note is None else self.open(note)

    @property
    def newest(self) -> str:
        """The newest checkpoint kept, as a signed note; empty before the first."""
        return self._kept.note if self._kept else ""

    @property
    def size(self) -> int:
        """How many entries the log had in it."""
        return self._kept.checkpoint.size if self._kept else 0

    @property
    def condemned(self) -> bool:
        """Whether the log has been caught."""
        return self._condemned

    def demand_trust(self) -> None:
        """Pass while the log has not been caught; LogCondemned from then on."""
        if self._condemned:
            raise LogCondemned(
                "the agent's log contradicts a checkpoint that it signed; nothing leaves until an operator has looked "
                f"at {self._store.evidence_path.name} in the daemon's state folder and removed it"
            )

    def open(self, note: str) -> Seen:
        """A note whose signature holds; ProofError otherwise."""
        return Seen(note, open_checkpoint(note, self._origin, self._public_key))

    async def observe(self, seen: Seen, proof: ProofSource, *, current: bool = False) -> None:
        """Compare a checkpoint with the newest one kept, and keep the newer of them; durable on return.

        Checkpoints may come out of order. Those that wait at the same time share one write.

        Args:
            seen: what the agent showed.
            proof: asks the agent for consistency proofs.
            current: it was asked for just now, after every other was kept; being smaller is then going backwards.

        Raises:
            LogCondemned: the log contradicts itself, now or earlier.
            RingfenceError: whatever `proof` raises for an agent that does not answer.
        """
        self.demand_trust()
        if self._kept == seen:
            return
        if current and seen.checkpoint.size < self.size:
            await self._condemn(seen, f"it has {seen.checkpoint.size} entries and had {self.size}")
        self._pending.append(seen)
        try:
            async with self._lock:
                if seen in self._pending:
                    await self._take(sorted(self._pending, key=lambda one: one.checkpoint.size), proof)
        finally:
            if seen in self._pending:
                self._pending.remove(seen)
        self.demand_trust()

    async def _take(self, batch: list[Seen], proof: ProofSource) -> None:
        """Compare a batch in the order of sizes, then keep the largest."""
        newest = self._kept
        for seen in batch:
            if newest is not None and newest.checkpoint != seen.checkpoint:
                await self._compare(newest, seen, proof)
            if newest is None or seen.checkpoint.size > newest.checkpoint.size:
                newest = seen
        if newest is not None and newest != self._kept:
            await asyncio.to_thread(self._store.save, newest.note)
            self._kept = newest
        self._pending = [seen for seen in self._pending if seen not in batch]

    async def _compare(self, kept: Seen, seen: Seen, proof: ProofSource) -> None:
        """Demand the proof between two checkpoints."""
        sizes = sorted((kept.checkpoint.size, seen.checkpoint.size))
        try:
            path = () if sizes[0] in (0, sizes[1]) else await proof(*sizes)
            judge(kept.checkpoint, seen.checkpoint, path)
        except ProofError as error:
            await self._condemn(seen, str(error))

    async def _condemn(self, seen: Seen, why: str) -> None:
        """Never believe this log again; the evidence is durable first where the disk lets it be."""
        self._condemned = True
        self._pending.clear()
        await asyncio.to_thread(self._store.condemn, why, self.newest, seen.note)
        self.demand_trust()


def _write_durably(path: Path, text: str) -> None:
    """Replace a file's content so that, after a crash, it is the old or the new one whole."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
