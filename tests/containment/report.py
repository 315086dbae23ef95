"""What was tried and what came of it, for people and for bench/results."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from containment.assault import Assault
from containment.network import Arrivals

COMMAND = "make test-containment ARGS=--write"
_TRIED = ("process", "tried", "blocked", "unclear", "not here", "worked", "frames by nftables", "frames captured")
_TIMES = ("what happened", "seconds")
_AT_WORK = ("at work", "to the provider, by nftables", "captured", "elsewhere, by nftables", "captured")


class Kept:
    """The assaults of one run, and what was counted while a site worked."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self.assaults: list[Assault] = []
        self.counts: dict[str, Arrivals] = {}
        self.seconds: dict[str, float] = {}

    def keep(self, assault: Assault, standing: Collection[str] = ()) -> Assault:
        """Keep one, with the attempts that may work; it is given back."""
        self.assaults.append(dataclasses.replace(assault, standing=tuple(sorted(standing))))
        return assault

    def count(self, what: str, arrivals: Arrivals) -> None:
        """Keep what reached the outside while a site did that."""
        self.counts[what] = arrivals

    def time(self, what: str, seconds: float) -> None:
        """Keep how long something took."""
        self.seconds[what] = seconds


def tried(assaults: Collection[Assault]) -> list[tuple[str, ...]]:
    """A row for each process; what worked is named where it may."""
    made = []
    for each in assaults:
        counts, worked = each.counts, sorted(each.named("escaped"))
        named = f": {', '.join(worked)}" if worked and set(worked) <= set(each.standing) else ""
        numbers = (len(each.tried), *(counts.get(name, 0) for name in ("blocked", "unclear", "not here")))
        frames = (each.arrivals.escaped, each.arrivals.captured_escaped)
        made.append((each.who, *map(str, numbers), f"{len(worked)}{named}", *map(str, frames)))
    return made


def at_work(counts: Mapping[str, Arrivals]) -> list[tuple[str, ...]]:
    """A row for each thing that a site did."""
    return [
        (what, *map(str, (one.allowed, one.captured_allowed, one.escaped, one.captured_escaped)))
        for what, one in counts.items()
    ]


def markdown(kept: Kept, facts: Mapping[str, object]) -> str:
    """The page: where, when and with what it was measured, then the tables."""
    lines = ["# Attempts to get out", "", *(f"- {key}: {value}" for key, value in facts.items())]
    times = [(what, f"{took:.1f}") for what, took in kept.seconds.items()]
    for header, rows in ((_TRIED, tried(kept.assaults)), (_AT_WORK, at_work(kept.counts)), (_TIMES, times)):
        lines += ["", f"| {' | '.join(header)} |", f"|---{'|---:' * (len(header) - 1)}|"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _attempts(assault: Assault) -> dict[str, object]:
    """An assault with a line for each attempt."""
    lines = {each.name: f"{each.outcome}: {each.detail}" for each in assault.tried}
    return {**dataclasses.asdict(assault), "tried": lines}


def write(folder: Path, now: datetime, kept: Kept, facts: Mapping[str, object]) -> Path:
    """Write both files of that day; gives the page's place."""
    stem = folder / f"containment-{now.date().isoformat()}"
    whole = {
        **facts,
        "assaults": [_attempts(each) for each in kept.assaults],
        "at_work": {what: dataclasses.asdict(one) for what, one in kept.counts.items()},
        "seconds": {what: round(took, 1) for what, took in kept.seconds.items()},
    }
    stem.with_suffix(".json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(markdown(kept, facts), encoding="utf-8")
    return stem.with_suffix(".md")
