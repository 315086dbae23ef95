"""The witness: the daemon remembers the newest checkpoint of the agent's log and believes nothing that contradicts it.

    judge     the rule, pure: does what is seen agree with what is kept?
    Witness   the rule over a `CheckpointFile`, for many sends at once

The workers of a daemon share one file: each compares with what any of them kept last, and saves only over what it
compared with.

A log is caught when it cannot prove that one of two checkpoints, each signed by its own key, is the beginning of the
other. From then on nothing leaves through this agent until an operator has looked at the evidence and removed it.
The first checkpoint ever seen is taken as it is: there is nothing yet to compare it with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import Checkpoint, ProofError, open_checkpoint, verify_consistency
from ringfenced.egress.checkpointfile import CheckpointFile
from ringfenced.errors import Unavailable

ProofSource = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""Asks the agent for the proof from one size to another; ProofError where it says that it has none."""


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


class Witness:
    """Compares every checkpoint with the newest one kept by any process. For many tasks of one event loop."""

    def __init__(self, store: CheckpointFile, origin: str, public_key: Ed25519PublicKey) -> None:
        """Start from what `store` kept.

        Args:
            store: witnesses of other processes may have theirs on the same file.
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
        self._caught = False
        note = store.load()
        self._kept = None if note is None else self.open(note)

    @property
    def newest(self) -> str:
        """The newest checkpoint kept, as a signed note; empty before the first."""
        self._refresh()
        return self._kept.note if self._kept else ""

    @property
    def size(self) -> int:
        """How many entries the log had in it."""
        self._refresh()
        return self._kept.checkpoint.size if self._kept else 0

    @property
    def condemned(self) -> bool:
        """Whether the log has been caught, by this process or another."""
        with _disk():
            return self._caught or self._store.condemned()

    def demand_trust(self) -> None:
        """Pass while the log has not been caught; LogCondemned from then on."""
        if self.condemned:
            raise self._verdict()

    def open(self, note: str) -> Seen:
        """A note whose signature holds; ProofError otherwise."""
        return Seen(note, open_checkpoint(note, self._origin, self._public_key))

    async def observe(self, seen: Seen, proof: ProofSource, *, size_min: int = 0) -> None:
        """Compare a checkpoint with the newest one kept, and keep the newer of them; durable on return.

        Checkpoints may come out of order. Those that wait at the same time share one write.

        Args:
            seen: what the agent showed.
            proof: asks the agent for consistency proofs.
            size_min: `size` when the agent was asked for its newest; being smaller is then going backwards.

        Raises:
            LogCondemned: the log contradicts itself, now or earlier.
            Unavailable: it cannot be kept.
            RingfenceError: whatever `proof` raises for an agent that does not answer.
        """
        self.demand_trust()
        if self._kept == seen:
            return
        if seen.checkpoint.size < size_min:
            await self._condemn(seen, f"it has {seen.checkpoint.size} entries and had {size_min}")
        self._pending.append(seen)
        try:
            async with self._lock:
                if seen in self._pending:
                    await self._take(sorted(self._pending, key=lambda one: one.checkpoint.size), proof)
        finally:
            if seen in self._pending:
                self._pending.remove(seen)
        self.demand_trust()

    def _refresh(self) -> str | None:
        """Take over what any process kept last, unless the file went backwards; what the file holds."""
        with _disk():
            note = self._store.load()
            if note is not None and (self._kept is None or note != self._kept.note):
                other = self.open(note)
                if self._kept is None or other.checkpoint.size >= self._kept.checkpoint.size:
                    self._kept = other
        return note

    async def _take(self, batch: list[Seen], proof: ProofSource) -> None:
        """Compare a batch in the order of sizes, then keep the largest; again if another process was faster."""
        while True:
            stored = self._refresh()
            newest = self._kept
            for seen in batch:
                if newest is not None and newest.checkpoint != seen.checkpoint:
                    await self._compare(newest, seen, proof)
                if newest is None or seen.checkpoint.size > newest.checkpoint.size:
                    newest = seen
            with _disk():
                if newest is None or newest.note == stored:
                    break
                if await asyncio.to_thread(self._store.save, newest.note, stored):
                    break
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

    async def _condemn(self, seen: Seen, why: str) -> NoReturn:
        """Believe this log no more, until the evidence is removed; where none can be written, until a restart."""
        self._caught = True
        self._pending.clear()
        kept = self._kept.note if self._kept else ""
        with suppress(OSError):
            await asyncio.to_thread(self._store.condemn, why, kept, seen.note)
            self._caught = False
        raise self._verdict()

    def _verdict(self) -> LogCondemned:
        """What is said of a log that was caught."""
        return LogCondemned(
            "the agent's log contradicts a checkpoint that it signed; nothing leaves until an operator has looked "
            f"at {self._store.evidence_path.name} in the daemon's state folder and removed it"
        )


@contextmanager
def _disk() -> Iterator[None]:
    """Raise the daemon's error where the file cannot be read or written, or holds no checkpoint of this log."""
    try:
        yield
    except OSError as error:
        raise _unkept(error.strerror or type(error).__name__) from None
    except ValueError:
        raise _unkept("what is kept there is no checkpoint of this log") from None


def _unkept(why: str) -> Unavailable:
    """What a failing disk means to the caller."""
    text = f"the witness cannot work in the daemon's state folder: {why}; nothing leaves until that is mended"
    return Unavailable(text, reason="witness_failed")
