"""What must hold after a soak, as sentences about what does not. Pure, but for `read_ledger`."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import ProofError, Tree, leaf_hash, open_checkpoint, verify_inclusion
from soak_parts.load import LATE, Kept, Untyped
from soak_parts.processes import Sample

WARM_S = 60.0
"""A process's first minute is not judged: it fills its caches, pools and arenas."""
JUDGED_S_MIN = 120.0
"""A shorter time after that shows more noise than slope."""
PER_REQUEST_BYTES = 1024
"""What a process may grow by for each request. Nothing is kept of each for good; what fills (docs/soak.md) takes some
0.7 KiB of each of the first thousands. One leaked request is 1.5 KiB, its decision among three targets 3.0 KiB (deep
sizes of the shortest there are), and its task and call come on top."""
NOISE_BYTES = 6 << 20
"""And whatever it did: arenas, stacks and SQLite's cache come and go in steps of this order."""
POINTS_MAX = 150
"""Samples between which slopes are taken; more change nothing but the time."""
UNANSWERED_S = 25.0
"""A call may come to the transport's error so long after a daemon's absence: a connection that was being made then."""
FORGOTTEN_S = 1.5
"""A killed daemon may forget settlements of local answers that it had not written: it gathers them for 50 ms
(`ringfenced.store.journal`), and one core has much to do beside."""
REWRITTEN_S = 3.0
"""Likewise so long after a full disk was freed: the writer tries again every second."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How one process's memory went, once it was warm."""

    role: str
    seconds: float
    requests: int
    first_bytes: int
    """Median of the first tenth."""
    last_bytes: int
    """Median of the last tenth."""
    slope_bytes_per_s: float
    """Theil-Sen: the median of the slopes between all samples, so that a step or a spike moves nothing."""
    descriptors: tuple[int, int]
    """Open files: least in the first tenth and in the last."""

    @property
    def grown_bytes(self) -> float:
        """What the slope comes to over this time."""
        return self.slope_bytes_per_s * self.seconds

    @property
    def allowed_bytes(self) -> float:
        """What it may come to."""
        return NOISE_BYTES + PER_REQUEST_BYTES * self.requests


def growths(samples: Iterable[Sample]) -> list[Growth]:
    """How each process that lived long enough grew."""
    lives: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lives[sample.role, sample.pid].append(sample)
    found = []
    for (role, _), life in lives.items():
        warm = [sample for sample in life if sample.at_s >= life[0].at_s + WARM_S]
        if warm and warm[-1].at_s - warm[0].at_s >= JUDGED_S_MIN:
            found.append(_growth(role, warm))
    return sorted(found, key=lambda growth: (growth.role, -growth.seconds))


