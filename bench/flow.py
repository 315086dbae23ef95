"""`make bench-flow`: the whole governed way of a request beside bare gRPC, in one run.

Sides: ``bare`` (a plain grpc.aio server that sends the same messages; ``again`` is the same measured once more),
``hop`` (the same with its tokens from an engine process, ungoverned: the floor of any such design),
``one`` (ringfenced at one token a message), ``coalesced`` (as it comes), ``quiet`` (``one`` without request
lines and metrics), ``two`` (``one`` with two workers), ``alone`` (the scripted engine driven without a daemon) and
``empty`` (a daemon without engines). docs/performance.md says how to read the result.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from flow_parts import h2load, machine
from flow_parts.measure import Length, Measuring
from flow_parts.record import Record
from flow_parts.report import lines, markdown, table
from flow_parts.scenarios import INTERVAL_MS
from flow_parts.stage import DAEMONS, Stage, cores, standing

RESULTS = Path(__file__).resolve().parent / "results"
FULL = Length(repetitions=5, seconds=1.0, half_load_s=3.0, probes=5, fleets=(64, 256))
QUICK = Length(repetitions=1, seconds=0.2, half_load_s=0.5, probes=1, fleets=(64,))

INSTRUCTED = (("instructed", 8), ("instructed anew", 8))
CPU_SCENARIOS = (("plan", 8), ("unary", 8), ("note", 8), *INSTRUCTED, ("burst", 8), ("paced", 64))
"""Scenario and callers of each closed loop."""
CPU_SIDES = ("bare", "again", "hop", "one", "coalesced", "quiet")


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    length = QUICK if options.quick else FULL
    if options.repetitions:
        length = Length(options.repetitions, length.seconds, length.half_load_s, length.probes, length.fleets)
    console = Console(width=None if sys.stdout.isatty() else 150)
    began, facts, record = time.monotonic(), machine.describe(), Record()
    with standing() as stage, console.status("starting") as status:
        say: Callable[[str], None] = status.update if console.is_terminal else lambda _: None
        if options.bare_only:
            _bare_only(stage, record, length)
        else:
            _everything(stage, record, length, say)
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": _command(options),
        "repetitions": length.repetitions,
        "seconds": round(time.monotonic() - began, 1),
    }
    heading = f"ringfenced beside bare gRPC: {facts['cores']} cores ({facts['cpu']}), {length.repetitions} repetitions"
    console.print(table(record, heading))
    for note in _notes(record):
        console.print(note, highlight=False)
    if not options.no_write:
        _write(options.out, facts, record)
        console.print(f"written to {options.out}/flow-{facts['date'][:10]}.json and .md")


def _everything(stage: Stage, record: Record, length: Length, say: Callable[[str], None]) -> None:
    stage.bare()
    for name, kind in DAEMONS.items():
        say(f"starting {name}")
        stage.daemon(name, kind)
    engines = {"fast": stage.engine("fast", 0), "paced": stage.engine("paced", INTERVAL_MS)}
    driver = stage.driver()
    stage.hop()
    measuring = Measuring(stage, record, length)
    warm = Measuring(stage, Record(), QUICK)
    say("warming up")
    for scenario, callers in CPU_SCENARIOS:
        warm.cpu(scenario, callers, (*CPU_SIDES, "two"))
    warm.start("empty", DAEMONS["coalesced"].without_engines())
    counter = h2load.H2load(stage.folder, stage.certs) if h2load.is_there() else None
    for repetition in range(length.repetitions):
        for scenario, callers in CPU_SCENARIOS:
            say(f"repetition {repetition + 1} of {length.repetitions}: CPU, {scenario}")
            measuring.cpu(scenario, callers, _turned(CPU_SIDES, repetition))
            if scenario in {"unary", "note", "burst", "paced"}:
                model = "paced" if scenario == "paced" else "fast"
                measuring.alone(scenario, callers, driver, engines, model)
        measuring.cpu("unary", 8, ("two",))
        if counter is not None:
            for side in _turned(("bare", "one"), repetition):
                measuring.h2load(counter, side, stage.addresses[side], int(2000 * length.seconds))
        say(f"repetition {repetition + 1} of {length.repetitions}: rates and latencies")
        pair = _turned(("bare", "coalesced"), repetition)
        for scenario in ("unary", "burst"):
            measuring.highest_rate(scenario, pair, repetition)
        measuring.half_load("unary", _turned(("bare", "again", "coalesced"), repetition), "coalesced", repetition)
        say(f"repetition {repetition + 1} of {length.repetitions}: fleets, storms, slow readers, starts")
        measuring.fleet(_turned(("bare", "one", "coalesced"), repetition))
        measuring.storm("coalesced")
        measuring.slow_readers("coalesced", repetition)
        measuring.start("empty", DAEMONS["coalesced"].without_engines())
        measuring.start_bare()
    if counter is None:
        record.notes.append("h2load is not installed (Debian: nghttp2-client); its row is missing.")


def _bare_only(stage: Stage, record: Record, length: Length) -> None:
    """The bare side alone: shows that generator, counters and report work where no daemon can be started."""
    stage.bare()
    measuring = Measuring(stage, record, length)
    for _ in range(length.repetitions):
        for scenario, callers in CPU_SCENARIOS:
            measuring.cpu(scenario, callers, ("bare", "again"))
        measuring.highest_rate("unary", ("bare",), 0)
        measuring.half_load("unary", ("bare", "again"), "bare", 0)


def _turned(sides: tuple[str, ...], repetition: int) -> tuple[str, ...]:
    """The sides, another one first in each repetition."""
    place = repetition % len(sides)
    return sides[place:] + sides[:place]


def _notes(record: Record) -> list[str]:
    lost = {
        side: {status: number for status, number in counts.items() if status != "completed" and number}
        for side, counts in record.requests.items()
    }
    told = "; ".join(f"{side}: {counts}" for side, counts in lost.items() if counts) or "none"
    return [
        (
            f"Failed and unfinished requests, over all measurements: {told}. Open loops include the probes beyond the "
            "highest rate, which fail by design."
        ),
        (
            f"Server, engine and generator share {cores()} cores: rates and throughputs say what the three reach "
            "together; CPU per request, and the capacity that follows from it, is the server's alone."
        ),
        *record.notes,
    ]


def _command(options: argparse.Namespace) -> str:
    """What to type to get this again; where it was written is the reader's own affair."""
    arguments = [f"--{name.replace('_', '-')}" for name in ("quick", "bare_only") if getattr(options, name)]
    if options.repetitions:
        arguments.append(f"--repetitions {options.repetitions}")
    return f'make bench-flow ARGS="{" ".join(arguments)}"' if arguments else "make bench-flow"


def _write(folder: Path, facts: dict[str, object], record: Record) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"flow-{str(facts['date'])[:10]}"
    document = {
        "facts": facts,
        "aims": [
            {"what": f"{line.row.section}: {line.row.label}", "aim": line.row.aim, "met": line.met}
            for line in lines(record)
            if line.row.aim is not None
        ],
        "values": record.values,
        "requests": record.requests,
        "notes": _notes(record),
    }
    stem.with_suffix(".json").write_text(json.dumps(document, indent=1, default=str) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    notes = "\n".join(f"- {note}" for note in _notes(record))
    stem.with_suffix(".md").write_text(
        f"# ringfenced beside bare gRPC\n\n{head}\n\nMedian (lowest to highest repetition).\n\n"
        f"{markdown(record)}\n{notes}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/flow.py", description="The whole governed way beside bare gRPC.")
    parser.add_argument("--quick", action="store_true", help="under a minute, one repetition: shows that it works")
    parser.add_argument("--repetitions", type=int, default=0, metavar="N", help="of everything (5)")
    parser.add_argument("--bare-only", action="store_true", help="the bare side alone; starts no daemon")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where JSON and table go")
    return parser


if __name__ == "__main__":
    main()
