"""`make bench-log`: the egress log beside simpler ways to make an entry durable, and as it grows to ten million.

Sides of the first table: ``ours`` (the agent's journal; ``proven`` with an inclusion proof for each), a file with one
fdatasync an entry, and SQLite (write-ahead log, synchronous=FULL) with one commit an entry or one for all that wait.
The peers have no Merkle tree. The last row is the disk alone, so that the floor can be seen.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from flow_parts import machine
from log_parts.measure import Length, Measuring
from log_parts.report import markdown, missed, tables

RESULTS = Path(__file__).resolve().parent / "results"
FULL = Length(repetitions=5, seconds=3.0, sizes=(100_000, 1_000_000, 10_000_000), verified=1_000_000)
QUICK = Length(repetitions=1, seconds=0.5, sizes=(10_000, 100_000), verified=10_000)


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    length = QUICK if options.quick else FULL
    console = Console(width=None if sys.stdout.isatty() else 150)
    began, facts = time.monotonic(), machine.describe()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, console.status("starting") as status:
        say: Callable[[str], None] = status.update if console.is_terminal else _lines(console)
        measuring = Measuring(length, Path(folder), say)
        measuring.acknowledgements()
        measuring.grown()
    facts |= {
        "sqlite": sqlite3.sqlite_version,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": 'make bench-log ARGS="--quick"' if options.quick else "make bench-log",
        "repetitions": length.repetitions,
        "seconds": round(time.monotonic() - began, 1),
    }
    sections = measuring.sections()
    for table in tables(sections):
        console.print(table)
    for row in missed(sections):
        console.print(f"missed: {row}", highlight=False)
    if not options.no_write and (not options.quick or options.out != RESULTS):
        _write(options.out, facts, measuring)
        console.print(f"written to {options.out}/log-{facts['date'][:10]}.json and .md")


def _lines(console: Console) -> Callable[[str], None]:
    """Progress where no terminal can show it in place: a line for each measurement, none for each batch."""
    told: set[str] = set()

    def say(text: str) -> None:
        head = text.partition(":")[0] if text.startswith("growing") else text
        if head not in told:
            told.add(head)
            console.print(text, highlight=False)

    return say


def _write(folder: Path, facts: dict[str, object], measuring: Measuring) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"log-{str(facts['date'])[:10]}"
    sections = measuring.sections()
    document = {"facts": facts, "missed": missed(sections), "values": measuring.values}
    stem.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    stem.with_suffix(".md").write_text(
        f"# The egress log\n\n{head}\n\nMedian (lowest to highest repetition).\n\n{markdown(sections)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/log.py", description="The egress log, and what it costs as it grows.")
    parser.add_argument("--quick", action="store_true", help="under a minute, small logs; writes only with --out")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where JSON and table go")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where the logs are written: 6 GB on the disk to be measured (/tmp)"
    )
    return parser


if __name__ == "__main__":
    main()
