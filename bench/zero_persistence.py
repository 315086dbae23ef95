"""`make test-zero-persistence`: nothing of a request's content is kept anywhere; shown by looking everywhere.

Canaries in fourteen encodings go through every route and every way to end. Every process of the site runs under strace,
so that all that it hands to the kernel is searched, with the files that are left, shared memory, cores, metrics, error
messages. Then a process keeps canaries on purpose, in each place and encoding, and each must be found.
docs/zero-persistence.md says what is searched and what is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / name) for name in ("tests", "proto", "daemon", "agent")]

from rich.console import Console  # noqa: E402 - the tests' fakes are on the path from here on

from flow_parts.machine import describe  # noqa: E402
from zero_parts import campaign, summary  # noqa: E402
from zero_parts.tracing import why_not  # noqa: E402

RESULTS = ROOT / "bench" / "results"
COMMAND = "make test-zero-persistence"


def main() -> int:
    """Run and print; 1 where anything was found that must not be, or not found that must."""
    options = _parser().parse_args()
    if reason := why_not():
        print(f"skipped: {reason}", file=sys.stderr)
        return 0
    console, machine, began_s = Console(width=None if sys.stdout.isatty() else 150), describe(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="zp-"))

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - began_s:6.1f} s  {what}", style="dim", highlight=False)

    try:
        outcome = asyncio.run(campaign.run(folder, options.only, tell))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    now = datetime.now(UTC)  # noqa: TID251 - the date of a report
    facts = {**machine, "date": now.isoformat(timespec="seconds"), "command": COMMAND, **summary.figures(outcome)}
    for table in summary.shown(outcome):
        console.print(table)
    for problem in summary.problems(outcome):
        console.print(problem, style="red", highlight=False, markup=False)
    console.print(summary.figures(outcome))
    if options.write and not options.only:
        stem = RESULTS / f"zero-persistence-{now.date().isoformat()}"
        stem.with_suffix(".md").write_text(summary.markdown(facts, outcome), encoding="utf-8")
        stem.with_suffix(".json").write_text(json.dumps(summary.record(facts, outcome), indent=1) + "\n")
    return 0 if outcome.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Look for a request's content wherever it could be kept."
    )
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    parser.add_argument("--only", default="", help="only scenes whose name says this; no result is kept")
    parser.add_argument("--keep", action="store_true", help="leave the folder with traces, files and cores")
    return parser


if __name__ == "__main__":
    sys.exit(main())
