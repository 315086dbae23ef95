"""`make soak`: half an hour of mixed load while everything that can fail does; then everything is accounted for.

The real daemon over gRPC, the real agent, a scripted engine and the bundled model in a real one, a stand-in provider.
Engines, agent and daemon are killed, the disks of the log and of the state filled and freed, certificates renewed, by a
seeded schedule. docs/soak.md says what must hold, and why the bounds are what they are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chaos_parts.stage import TINY
from fakes.site import SCRIPTED, site
from faults import UNSHARE, can_unshare
from flow_parts import machine
from soak_parts import account, disks, processes
from soak_parts.load import Load
from soak_parts.outcome import Outcome, markdown, plain
from soak_parts.runner import Soak
from soak_parts.schedule import schedule

RESULTS = Path(__file__).resolve().parent / "results"
GRANT_CREDITS = 10_000
REAL = """
[[models]]
name = "tiny"
path = "{path}"
context_tokens = 512
sequences = 2
threads = 1
quality = 0.5
load_timeout_s = 60
price = {{ prompt_microcredits_per_1k = 10, completion_microcredits_per_1k = 10 }}
speed = {{ first_token_ms = 20, token_ms = 5 }}
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What is run."""

    seconds: float
    callers: int
    seed: int
    workers: int
    real: bool
    """With the bundled model in an engine of its own."""
    mounts: bool
    """The disks are file systems of their own, which can be filled."""


def main() -> int:
    """Run, print, write; 1 where something that must hold did not."""
    given = _parser().parse_args()
    if not given.own_mounts and can_unshare():
        # With mounts of its own, small file systems can be made, and go when this process does.
        os.execvp("unshare", [*UNSHARE, sys.executable, *sys.argv, "--own-mounts"])
    processes.adopt()
    options = Options(
        given.minutes * 60, given.callers, given.seed, given.workers, not given.scripted_only, given.own_mounts
    )
    facts = machine.describe()
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    try:
        outcome = asyncio.run(measure(folder, options))
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    today = datetime.now(UTC)  # noqa: TID251 - the date of a report
    facts |= {
        "date": today.isoformat(timespec="seconds"),
        "command": f"make soak MINUTES={given.minutes:g} ARGS='--seed {given.seed} --callers {given.callers}'",
        "load_average_after": round(os.getloadavg()[0], 2),
    }
    text = markdown(facts, outcome)
    print(text)
    if given.write:
        stem = RESULTS / f"soak-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "outcome": plain(outcome)}, indent=1) + "\n")
    return int(not outcome.is_good)


async def measure(folder: Path, options: Options) -> Outcome:
    """One run from the beginning to the end, and what is left of it."""
    with ExitStack() as stack:
        small = {
            "log": stack.enter_context(disks.small(folder / "log", disks.LOG_MIB, mount=options.mounts)),
            "state": stack.enter_context(disks.small(folder / "state", disks.STATE_MIB, mount=options.mounts)),
        }
        extra = REAL.format(path=TINY) if options.real else ""
        began_s = time.monotonic()
        async with site(
            folder, workers=options.workers, grant_credits=GRANT_CREDITS, house=SCRIPTED, extra=extra
        ) as made:
            seen = account.Seen(made)
            load = Load(made, options.seed, real=options.real)
            soak = Soak(made, load, small, options.seed, lambda line: print(line, flush=True))
            await soak.run(schedule(options.seconds, options.seed), options.seconds, options.callers)
            await seen.look()
        outcome = account.outcome(folder, load.tally, soak.log, seen)
        outcome.seconds = time.monotonic() - began_s
    if not options.mounts:
        outcome.skipped.append("disks were not filled: that needs root and unshare(1)")
    return outcome


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long")
    parser.add_argument("--callers", type=int, default=8, help="how many ask at the same time")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked and what is done")
    parser.add_argument("--workers", type=int, default=1, help="request workers of the daemon")
    parser.add_argument("--scripted-only", action="store_true", help="without the bundled model")
    parser.add_argument("--keep", action="store_true", help="keep the site's folder, to look at its logs")
    parser.add_argument("--write", action="store_true", help="write bench/results/soak-<date>")
    parser.add_argument("--own-mounts", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
