"""What came of a soak: everything that was counted, what of it must not be, and the page about it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from soak_parts.verdict import WARM_S, Growth

SHOWN_MAX = 20
"""How many of one kind of problem a report names."""


@dataclass
class Outcome:
    """One run."""

    seconds: float = 0.0
    ends: dict[str, dict[str, int]] = field(default_factory=dict)
    """How requests ended, by kind and end."""
    receipts: int = 0
    """Answers that callers have a receipt of."""
    proofs: int = 0
    """Entries of the egress log that callers have the proof of."""
    entries: int = 0
    """Entries of the log in the end."""
    bodies: int = 0
    """What reached the provider."""
    settled: int = 0
    """Requests in the ledger."""
    forgotten: int = 0
    """Receipts of local answers whose settlement a kill made the daemon forget, as docs/soak.md allows."""
    events: dict[str, int] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    """Processes that ended by themselves, and how."""
    away_s: list[float] = field(default_factory=list)
    """How long no daemon answered, each time."""
    broken_off: int = 0
    """Requests that ended with the transport's error while the daemon was away."""
    held_most: int = 0
    lulls: list[tuple[float, int, int]] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    most_bytes: dict[str, int] = field(default_factory=dict)
    """The most memory that a process of each role took."""
    lives: dict[str, int] = field(default_factory=dict)
    """How many processes each role had."""
    skipped: list[str] = field(default_factory=list)
    """What could not be tried here, and why."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """What must not be, by what it breaks; see `MUST_HOLD`."""

    @property
    def requests(self) -> int:
        """How many ended."""
        return sum(sum(ends.values()) for ends in self.ends.values())

    @property
    def is_good(self) -> bool:
        """Whether all that must hold did."""
        return not any(self.problems.values())


MUST_HOLD = {
    "proofs": "every proof that a caller holds verifies against the log, and the log verifies",
    "bodies": "every body that reached the provider has its intent, and no identifier is in it",
    "books": "every wallet has paid what its requests cost, once",
    "holds": "nothing is held and nothing runs whenever the load is held back",
    "processes": "nothing is left of a process that ended, and what ended is there again",
    "memory": "memory and open files of what lives long are flat",
    "content": "nothing that a caller wrote is on any disk",
    "lines": "every line of a log is one of ours: no traceback, nothing of a library",
    "answers": "every request ends, with its answer or a typed error",
}
"""What a run is judged by."""


def growth_problems(growth: Growth) -> Iterator[str]:
    """What is wrong with how a process grew."""
    if growth.grown_bytes > growth.allowed_bytes:
        yield (
            f"{growth.role} grew by {growth.grown_bytes / 1e6:.1f} MB in {growth.seconds:.0f} s and {growth.requests} "
            f"requests; {growth.allowed_bytes / 1e6:.1f} are allowed"
        )
    first, last = growth.descriptors
    if last > first + DESCRIPTORS_MAX:
        yield f"{growth.role} had {first} open files and has {last}"


DESCRIPTORS_MAX = 16
"""Open files may differ by so many between two quiet moments: connections of two certificates, engines that start."""


def plain(outcome: Outcome) -> dict[str, object]:
    """As JSON has it."""
    values = asdict(outcome)
    for value, growth in zip(values["growths"], outcome.growths, strict=True):
        value["grown_bytes"], value["allowed_bytes"] = round(growth.grown_bytes), round(growth.allowed_bytes)
    return {"requests": outcome.requests, **values}


def markdown(facts: Mapping[str, object], outcome: Outcome) -> str:
    """The page of a run."""
    lines = ["# Soak", "", *(f"- {name}: {value}" for name, value in facts.items())]
    lines += [
        f"- result: {'passed' if outcome.is_good else 'FAILED'}",
        *(f"- not tried: {one}" for one in outcome.skipped),
    ]
    lines += ["", "| what must hold | problems |", "|---|---:|"]
    lines += [f"| {said} | {len(outcome.problems.get(name, ()))} |" for name, said in MUST_HOLD.items()]
    lines += [
        "",
        *_problems(outcome),
        "| what | |",
        "|---|---:|",
        *(f"| {name} | {value} |" for name, value in _rows(outcome)),
    ]
    lines += ["", "| requests, by kind and end | |", "|---|---:|"]
    lines += [
        f"| {kind}: {end} | {count:,} |"
        for kind, ends in sorted(outcome.ends.items())
        for end, count in Counter(ends).most_common()
    ]
    lines += ["", f"Memory after the first {WARM_S:.0f} s of each process that lived long enough:", ""]
    lines += ["| process | s | requests | first MB | last MB | slope comes to MB | allowed MB | open files |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|---:|", *map(_growth_row, outcome.growths)]
    return "\n".join(lines) + "\n"


def _problems(outcome: Outcome) -> Iterator[str]:
    for name, problems in outcome.problems.items():
        yield from (f"- **{name}**: {problem}" for problem in problems[:SHOWN_MAX])
        if len(problems) > SHOWN_MAX:
            yield f"- **{name}**: and {len(problems) - SHOWN_MAX} more"
    if not outcome.is_good:
        yield ""


def _rows(outcome: Outcome) -> Iterator[tuple[str, object]]:
    yield "seconds", round(outcome.seconds)
    yield "requests", f"{outcome.requests:,}"
    yield from ((f"killed: {role}", count) for role, count in outcome.kills.items())
    yield from ((name, count) for name, count in outcome.events.items() if "killed" not in name)
    yield from ((f"ended by itself: {name}", count) for name, count in outcome.exits.items())
    yield "requests that broke off with a daemon's end", outcome.broken_off
    yield "longest time without a daemon, s", round(max(outcome.away_s, default=0.0), 1)
    yield "receipts", f"{outcome.receipts:,}"
    yield "proofs that callers hold", f"{outcome.proofs:,}"
    yield "entries of the log", f"{outcome.entries:,}"
    yield "bodies that reached the provider", f"{outcome.bodies:,}"
    yield "requests in the ledger", f"{outcome.settled:,}"
    yield "local answers whose cost a kill forgot", outcome.forgotten
    yield "most microcredits held at once, as seen", outcome.held_most
    yield "longest time until nothing ran, s", max((seconds for seconds, _, _ in outcome.lulls), default=0.0)
    yield from ((f"processes: {role}", count) for role, count in outcome.lives.items())
    yield from ((f"most memory: {role}, MB", round(size / 1e6)) for role, size in outcome.most_bytes.items())


def _growth_row(growth: Growth) -> str:
    megabytes = (growth.first_bytes, growth.last_bytes, growth.grown_bytes, growth.allowed_bytes)
    cells = (growth.role, f"{growth.seconds:.0f}", growth.requests, *(f"{size / 1e6:.1f}" for size in megabytes))
    return f"| {' | '.join(map(str, cells))} | {growth.descriptors[0]} to {growth.descriptors[1]} |"
