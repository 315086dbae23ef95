"""`make eval-evasion`: how much of what is written so that a scanner misses it is found or held back, by family."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from evasion_parts.families import FAMILIES
from evasion_parts.judge import Result, judge_family, judge_split, plain_is_found
from evasion_parts.seeds import CARRIERS, seeds
from evasion_parts.splits import SPLITS
from flow_parts.machine import describe
from ringfence.recognize import TEMPLATES, Recogniser, load
from ringfence.recognize.payload import read_payload
from ringfence.recognize.stages import Stages, shipped
from ringfence.recognize.tagger import WEIGHTS
from ringfence.recognize.views import Reader

RESULTS = Path(__file__).resolve().parent / "results"
CACHE = Path.home() / ".cache" / "ringfence" / "bench"
AIM = 0.99
"""Found or held back, over all cases."""


def recogniser(policy: str, *, tagger: bool = True) -> Recogniser:
    """What ships, with views; without the tagger where that is asked for, or where its weights are not there."""
    stages = shipped() if tagger and WEIGHTS.exists() else Stages(structure=read_payload)
    return load(CACHE, TEMPLATES[policy], stages if stages.views is not None else replace(stages, views=Reader()))


def run(scanner: Recogniser, per_type: int, seed: int) -> tuple[list[Result], dict[str, str]]:
    """Every family, and for each type how many of its seeds are found plainly."""
    made = seeds(per_type, Random(seed))
    found = [one for one in made if plain_is_found(scanner, one)]
    plain = {
        entity_type: f"{sum(one.entity_type == entity_type for one in found)}/{per_type}" for entity_type in CARRIERS
    }
    results = [judge_family(scanner, family, found, Random(seed)) for family in FAMILIES]
    return [*results, *(judge_split(scanner, split, found, Random(seed)) for split in SPLITS)], plain


def summary(results: Sequence[Result]) -> dict[str, object]:
    """Over all families."""
    cases, held = sum(one.cases for one in results), sum(one.held for one in results)
    clean, alarms = sum(one.clean for one in results), sum(one.alarms for one in results)
    return {
        "families": len(results),
        "cases": cases,
        "found": round(sum(one.found for one in results) / cases, 4),
        "held": round(held / cases, 4),
        "label_lowered": round(sum(one.lowered for one in results) / cases, 4),
        "families_below_aim": [one.name for one in results if one.cases and one.held < AIM * one.cases],
        "false_alarms": round(alarms / clean, 4),
        "aim": AIM,
    }


def table(results: Sequence[Result]) -> Table:
    """For the terminal."""
    made = Table("family", "cases", "found", "held back", "label lowered", "alarms on clean", "missed")
    for one in results:
        made.add_row(*_row(one), style=None if one.held >= AIM * one.cases else "yellow")
    return made


def _row(one: Result) -> tuple[str, ...]:
    def share(count: int, of: int) -> str:
        return f"{100 * count / of:.1f}%" if of else ""

    missed = ", ".join(f"{name} {count}" for name, count in sorted(one.missed.items()))
    return (
        one.name,
        str(one.cases),
        share(one.found, one.cases),
        share(one.held, one.cases),
        share(one.lowered, one.cases),
        share(one.alarms, one.clean),
        missed,
    )


def markdown(record: dict[str, object], results: Sequence[Result]) -> str:
    """For `bench/results`."""
    lines = ["# Evasions", ""]
    lines += [f"- {key}: {value}" for key, value in record.items() if key != "results"]
    lines += ["", "| family | cases | found | held back | label lowered | alarms on clean | missed |"]
    lines += ["|---|---:|---:|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(_row(one)) + " |" for one in results]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, print, and with ``--write`` keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="hospital-us", choices=sorted(TEMPLATES))
    parser.add_argument("--per-type", type=int, default=12, help="identifiers of each type")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--without-tagger", action="store_true", help="patterns, schemas and views alone")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of a table")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    options = parser.parse_args()
    scanner = recogniser(options.policy, tagger=not options.without_tagger)
    started = time.perf_counter()
    results, plain = run(scanner, options.per_type, options.seed)
    now = datetime.now(UTC)  # noqa: TID251 - the date of a report
    record = {
        **describe(),
        "date": now.isoformat(timespec="seconds"),
        "command": f"make eval-evasion ARGS='--per-type {options.per_type} --seed {options.seed}'",
        "policy": options.policy,
        "recogniser": scanner.version,
        "plain_found": plain,
        "seconds": round(time.perf_counter() - started, 1),
        **summary(results),
    }
    if options.json:
        print(json.dumps({**record, "results": [asdict(one) for one in results]}))
    else:
        console = Console()
        console.print(table(results))
        console.print(record)
    if options.write:
        stem = RESULTS / f"evasion-{now.date().isoformat()}"
        stem.with_suffix(".md").write_text(markdown(record, results), encoding="utf-8")
        stem.with_suffix(".json").write_text(
            json.dumps({**record, "results": [asdict(one) for one in results]}, indent=1) + "\n", encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
