"""`make test-tamper`: a million ways to tamper with a log; its key and one older checkpoint show each of them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from flow_parts.machine import describe
from tamper_parts.judge import Tally, tamper_log
from tamper_parts.mutations import FILES_ALONE, MUTATIONS

RESULTS = Path(__file__).resolve().parent / "results"
PER_LOG = 500
"""Mutations of one log; then another is made."""
WRITE_MIN = 1_000_000
"""What counts as a whole run."""
LIMITS = """
What no verifier can notice, and is not among these: entries after the kept checkpoint that the holder of the log's key
wrote and signed anew; a log rolled back to the kept checkpoint or to a genuine one after it; entries after the newest
checkpoint that is shown, which the report counts as not covered yet; and what never had an entry.
"""


def run(mutations: int, seed: int, processes: int) -> Tally:
    """Tamper with as many logs as it takes, and show how far it is."""
    total = Tally()
    counts = [PER_LOG] * (mutations // PER_LOG) + ([mutations % PER_LOG] if mutations % PER_LOG else [])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, ProcessPoolExecutor(processes) as pool:
        task = progress.add_task("mutations", total=mutations)
        jobs = [pool.submit(tamper_log, f"{seed}-{number}", count) for number, count in enumerate(counts)]
        for job in as_completed(jobs):
            tally = job.result()
            total.add(tally)
            progress.update(task, advance=tally.done.total())
    return total


def rows(total: Tally) -> list[tuple[str, ...]]:
    """One for each kind: who can do it, how many, how many were detected, how many by the older checkpoint alone."""
    return [
        (
            mutation.__name__.replace("_", " "),
            "files" if mutation in FILES_ALONE else "files and key",
            f"{total.done[mutation.__name__]:,}",
            f"{total.detected[mutation.__name__]:,}",
            f"{total.by_kept_alone[mutation.__name__]:,}",
        )
        for mutation in MUTATIONS
    ]


HEAD = ("mutation", "needs", "done", "detected", "by the kept checkpoint alone")


def markdown(record: dict[str, object], total: Tally) -> str:
    """For `bench/results`."""
    lines = ["# Tampering with a log", "", *(f"- {key}: {value}" for key, value in record.items()), ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|---|---|---:|---:|---:|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(total)]
    return "\n".join((*lines, LIMITS.rstrip(), ""))


def main() -> int:
    """Run, print, keep a whole run's result; 1 where something went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=WRITE_MIN)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    started = time.perf_counter()
    total = run(options.mutations, options.seed, options.processes)
    now = datetime.now(UTC)  # noqa: TID251 - the date of a report
    record: dict[str, object] = {
        **describe(),
        "date": now.isoformat(timespec="seconds"),
        "command": f"make test-tamper ARGS='--mutations {options.mutations} --seed {options.seed}'",
        "seconds": round(time.perf_counter() - started, 1),
        "mutations": total.done.total(),
        "detected": total.detected.total(),
        "failed_checks": dict(total.checks.most_common()),
    }
    table = Table(*HEAD)
    for row in rows(total):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"{total.detected.total():,} of {total.done.total():,} detected", LIMITS)
    for missed in total.missed:
        console.print(f"NOT DETECTED: {missed}", style="bold red")
    if total.done.total() >= WRITE_MIN:
        stem = RESULTS / f"tamper-{now.date().isoformat()}"
        stem.with_suffix(".md").write_text(markdown(record, total), encoding="utf-8")
        kinds = [
            dict(zip(("mutation", "needs", "done", "detected", "by_kept_alone"), row, strict=True))
            for row in rows(total)
        ]
        stem.with_suffix(".json").write_text(
            json.dumps({**record, "results": kinds}, indent=1) + "\n", encoding="utf-8"
        )
    return 0 if total.detected.total() == total.done.total() else 1


if __name__ == "__main__":
    sys.exit(main())
