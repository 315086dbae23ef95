"""`make test-faults`: what the agent does when its disk, its clock or the process itself fails, at every call it makes.

Each workload runs once to see which calls the agent makes on its log and archive. Then each of these calls fails, in
each way that it can, in a run of its own against the real agent, under strace; others fill the disk, make writes short,
let the clock jump, or lay hands on the files. After each the log is read by a reader of its own, and the agent is
started again. docs/faults.md says what is asked for and how to read the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from faults_parts import summary
from faults_parts.attempt import Result
from faults_parts.campaign import Survey, campaign, points
from faults_parts.points import Point
from flow_parts import machine

RESULTS = Path(__file__).resolve().parent / "results"
UNSHARE = ("unshare", "-m", "--propagation", "private")
POINTS_MIN = 2000
"""A result is kept of a run of at least so many."""
TOLD_MAX = 20
"""How many problems are told while it runs."""


def main() -> int:
    """Try all points; 1 where something that must hold did not."""
    options = _parser().parse_args()
    if shutil.which("strace") is None:
        print("strace is missing; install it (Debian: strace)", file=sys.stderr)
        return 2
    if not options.own_mounts and can_unshare():
        # With mounts of its own, small file systems can be made, and go when this process does.
        os.execvp("unshare", [*UNSHARE, sys.executable, *sys.argv, "--own-mounts"])
    console = Console(width=None if sys.stdout.isatty() else 130)
    facts, began_s = machine.describe(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    try:
        results = asyncio.run(_run(folder, options, console))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": "make test-faults" + _told(sys.argv[1:]),
        "seconds": round(time.monotonic() - began_s, 1),
    }
    console.print(summary.table(results))
    for name, value in summary.figures(results).items():
        console.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
    if not options.only and (options.skip or not options.points or options.points >= POINTS_MIN):
        name = f"faults-{str(facts['date'])[:10]}" + (f"-from-{options.skip}" if options.skip else "")
        _write(options.out, name, facts, results)
        console.print(f"written to {options.out}/{name}.json and .md")
    return int(any(result.problems for result in results))


async def _run(folder: Path, options: argparse.Namespace, console: Console) -> list[Result]:
    """The campaign, with its progress."""
    done: list[Result] = []
    todo = 0
    with console.status("looking at what the agent does") as status:

        def choose(found: Survey) -> list[Point]:
            nonlocal todo
            chosen = [one for one in points(found, mounts=options.own_mounts) if options.only in str(one)]
            chosen = chosen[options.skip :][: options.points or len(chosen)]
            todo = len(chosen)
            console.print(f"{todo} points")
            return chosen

        def tell(result: Result) -> None:
            done.append(result)
            wrong = sum(bool(one.problems) for one in done)
            status.update(f"{len(done)} of {todo} points, {wrong} with a problem")
            if not console.is_terminal and len(done) % 100 == 0:
                console.print(f"{len(done)} of {todo} points, {wrong} with a problem")
            if result.problems and wrong <= TOLD_MAX:
                console.print(f"{result.point}: {'; '.join(result.problems)}", style="red", highlight=False)

        return await campaign(folder, options.workers, choose, tell)


def _told(arguments: list[str]) -> str:
    """The command's arguments, as `make` takes them."""
    said = " ".join(one for one in arguments if one != "--own-mounts")
    return f' ARGS="{said}"' if said else ""


def _write(out: Path, name: str, facts: dict[str, object], results: list[Result]) -> None:
    """Keep what was found."""
    out.mkdir(parents=True, exist_ok=True)
    fields = ("call", "how_it_fails", "faults", "agent_died", "problems")
    told = {
        "facts": facts,
        "figures": summary.figures(results),
        "rows": [dict(zip(fields, row, strict=True)) for row in summary.rows(results)],
        "problems": [{"point": str(one.point), "problems": one.problems} for one in results if one.problems],
    }
    (out / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
    (out / f"{name}.md").write_text(summary.markdown(facts, results))


def can_unshare() -> bool:
    """Whether this process may have mounts of its own."""
    if os.geteuid() or shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def _parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make test-faults", description="Inject faults into the real agent.")
    parser.add_argument("--workers", type=int, default=2, help="agents at once")
    points_help = f"try only so many, spread over all; under {POINTS_MIN} no result is written"
    parser.add_argument("--points", type=int, default=0, help=points_help)
    parser.add_argument("--skip", type=int, default=0, help="go on where a run with so many points ended")
    parser.add_argument("--only", default="", help="try only points that say this, for example 'sends: write'")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--own-mounts", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
