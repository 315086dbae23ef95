"""`make bench-fairness`: a flood beside a light department, a long prompt beside a stream, a prefix found again.

Through real engine processes on one compute thread and the daemon's own client, on the bundled model and on one with
random weights, made on the spot. Each line is a quotient beside what it should be at most.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fairness_parts import measure
from fairness_parts.measure import Length, Ratio
from fakes.random_model import LLAMA_300M, write_model
from flow_parts import machine

RESULTS = Path(__file__).resolve().parent / "results"
TINY = Path(__file__).resolve().parents[1] / "models/tiny/ringfence-tiny.gguf"
MEDIUM = replace(LLAMA_300M, layers=6)
"""136 million parameters."""
FULL = {
    "bundled": Length(rounds=5, asked=20, answer_tokens=48, shared_tokens=600, long_tokens=4000),
    "random, 136 M": Length(rounds=3, asked=8, answer_tokens=32, shared_tokens=600, long_tokens=4000),
}
QUICK = {name: replace(length, rounds=1, asked=8) for name, length in FULL.items()}
PARTS = {"flood": measure.flood, "stalls": measure.stalls, "prefix": measure.prefix}


async def run(lengths: dict[str, Length], parts: list[str]) -> list[tuple[str, Ratio]]:
    """Measure every part on every model, printing each line as it comes."""
    rows: list[tuple[str, Ratio]] = []
    with tempfile.TemporaryDirectory(prefix="rf-") as name:
        folder = Path(name)
        for model, length in lengths.items():
            path = TINY if model == "bundled" else write_model(folder / "random.gguf", MEDIUM, weights="q8_0")
            for part in parts:
                for ratio in await PARTS[part](folder, path, length):
                    rows.append((model, ratio))
                    print(line(model, ratio), flush=True)
    return rows


def line(model: str, one: Ratio) -> str:
    """One line of the table."""
    aim = "" if one.aim == float("inf") else f" (aim {one.aim:g}{'' if one.is_met else ', missed'})"
    return (
        f"| {model} | {one.name} | {one.base} {one.base_ms:,.1f} ms | {one.ours} {one.ours_ms:,.1f} ms "
        f"| {one.ratio:.3f}{aim} | {one.detail} |"
    )


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--model", choices=list(FULL), action="append", help="only this one")
    parser.add_argument("--part", choices=list(PARTS), action="append", help="only this part")
    parser.add_argument("--write", action="store_true", help="write bench/results/fairness-<date>.md")
    options = parser.parse_args()
    lengths = {name: one for name, one in (QUICK if options.quick else FULL).items() if name in (options.model or FULL)}
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    rows = asyncio.run(run(lengths, options.part or list(PARTS)))
    if options.write:
        facts = machine.describe()
        head = f"`bench/fairness.py{' --quick' if options.quick else ''}`, {today.isoformat(timespec='seconds')}, "
        head += f"{facts['cores']} cores, {facts['memory_gb']} GB, commit {facts['commit']}"
        table = "\n".join(line(model, ratio) for model, ratio in rows)
        (RESULTS / f"fairness-{today:%Y-%m-%d}.md").write_text(
            f"# Fairness, stalls, prefixes\n\n{head}\n\n"
            f"| model | what | | | quotient | of |\n|---|---|---|---|---|---|\n{table}\n"
        )
    return int(any(not ratio.is_met for _, ratio in rows))


if __name__ == "__main__":
    sys.exit(main())
