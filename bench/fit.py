"""`make bench-fit`: the plan of a model's memory beside llama.cpp's dry run and its real use; and headers under fuzz.

First table: each model planned by arithmetic alone, by a dry run in a throw-away process, and really loaded, by
llama.cpp's own account once a batch was computed. The last two columns are errors beside the real
use; the aim is 2%. Models of 8 and 70 billion parameters are a header and a hole: there the dry run stands for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fakes.random_model import LLAMA_8B, LLAMA_70B, LLAMA_300M, SMALL, write_model
from fit_parts.fuzz import Fuzzed, fuzz
from flow_parts import machine
from ringfenced.engines.probing import dry_run
from ringfenced.schedule.plan import plan
from ringfenced.weights.dryrun import DeviceUse, LoadSettings
from ringfenced.weights.files import read_gguf_file

RESULTS = Path(__file__).resolve().parent / "results"
TINY = Path(__file__).resolve().parents[1] / "models/tiny/ringfence-tiny.gguf"
AIM = 0.02
HEAD = (
    "| model | cells | seqs | weights plan / real | cache plan / real | compute plan / dry / real | real | grown "
    "| plan | dry run |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One model with one setting."""

    model: str
    """Which."""
    cells: int
    """Tokens of its cache."""
    sequences: int
    """Answers at the same time."""
    planned: DeviceUse
    """By arithmetic."""
    dry: DeviceUse
    """By a dry run."""
    real: DeviceUse | None
    """By llama.cpp once it was loaded; None where there is nothing to load."""
    grown_bytes: int | None
    """How much more of memory its process had than before, by the kernel's account."""

    @property
    def truth(self) -> DeviceUse:
        """What the others are compared with."""
        return self.real or self.dry

    def error(self, use: DeviceUse) -> float:
        """How far a figure is from the truth."""
        return use.bytes / self.truth.bytes - 1


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take."""

    model: str
    """Of which model."""
    header_ms: float
    """To read its header and make its shape, in processor time; the best of five."""
    plan_us: float
    """To plan it; the mean."""
    dry_run_s: float
    """A dry run of one setting, its process's start included; the best of three."""
    further_ms: float
    """Each further setting of the same dry run; the mean."""


def models(folder: Path, *, is_quick: bool) -> Iterator[tuple[str, Path, tuple[LoadSettings, ...], bool]]:
    """Yield models, what to try, and whether their weights are there."""
    yield "bundled model (0.9 M, q8_0)", TINY, (LoadSettings(1024), LoadSettings(4096, 4)), True
    for kind, recipe in SMALL.items():
        path = write_model(folder / f"{kind}.gguf", recipe, weights="q4_0")
        yield f"{kind} (random, small, q4_0)", path, (LoadSettings(4096, 4), LoadSettings(16384, 8)), True
    window = LoadSettings(16384, 8, full_windows=False)
    yield "gemma3, windows cut", folder / "gemma3.gguf", (window,), False
    for weights in ("q8_0",) if is_quick else ("f16", "q8_0", "q4_0"):
        path = write_model(folder / "300m.gguf", LLAMA_300M, weights=weights)
        yield f"llama (random, 300 M, {weights})", path, (LoadSettings(4096, 4),), True
    for name, recipe in (("8 B", LLAMA_8B), ("70 B", LLAMA_70B)):
        path = write_model(folder / f"{name}.gguf", recipe, weights="q4_K", sparse=True)
        yield f"llama ({name}, q4_K)", path, (LoadSettings(4096, 4), LoadSettings(8192 * 8, 8)), False


def rows(name: str, path: Path, tried: tuple[LoadSettings, ...], *, is_loaded: bool) -> Iterator[Row]:
    """Plan, try and load one model."""
    shape = read_gguf_file(path).shape
    for settings, uses in zip(tried, asyncio.run(dry_run(path, tried)), strict=True):
        assert uses is not None
        (planned,) = plan(shape, settings).uses
        real = _real(path, settings) if is_loaded else None
        loaded, grown = real or (None, None)
        yield Row(name, settings.cells, settings.sequences, planned, uses[0], loaded, grown)


def _real(path: Path, settings: LoadSettings) -> tuple[DeviceUse, int]:
    command = [sys.executable, "-m", "fit_parts.child", path, settings.cells, settings.sequences, settings.batch_tokens]
    said = json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)
    (use,) = said["uses"]
    return DeviceUse(**use), sum(said["after"].values()) - sum(said["before"].values())


