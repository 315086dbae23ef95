"""`make bench-engines`: our llama.cpp engine beside what people use today, in one run, at one compute thread.

Sides: our engine driven as the daemon drives it; the same behind the daemon's whole way (gRPC, mTLS, classification,
decision, wallet, record); llama.cpp's C++ server, built from the source that llama-cpp-python carries;
llama_cpp.server; llama_cpp.Llama. Each level of callers asks the same questions of every side, in an order that turns
with each repetition. Tokens per second of processor time count what serves and not what asks, and hold on a noisy
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from engines_parts.asked import Outcome, Side, measure, questions
from engines_parts.report import Line, lines, markdown, table
from engines_parts.sides import Serving, cpp_server, daemon, engine, plain, python_server
from flow_parts import machine
from flow_parts.record import Record
from flow_parts.stats import percentile

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
TINY = ROOT / "models/tiny/ringfence-tiny.gguf"
CALLERS = (1, 4, 8, 16)
CONTEXT_TOKENS = 1024
THREADS = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of a model in a repetition."""

    words: int
    """Of each prompt."""
    tokens: int
    """Most of each answer."""
    rounds: int
    """Questions of each caller."""
    rounds_single: int
    """The same for sides that answer one at a time: their rate does not depend on it, and they take long."""

    def __str__(self) -> str:
        """For people."""
        return (
            f"prompts of {self.words} words, answers of {self.tokens} tokens, {self.rounds} questions of each caller"
            f" ({self.rounds_single} of sides that answer one at a time)"
        )


BUNDLED = Work(words=60, tokens=48, rounds=8, rounds_single=4)
LARGER = Work(words=12, tokens=32, rounds=3, rounds_single=1)
"""Where a processor reads some hundred tokens a second, prompts of a length that lets the whole end today."""
SINGLE = ("llama_cpp.server", "llama_cpp.Llama")
"""Sides that answer one at a time."""


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    began, facts, record = time.monotonic(), machine.describe(), Record()
    with tempfile.TemporaryDirectory(prefix="rfe-") as folder, console.status("starting") as status:
        say: Callable[[str], None] = status.update if console.is_terminal else lambda text: print(text, flush=True)
        for name, path in _models(options, Path(folder), say):
            asyncio.run(_Measuring(record, Path(folder), options, say).model(name, path))
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": "make bench-engines" + (f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""),
        "repetitions": options.repetitions,
        "bundled": str(BUNDLED),
        "larger": str(LARGER),
        "threads": THREADS,
        "seconds": round(time.monotonic() - began, 1),
    }
    found = lines(record, [name for name, _ in _named(options)], CALLERS)
    console.print(table(found))
    for note in record.notes:
        console.print(note, highlight=False)
    if options.write:
        _write(options.out, facts, record, found)


@dataclass(frozen=True, slots=True)
class _Measuring:
    """What all models share."""

    record: Record
    folder: Path
    options: argparse.Namespace
    say: Callable[[str], None]

    async def model(self, name: str, path: Path) -> None:
        """Serve one model on every side, and ask."""
        here, options = self.folder / name.replace(" ", "-"), self.options
        here.mkdir()
        async with AsyncExitStack() as stack:
            sides = await self._sides(stack, Serving(path, max(CALLERS), CONTEXT_TOKENS, THREADS), here)
            work = BUNDLED if path == TINY else LARGER
            for side in sides:  # what is lazy on any side is done before it is measured
                await measure(side, 2, questions(2, work.words, 8, seed=-1))
            for repetition in range(options.repetitions):
                for callers in CALLERS:
                    asked = questions(work.rounds * callers, work.words, work.tokens, seed=100 * repetition + callers)
                    for place in range(len(sides)):
                        side = sides[(place + repetition) % len(sides)]
                        count = callers * (work.rounds_single if side.name in SINGLE else work.rounds)
                        self.say(f"{name}: {callers} callers, {side.name}, repetition {repetition + 1}")
                        _keep(self.record, f"{name}, {callers}", side.name, await measure(side, callers, asked[:count]))

    async def _sides(self, stack: AsyncExitStack, serving: Serving, here: Path) -> list[Side]:
        self.say("starting the sides")
        sides: list[Side] = [await engine(stack, serving, here), await daemon(stack, serving, here)]
        if binary := _cpp_binary(self.record):
            sides.append(await cpp_server(stack, serving, here, binary))
        return [*sides, await python_server(stack, serving, here), await plain(stack, serving)]


def _keep(record: Record, where: str, side: str, outcome: Outcome) -> None:
    record.add(f"{where}: tokens_hz", side, outcome.tokens / outcome.seconds)
    record.add(f"{where}: tokens_per_cpu_s", side, outcome.tokens / max(outcome.cpu_s, 0.01))
    record.add(f"{where}: first_p50_ms", side, percentile(outcome.first_ms, 0.5))
    record.add(f"{where}: first_p99_ms", side, percentile(outcome.first_ms, 0.99))


def _named(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Name and recipe of each model; the bundled one has none."""
    named = [("bundled", "")]
    return named if options.quick else [*named, (f"{options.preset} {options.weights}", options.preset)]


def _models(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> list[tuple[str, Path]]:
    made = []
    for name, preset in _named(options):
        path = TINY
        if preset:
            say(f"making {name} with random weights")
            path = folder / "random.gguf"
            sys.path.insert(0, str(ROOT / "tests"))
            from engines_parts.random_model import PRESETS, write_model  # noqa: PLC0415  # needs the tests' folder

            write_model(path, PRESETS[preset], weights=options.weights)
        made.append((name, path))
    return made


def _cpp_binary(record: Record) -> Path | None:
    """Where the C++ server is; None where it cannot be built, which the result says."""
    built = subprocess.run([ROOT / "scripts/llama_server.sh"], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        record.notes.append("The C++ server could not be built here (scripts/llama_server.sh says why).")
        return None
    return Path(built.stdout.strip())


def _write(folder: Path, facts: dict[str, object], record: Record, found: list[Line]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"engines-{str(facts['date'])[:10]}"
    stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "values": record.values}, indent=1) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    notes = "".join(f"\n{note}\n" for note in record.notes)
    stem.with_suffix(".md").write_text(
        f"# Our engine beside others\n\n{head}\n\nMedian (lowest to highest repetition).\n\n{markdown(found)}{notes}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/engines.py", description="Our llama.cpp engine beside others.")
    parser.add_argument("--quick", action="store_true", help="the bundled model alone")
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--repetitions", type=int, default=3, help="of everything")
    parser.add_argument("--preset", default="llama-300m", help="the larger model (engines_parts/random_model.py)")
    parser.add_argument("--weights", default="q8_0", help="type of its matrices")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where JSON and table go")
    return parser


if __name__ == "__main__":
    main()