def _growth(role: str, warm: Sequence[Sample]) -> Growth:
    chosen = warm[:: -(-len(warm) // POINTS_MAX)]
    slopes = [(two.resident_bytes - one.resident_bytes) / (two.at_s - one.at_s) for one, two in combinations(chosen, 2)]
    tenth = max(1, len(warm) // 10)
    return Growth(
        role=role,
        seconds=warm[-1].at_s - warm[0].at_s,
        requests=warm[-1].requests - warm[0].requests,
        first_bytes=int(median(sample.resident_bytes for sample in warm[:tenth])),
        last_bytes=int(median(sample.resident_bytes for sample in warm[-tenth:])),
        slope_bytes_per_s=median(slopes),
        descriptors=(
            min(sample.descriptors for sample in warm[:tenth]),
            min(sample.descriptors for sample in warm[-tenth:]),
        ),
    )


def unproven(kept: Iterable[Kept], entries: Sequence[bytes], key: Ed25519PublicKey, origin: str) -> Iterator[str]:
    """Receipts whose proof does not hold, or whose entry the log does not have where the proof says.

    Args:
        kept: what callers have in hand.
        entries: the log as it is afterwards, each entry's exact bytes.
        key: the log's public key.
        origin: its name.
    """
    tree = Tree()
    for entry in entries:
        tree.append(leaf_hash(entry))
    roots: dict[str, tuple[int, bytes]] = {}
    for one in kept:
        for proof in one.proofs:
            try:
                if proof.checkpoint not in roots:
                    signed = open_checkpoint(proof.checkpoint, origin, key)
                    roots[proof.checkpoint] = signed.size, signed.root
                    if tree.root(signed.size) != signed.root:
                        yield f"a checkpoint of {signed.size} entries is of another log"
                size, root = roots[proof.checkpoint]
                verify_inclusion(proof.entry, proof.index, size, proof.inclusion_path, root)
            except ProofError as error:
                yield f"the proof of entry {proof.index} does not hold: {error}"
                continue
            if proof.index >= len(entries) or entries[proof.index] != proof.entry:
                yield f"entry {proof.index}, of which a caller has the proof, is not in the log"


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger's file says."""

    settled: Mapping[str, Sequence[int]]
    """Request to every amount that was booked for it, in microcredits."""
    by_department: Mapping[str, int]
    """Sum of the settlements."""
    spent: Mapping[str, int]
    """The totals that are kept beside them."""
    at_risk: int
    """Requests that count as not ended."""


def read_ledger(path: Path) -> Books:
    """The books of a ledger that nobody has open."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        settled: defaultdict[str, list[int]] = defaultdict(list)
        sums: Counter[str] = Counter()
        for request, department, amount in connection.execute(
            "SELECT request_id, department, amount_microcredits FROM settlement"
        ):
            settled[request].append(amount)
            sums[department] += amount
        return Books(
            settled=settled,
            by_department=sums,
            spent=dict(connection.execute("SELECT department, amount_microcredits FROM spent")),
            at_risk=connection.execute("SELECT count(*) FROM at_risk").fetchone()[0],
        )


def misbooked(
    books: Books,
    wallets: Mapping[str, int],
    kept: Iterable[Kept],
    killed_s: Sequence[float],
    full: Sequence[tuple[float, float]],
) -> Iterator[str]:
    """What is wrong with the books.

    Args:
        books: the ledger's file, after the daemon's end.
        wallets: department to microcredits spent, as the daemon said before its end.
        kept: every receipt.
        killed_s: when the daemon was killed.
        full: when its disk was full.
    """
    for department in sorted({*books.by_department, *books.spent, *wallets}):
        said = (books.by_department.get(department, 0), books.spent.get(department, 0), wallets.get(department, 0))
        if len(set(said)) > 1:
            yield f"{department}: {said[0]} settled, {said[1]} booked, {said[2]} in its wallet"
    if books.at_risk:
        yield f"{books.at_risk} requests count as not ended"
    twice = sum(len(amounts) > 1 for amounts in books.settled.values())
    if twice:
        yield f"{twice} requests were booked twice"
    for one in kept:
        booked = sum(books.settled.get(one.request_id, ()))
        if booked >= one.cost_microcredits:
            continue
        if one.proofs:
            yield f"request {one.request_id} left and cost {one.cost_microcredits}; {booked} are booked"
        elif not may_be_forgotten(one.finished_s, killed_s, full):
            yield f"request {one.request_id} cost {one.cost_microcredits}; {booked} are booked, and no kill explains it"


def may_be_forgotten(finished_s: float, killed_s: Sequence[float], full: Sequence[tuple[float, float]]) -> bool:
    """Whether a kill came before what ended then was written: soon after, or while the disk was full."""
    for at_s in killed_s:
        since = [filled_s for filled_s, freed_s in full if filled_s <= at_s <= freed_s + REWRITTEN_S]
        if min([at_s, *since]) - FORGOTTEN_S <= finished_s <= at_s + FORGOTTEN_S:
            return True
    return False


def unexplained(untyped: Iterable[Untyped], away: Sequence[tuple[float, float]]) -> list[Untyped]:
    """Errors of the transport while a daemon was there; a caller's own deadline is one that it may tell by itself."""
    return [
        one
        for one in untyped
        if (one.kind, one.code) != (LATE, "deadline_exceeded")
        and not (
            one.code == "unavailable"
            and any(began_s <= one.ended_s and one.began_s <= ended_s + UNANSWERED_S for began_s, ended_s in away)
        )
    ]