def times(name: str, path: Path) -> Times:
    """Measure one model."""
    best_s = min(_header_s(path) for _ in range(5))
    shape = read_gguf_file(path).shape
    tried = [LoadSettings(256 * number, 4) for number in range(1, 101)]
    began_s = time.perf_counter()
    for settings in tried:
        plan(shape, settings)
    plan_s = (time.perf_counter() - began_s) / len(tried)
    one_s = min(_dry_s(path, tried[:1]) for _ in range(3))
    many_s = min(_dry_s(path, tried[:21]) for _ in range(2))
    return Times(name, best_s * 1e3, plan_s * 1e6, one_s, (many_s - one_s) / 20 * 1e3)


def _header_s(path: Path) -> float:
    began_s = time.process_time()
    read_gguf_file(path)
    return time.process_time() - began_s


def _dry_s(path: Path, tried: list[LoadSettings]) -> float:
    began_s = time.perf_counter()
    asyncio.run(dry_run(path, tried))
    return time.perf_counter() - began_s


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer models and mutations")
    parser.add_argument("--mutations", type=int, default=200_000, help="headers to fuzz")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations")
    parser.add_argument("--write", action="store_true", help="write bench/results/fit-<date>")
    options = parser.parse_args()
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    facts = {
        **machine.describe(),
        "date": today.isoformat(timespec="seconds"),
        "command": f"bench/fit.py --mutations {options.mutations} --seed {options.seed}",
    }
    found, measured = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, path, tried, is_loaded in models(Path(folder), is_quick=options.quick):
            found += rows(name, path, tried, is_loaded=is_loaded)
            if path.name in {"ringfence-tiny.gguf", "300m.gguf", "8 B.gguf", "70 B.gguf"}:
                measured.append(times(name, path))
            print(name, file=sys.stderr, flush=True)
    fuzzed = fuzz(2000 if options.quick else options.mutations, options.seed)
    text = page(facts, found, measured, fuzzed)
    print(text)
    if options.write:
        stem = RESULTS / f"fit-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        said = {
            "facts": facts,
            "rows": [asdict(one) for one in found],
            "times": [asdict(one) for one in measured],
            "fuzzed": asdict(fuzzed),
        }
        stem.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n")
    return int(bool(fuzzed.findings) or any(abs(row.error(row.dry)) > AIM for row in found))


def page(facts: dict[str, object], found: list[Row], measured: list[Times], fuzzed: Fuzzed) -> str:
    """Everything as a page."""
    lines = "\n".join(_line(row) for row in found)
    timed = "\n".join(
        f"| {one.model} | {one.header_ms:.1f} | {one.plan_us:.0f} | {one.dry_run_s:.2f} | {one.further_ms:.0f} |"
        for one in measured
    )
    refused = ", ".join(f"{number:,} {reason}" for reason, number in fuzzed.refused.items())
    worst = max(abs(row.error(row.dry)) for row in found)
    real = [row for row in found if row.real]
    same = sum(row.dry.cache_bytes == row.real.cache_bytes == row.planned.cache_bytes for row in real if row.real)
    where = f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB"
    return f"""# Fit: plan, dry run and real use

`{facts["command"]}`, {facts["date"]}, {where},
load average before {facts["load_average_before"]}, commit {facts["commit"]}

MiB; "real" is llama.cpp's own account of the loaded model, "grown" by how much its process's resident memory grew by
the kernel's account. Largest error of a dry run: {worst:.2%} (aim: {AIM:.0%}). Caches equal to the byte in all three:
{same} of {len(real)}.

{HEAD}
{lines}

## Times

| model | header, ms of processor | plan, µs | first dry run, s | each further, ms |
|---|---|---|---|---|
{timed}

## Headers under fuzz

{fuzzed.mutations:,} mutations of nine valid headers in {fuzzed.seconds:.0f} s: {fuzzed.read:,} still a model,
the others refused ({refused}); anything else: {len(fuzzed.findings)}.
The slowest took {fuzzed.slowest_ms:.1f} ms of processor.
"""


def _line(row: Row) -> str:
    def mib(*sizes: int | None) -> str:
        return " / ".join("-" if size is None else f"{size / 2**20:,.1f}" for size in sizes)

    real = row.real
    return (
        f"| {row.model} | {row.cells:,} | {row.sequences} "
        f"| {mib(row.planned.weights_bytes, real and real.weights_bytes)} "
        f"| {mib(row.planned.cache_bytes, real and real.cache_bytes)} "
        f"| {mib(row.planned.compute_bytes, row.dry.compute_bytes, real and real.compute_bytes)} "
        f"| {mib(real and real.bytes)} | {mib(row.grown_bytes)} "
        f"| {row.error(row.planned):+.1%} | {row.error(row.dry):+.2%} |"
    )


if __name__ == "__main__":
    sys.exit(main())
