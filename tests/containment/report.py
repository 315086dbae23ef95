"""What was tried and what came of it, for people and for bench/results."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from containment.assault import Assault

COMMAND = "make test-containment ARGS=--write"
_HEADER = ("process", "tried", "blocked", "not here", "worked", "frames by nftables", "frames captured")


class Kept:
    """The assaults of one run."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self.assaults: list[Assault] = []

    def keep(self, assault: Assault, standing: Collection[str] = ()) -> Assault:
        """Keep one, with the attempts that may work; it is given back."""
        self.assaults.append(dataclasses.replace(assault, standing=tuple(sorted(standing))))
        return assault


def rows(assaults: Collection[Assault]) -> list[tuple[str, ...]]:
    """A row for each process; what worked is named where it may."""
    made = []
    for each in assaults:
        counts, worked = each.counts, sorted(each.named("escaped"))
        named = f"{len(worked)}: {', '.join(worked)}" if worked and set(worked) <= set(each.standing) else f"{len(worked)}"
        numbers = (len(each.tried), counts.get("blocked", 0), counts.get("not here", 0))
        frames = (each.arrivals.escaped, each.arrivals.captured_escaped)
        made.append((each.who, *map(str, numbers), named, *map(str, frames)))
    return made


def markdown(assaults: Collection[Assault], facts: Mapping[str, object]) -> str:
    """The page: where, when and with what it was measured, then the table."""
    lines = ["# Attempts to get out", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]
    lines += [f"| {' | '.join(_HEADER)} |", "|---|---:|---:|---:|---|---:|---:|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(assaults)]
    return "\n".join(lines) + "\n"


def write(folder: Path, now: datetime, assaults: Collection[Assault], facts: Mapping[str, object]) -> Path:
    """Write both files of that day; gives the page's place."""
    stem = folder / f"containment-{now.date().isoformat()}"
    stem.with_suffix(".md").write_text(markdown(assaults, facts), encoding="utf-8")
    whole = {**facts, "assaults": [dataclasses.asdict(each) for each in assaults]}
    stem.with_suffix(".json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return stem.with_suffix(".md")
