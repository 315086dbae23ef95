"""`make test-redteam`: a rogue daemon with genuine keys tries thousands of ways out; no canary may arrive."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from flow_parts.machine import describe  # noqa: E402 - the tests' fakes are on the path from here on
from redteam_parts.campaign import Found, Outcome, run  # noqa: E402

RESULTS = ROOT / "bench" / "results"
WAYS_MIN = 10_000
_HEADER = ("family", "ways", "requests", "sent", "arrived", "in the log", "refused by")


def _rows(outcome: Outcome) -> Iterable[tuple[str, ...]]:
    """A row a family, those with the most ways first."""
    for name, found in sorted(outcome.families.items(), key=lambda item: -item[1].ways):
        rules = ", ".join(f"{rule} {count}" for rule, count in found.rules.most_common(4))
        numbers = (found.ways, found.requests, found.sent, len(found.arrived), len(found.in_log))
        yield name, *map(str, numbers), rules


def _summary(outcome: Outcome) -> dict[str, object]:
    """Over all families."""
    return {
        "ways": sum(found.ways for found in outcome.families.values()),
        "requests": sum(found.requests for found in outcome.families.values()),
        "sent": sum(found.sent for found in outcome.families.values()),
        "canaries_arrived": sum(len(found.arrived) for found in outcome.families.values()),
        "canaries_in_the_log": sum(len(found.in_log) for found in outcome.families.values()),
        "planted_and_found": f"{outcome.planted_found} of {outcome.planted}",
        "different_heads": f"{outcome.heads} for {outcome.paths} paths",
        "bytes_arrived": outcome.bytes_arrived,
        "faults": outcome.faults,
        "seconds": round(outcome.seconds, 1),
        "holds": outcome.holds,
    }


def _table(outcome: Outcome) -> Table:
    made = Table(*_HEADER)
    for row in _rows(outcome):
        made.add_row(*row, style=None if row[4:6] == ("0", "0") else "red")
    return made


def _markdown(record: dict[str, object], outcome: Outcome) -> str:
    lines = ["# A rogue daemon against the agent", "", *(f"- {key}: {value}" for key, value in record.items()), ""]
    lines += [f"| {' | '.join(_HEADER)} |", "|---|---:|---:|---:|---:|---:|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in _rows(outcome))]) + "\n"


def _told(found: Found) -> dict[str, object]:
    return {
        "ways": found.ways,
        "requests": found.requests,
        "sent": found.sent,
        "rules": dict(found.rules),
        "arrived": found.arrived,
        "in_log": found.in_log,
    }


def main() -> int:
    """Run, print, and with ``--write`` keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", type=int, default=WAYS_MIN + 500, help="about so many")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    parser.add_argument("--show", type=int, default=40, help="so many of the ways that got through are named")
    options = parser.parse_args()
    machine = describe()
    console = Console()
    with console.status("starting the agent") as status:
        outcome = asyncio.run(
            run(
                options.ways,
                options.seed,
                lambda tried, sent: status.update(f"{tried} of about {options.ways} ways tried, {sent} requests sent"),
            )
        )
    now = datetime.now(UTC)  # noqa: TID251 - the date of a report
    command = "make test-redteam" + ("" if options.ways > WAYS_MIN else f" ARGS='--ways {options.ways}'")
    record = {**machine, "date": now.isoformat(timespec="seconds"), "command": command, **_summary(outcome)}
    console.print(_table(outcome))
    for name, found in outcome.families.items():
        for way in (found.arrived + found.in_log)[: options.show]:
            console.print(f"[red]got through[/red] {name}: {way}", highlight=False)
    console.print(record)
    if options.write:
        stem = RESULTS / f"redteam-{now.date().isoformat()}"
        stem.with_suffix(".md").write_text(_markdown(record, outcome), encoding="utf-8")
        families = {name: _told(found) for name, found in outcome.families.items()}
        stem.with_suffix(".json").write_text(json.dumps({**record, "families": families}, indent=1) + "\n")
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
