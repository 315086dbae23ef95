"""Accounts for everything once a soak is over: what was seen, what is left on the disks, and what of it must not be."""

from __future__ import annotations

import bisect
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fakes.agent import ORIGIN
from fakes.site import Site
from faults_parts import judge
from faults_parts.workloads import Record
from soak_parts import traces, verdict
from soak_parts.load import NAME, Tally, Untyped
from soak_parts.outcome import Outcome, growth_problems
from soak_parts.processes import below, names
from soak_parts.runner import Log

TOLD_MAX = 200
"""How many of the checkpoints that callers have the independent reader gets; all are compared with the tree."""
AROUND_S = 30.0
"""An intent stands in the log at most so long before its body is with the provider."""
OWN_FILES = frozenset({"daemon.toml", "agent.toml"})
RECORD_NUMBER = "4417-"


class Seen:
    """What has to be seen while the site still stands."""

    def __init__(self, made: Site) -> None:
        """Note when each body reaches the provider."""
        self.received: list[tuple[float, bytes]] = []
        self.spent: dict[str, int] = {}
        """Department to what its wallet has spent, in microcredits."""
        self.left: list[str] = []
        """Processes that belong to nobody."""
        self._made = made
        answering = made.provider.on_request

        def on_request(body: bytes) -> None:
            self.received.append((time.time(), body))
            made.provider.bodies.clear()  # they are kept here, with their time
            made.provider.raw.clear()
            made.provider.heads.clear()
            answering(body)

        made.provider.on_request = on_request

    async def look(self) -> None:
        """The last look."""
        wallets = await self._made.client("operator").wallets()
        self.spent = {wallet.department: wallet.spent_microcredits for wallet in wallets}
        self.left = names(below(self._made))


def outcome(folder: Path, tally: Tally, log: Log, seen: Seen) -> Outcome:
    """Everything, once nothing of the site runs any more."""
    found = _Found(
        [entry.raw for entry in judge.entries(folder / "log")],
        verdict.read_ledger(folder / "state" / "ledger.sqlite3"),
        verdict.growths(log.samples),
        verdict.unexplained(tally.untyped, log.away),
    )
    ends: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (kind, end), count in tally.ends.items():
        ends[kind][end] = count
    came: defaultdict[str, set[int]] = defaultdict(set)
    most: Counter[str] = Counter()
    for sample in log.samples:
        came[sample.role].add(sample.pid)
        most[sample.role] = max(most[sample.role], sample.resident_bytes)
    unbooked = (one for one in tally.kept if sum(found.books.settled.get(one.request_id, ())) < one.cost_microcredits)
    return Outcome(
        ends=dict(ends),
        receipts=len(tally.kept),
        proofs=sum(len(one.proofs) for one in tally.kept),
        entries=len(found.entries),
        bodies=len(seen.received),
        settled=len(found.books.settled),
        forgotten=sum(not one.proofs for one in unbooked),
        events=dict(log.events),
        kills={role: len(times) for role, times in log.kills.items()},
        exits=dict(log.exits),
        away_s=[round(until_s - from_s, 1) for from_s, until_s in log.away],
        broken_off=len(tally.untyped) - len(found.unexplained),
        held_most=log.held_most,
        lulls=log.lulls,
        growths=found.growths,
        most_bytes=dict(sorted(most.items())),
        lives={role: len(pids) for role, pids in sorted(came.items())},
        problems=_problems(folder, tally, log, seen, found),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What is left to look at afterwards."""

    entries: list[bytes]
    books: verdict.Books
    growths: list[verdict.Growth]
    unexplained: list[Untyped]


def _problems(folder: Path, tally: Tally, log: Log, seen: Seen, found: _Found) -> dict[str, list[str]]:
    """What must not be, by the names of `MUST_HOLD`."""
    key = judge.log_key(folder / "log.pub")
    killed_s, full = log.kills["daemon"], log.full["state"]
    return {
        "proofs": [*verdict.unproven(tally.kept, found.entries, key, ORIGIN), *_whole(folder, tally)],
        "bodies": list(_bodies(folder, seen)),
        "books": list(verdict.misbooked(found.books, seen.spent, tally.kept, killed_s, full)),
        "holds": [
            f"after {seconds} s of rest {running} requests ran and {held} microcredits were held"
            for seconds, running, held in log.lulls
            if running or held
        ],
        "processes": [
            *(f"left of a process that ended: {one}" for one in log.orphans),
            *(f"left in the end: {one}" for one in (*seen.left, *names(below()))),
            *log.missing,
            *(f"{what}, {count} times" for what, count in log.exits.items() if not _is_documented(what)),
        ],
        "memory": [problem for growth in found.growths for problem in growth_problems(growth)],
        "content": [f"in {name}" for name in traces.found_in(folder, traces.needles(), but=OWN_FILES)],
        "lines": [
            f"{count} lines of {path.name} are not the process's own"
            for path in sorted(folder.glob("*.log"))
            if (count := traces.foreign_lines(path))
        ],
        "answers": list(_answers(tally, found.unexplained)),
    }


def _answers(tally: Tally, unexplained: list[Untyped]) -> Iterator[str]:
    """What is wrong with what callers were told."""
    if tally.hung:
        yield f"{tally.hung} requests had no end"
    if tally.internal:
        yield f"{tally.internal} requests ended in a defect (reason `internal`)"
    yield from (f"{kind}: {count} answers were not what they must be" for kind, count in tally.wrong.items() if count)
    for one in unexplained:
        yield f"{one.kind} ended with the transport's {one.code} while the daemon was there"


def _whole(folder: Path, tally: Tally) -> Iterator[str]:
    """What the independent reader says of the log."""
    notes = list(dict.fromkeys(proof.checkpoint for one in tally.kept for proof in one.proofs))
    step = max(1, len(notes) // TOLD_MAX)
    record = Record(proven=[(0.0, 0, b"", note) for note in notes[::step]])
    yield from judge.whole(folder / "log", record, judge.log_key(folder / "log.pub"), closed=True)


def _bodies(folder: Path, seen: Seen) -> Iterator[str]:
    """What is wrong with what left; each body is looked for among the intents of its time."""
    salt = (folder / "salt.key").read_bytes()
    intents = [entry for entry in judge.entries(folder / "log") if entry.said["kind"] == "intent"]
    times = [entry.said["time_unix_ms"] / 1000 for entry in intents]
    for at_s, body in seen.received:
        near = intents[bisect.bisect_left(times, at_s - AROUND_S) : bisect.bisect_right(times, at_s + 1.0)]
        yield from judge.sent([(at_s, body)], [entry for entry in near if _fits(entry, body)], salt, None, None)
        if NAME.encode() in body or RECORD_NUMBER.encode() in body:
            yield "an identifier reached the provider"


def _fits(entry: judge.Entry, body: bytes) -> bool:
    """Whether an intent may be this body's; the commitment decides."""
    return bool(entry.said.get("bytes_out", len(body)) == len(body))


def _is_documented(exit_: str) -> bool:
    """Whether a process may end so by itself: only where a full disk kept it from starting, with a documented code."""
    return "disk full" in exit_ and any(f"ended with {code}," in exit_ for code in (1, 3))
