"""`make bench-vllm`: our vLLM engine beside `vllm serve`, on one machine, in one run.

Both serve the same model, a llama with random weights made on the spot, with the same arguments, and are asked the same
questions at each level of callers, one after the other, in an order that turns with each repetition. The one that is
not asked stands still (SIGSTOP), so that it takes nothing. Ours is driven as the daemon drives it, over its socket;
`vllm serve` by chat completions streamed over HTTP, with a client that costs little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engines_parts.asked import Outcome, measure, questions
from flow_parts import machine
from flow_parts.record import Record
from flow_parts.report import TIMES, figure
from flow_parts.stats import percentile, ratios, summarise
from vllm_parts.sides import Serving, ours, theirs

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
CALLERS = (1, 4, 8)
CONTEXT_TOKENS = 1024
CACHE_BYTES = 256 * 1024 * 1024
AIM = 0.97
"""Of the other's throughput, at least."""
HEAD = ("callers", "side", "tokens/s", "tokens/CPU s", "first token p50, ms", "p99, ms", "ours / it", "aim")


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    python = os.environ.get("RINGFENCE_TEST_VLLM", "")  # noqa: TID251  # as `make bench-vllm` sets it
    if not python.startswith("/"):
        sys.exit(f"vLLM is {python or 'not there: run make bench-vllm'}")
    console = Console(width=None if sys.stdout.isatty() else 150)
    began, facts, record = time.monotonic(), machine.describe(), Record()
    with tempfile.TemporaryDirectory(prefix="rfv-") as folder:
        asyncio.run(_measure(record, Path(folder), options, python))
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251  # the date of a report
        "command": "make bench-vllm" + (f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""),
        "repetitions": options.repetitions,
        "model": f"llama, {options.layers} layers of {options.width}, random weights, 32 bits",
        "load before and after": f"{options.load:.1f}, {os.getloadavg()[0]:.1f}",
        "seconds": round(time.monotonic() - began, 1),
    }
    found = _rows(record)
    console.print(_table(found))
    for note in record.notes:
        console.print(note, highlight=False)
    if options.write:
        _write(options.out, facts, record, found)


async def _measure(record: Record, folder: Path, options: argparse.Namespace, python: str) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from fakes.random_hf import write_random_hf  # noqa: PLC0415  # needs the tests' folder

    model = write_random_hf(
        folder / "model", context=CONTEXT_TOKENS, width=options.width, layers=options.layers, heads=16, scale=4
    )
    arguments: dict[str, object] = {"dtype": "float32"} | ({} if options.compile else {"enforce_eager": True})
    serving = Serving(python, model, max(CALLERS), CONTEXT_TOKENS, CACHE_BYTES, arguments)
    async with AsyncExitStack() as stack:
        sides = []
        for start in (theirs, ours):
            here = folder / start.__name__
            here.mkdir()
            print(f"starting {start.__name__}", flush=True)
            side = await start(stack, serving, here)
            for callers in CALLERS:  # what is lazy on any side is done before it is measured
                await measure(side, callers, questions(callers, options.words, 8, seed=-callers))
            side.pause()
            sides.append(side)
        for repetition in range(options.repetitions):
            for callers in CALLERS:
                asked = questions(2 * callers, options.words, options.tokens, seed=100 * repetition + callers)
                for place in range(len(sides)):
                    side = sides[(place + repetition) % len(sides)]
                    side.go_on()
                    outcome = await measure(side, callers, asked)
                    side.pause()
                    _keep(record, callers, side.name, outcome)
                print(f"repetition {repetition + 1}, {callers} callers: {_last(record, callers)}", flush=True)


def _keep(record: Record, callers: int, side: str, outcome: Outcome) -> None:
    record.add(f"{callers}: tokens_hz", side, outcome.tokens / outcome.seconds)
    record.add(f"{callers}: tokens_per_cpu_s", side, outcome.tokens / max(outcome.cpu_s, 0.01))
    record.add(f"{callers}: first_p50_ms", side, percentile(outcome.first_ms, 0.5))
    record.add(f"{callers}: first_p99_ms", side, percentile(outcome.first_ms, 0.99))


def _last(record: Record, callers: int) -> str:
    rates = record.values[f"{callers}: tokens_hz"]
    return ", ".join(f"{side} {values[-1]:.0f} tokens/s" for side, values in rates.items())


def _rows(record: Record) -> list[list[str]]:
    rows = []
    for callers in CALLERS:
        names = ("tokens_hz", "tokens_per_cpu_s", "first_p50_ms", "first_p99_ms")
        for side in ("ringfence engine", "vllm serve"):
            figures = [figure(summarise(record.get(f"{callers}: {name}", side))) for name in names]
            ratio, aim = "", ""
            if side == "vllm serve":
                rate = f"{callers}: tokens_hz"
                found = summarise(ratios(record.get(rate, "ringfence engine"), record.get(rate, side)))
                ratio = figure(found, TIMES)
                aim = f"≥ {AIM}{TIMES} {'met' if found and found.median >= AIM else 'MISSED'}"
            rows.append([str(callers), side, *figures, ratio, aim])
    return rows


def _table(rows: list[list[str]]) -> Table:
    grid = Table(title="vLLM", title_justify="left", caption="median (lowest to highest repetition)")
    for name in HEAD:
        grid.add_column(name, justify="left" if name in {"side", "aim"} else "right")
    for row in rows:
        grid.add_row(*row, end_section=row[1] == "vllm serve")
    return grid


def _write(folder: Path, facts: dict[str, object], record: Record, rows: list[list[str]]) -> None:
    stem = folder / f"vllm-{str(facts['date'])[:10]}"
    stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "values": record.values}, indent=1) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    table = "\n".join(
        [
            f"| {' | '.join(HEAD)} |",
            "|---:|---|---:|---:|---:|---:|---:|---|",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )
    stem.with_suffix(".md").write_text(
        f"# Our vLLM engine beside vllm serve\n\n{head}\n\nMedian (lowest to highest repetition).\n\n{table}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/hosted_vllm.py", description="Our vLLM engine beside vllm serve.")
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--repetitions", type=int, default=5, help="of everything")
    parser.add_argument("--words", type=int, default=40, help="of each prompt")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--width", type=int, default=512, help="of the model")
    parser.add_argument("--layers", type=int, default=8, help="of the model")
    parser.add_argument("--compile", action="store_true", help="let vLLM compile the model, which takes minutes more")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where JSON and table go")
    parser.set_defaults(load=os.getloadavg()[0])
    return parser


if __name__ == "__main__":
    main()
