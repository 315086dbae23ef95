"""`make eval-routing`: what learned routing is worth, on any folder of routing data, beside what costs nothing.

Protocols: (a) two models, 1,500 labels, by question (``a``) and leaving subjects out (``a_unseen``); (b) online, only
the chosen model's outcome is seen; (c) the ladder, where the cheap model's answers are given; (d) many models with
costs, in-domain (``d``) and with each task held out (``d_heldout``). docs/evaluation.md says more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from flow_parts import machine
from ringfenced.learn.outcome import BadState
from routing_parts import many, metrics, online, report, two
from routing_parts.data import BadData, Loaded, Pair, load
from routing_parts.ladder import ladder
from routing_parts.metrics import Routed
from routing_parts.priors import Judge, load_judge

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data" / "routing"
RESULTS = ROOT / "bench" / "results"
USAGE = 2
"""Exit status where there is nothing to measure, as argparse has it."""
PAIR_ROWS_MIN = 400
"""Fewest questions of a file for protocols (a) and (b)."""


@dataclass(slots=True)
class Run:
    """One evaluation: what it has found so far."""

    judge: Judge
    seeds: int
    errors: Console
    found: report.Found = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def tell(self, what: str) -> None:
        """Progress, on standard error."""
        self.errors.print(f"[{time.monotonic() - self.began:5.0f} s] {what}", highlight=False, markup=False)

    def without(self, protocol: str, why: str) -> None:
        """Say why a protocol is left out."""
        self.tell(f"({protocol}) is left out: {why}")


def main() -> int:
    """Read, measure, print, write; the exit status."""
    options = _parser().parse_args()
    errors = Console(stderr=True, soft_wrap=True)
    try:
        judge = load_judge()
        loaded = load(options.data or SHARED, lambda name: errors.print(f"reads {name}", highlight=False, markup=False))
    except (BadData, BadState, OSError) as error:
        errors.print(str(error), highlight=False, markup=False)
        return USAGE
    run = Run(judge, 1 if options.quick else options.seeds, errors)
    for note in loaded.notes:
        run.tell(note)
    facts = machine.describe()
    _two_models(run, loaded, options)
    _ladder(run, loaded)
    _many_models(run, loaded, options)
    for note in run.notes:
        run.tell(note)
    if not run.found:
        errors.print("no file that a protocol can use; see above", highlight=False)
        return USAGE
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": " ".join(["bench/routing.py", *sys.argv[1:]]),
        "data": "shared/data/routing" if options.data is None else "a folder that was given",
        "seconds": round(time.monotonic() - run.began, 1),
    }
    if options.json:
        print(json.dumps(report.as_json(run.found)))
    else:
        Console(width=None if sys.stdout.isatty() else 140).print(report.table(run.found))
    if options.write:
        _write(options.out, facts, run)
    return 0


def _two_models(run: Run, loaded: Loaded, options: argparse.Namespace) -> None:
    pairs = [pair for pair in loaded.pairs if len(pair.prompts) >= PAIR_ROWS_MIN]
    without_answers = [pair for pair in pairs if pair.weak_answers is None]
    # Files with answers are the ladder's; where there are no others, they serve here too.
    chosen = without_answers or pairs
    if not chosen:
        for protocol in ("a", "a_unseen", "b"):
            run.without(protocol, f"no file of two models with {PAIR_ROWS_MIN} questions")
        return
    gathered: dict[str, list[dict[str, Routed]]] = {}
    for pair in chosen:
        for protocol, figures in _of_pair(run, pair, options).items():
            gathered.setdefault(protocol, []).append(figures)
    for protocol, each in gathered.items():
        run.found[protocol] = {name: metrics.mean([rows[name] for rows in each]) for name in each[0]}


def _of_pair(run: Run, pair: Pair, options: argparse.Namespace) -> dict[str, dict[str, Routed]]:
    run.tell(f"reads the {len(pair.prompts)} questions of {pair.name}")
    stage = two.staged(pair, run.judge)
    run.tell("(a) by question")
    found = {"a": two.by_question(stage, run.seeds)}
    run.tell("(a) leaving subjects out")
    unseen = two.unseen(stage, max(1, run.seeds - 1))
    if unseen is None:
        run.without("a_unseen", f"{pair.name} names no two subjects")
    else:
        found["a_unseen"] = unseen
    run.tell("(b) online")
    found["b"] = online.online(stage, 1 if options.quick else 2, lambda: run.tell("(b) a stream is done"))
    return found


def _ladder(run: Run, loaded: Loaded) -> None:
    own = tuple(pair for pair in loaded.pairs if pair.weak_answers is not None)
    # A file made for it counts alone; where there is none, pairs of RouterBench's models stand in.
    given = Loaded(own, (), (), ()) if own else loaded
    measured = ladder(given, seeds=run.seeds, tell=run.tell)
    if measured is None:
        run.without("c", "no file with the weak model's answers and enough rows")
        return
    run.notes += measured.notes
    run.found["c"] = {"ours": measured.ours, **measured.rows}


def _many_models(run: Run, loaded: Loaded, options: argparse.Namespace) -> None:
    pool = many.pooled(loaded.matrices, run.judge, run.notes, 1000 if options.quick else many.ROWS_MAX)
    if pool is None:
        for protocol in ("d", "d_heldout"):
            run.without(protocol, "no file of many models with costs")
        return
    run.tell(f"(d) in-domain: {len(pool.prompts)} questions, {len(set(pool.tasks.tolist()))} tasks")
    run.found["d"] = many.in_domain(pool, 0, lambda: run.tell("(d) a fold is done"))
    held_out = many.held_out(pool, 0, lambda: run.tell("(d) a task is done"))
    if held_out is None:
        run.without("d_heldout", "there is one task only")
        return
    saved, below, hindsight = held_out
    run.found["d_heldout"] = {
        **saved,
        "worst_points_below_zero_router": below,
        "worst_points_below_hindsight": hindsight,
    }


def _write(folder: Path, facts: dict[str, Any], run: Run) -> None:
    stem = folder / f"eval-routing-{str(facts['date'])[:10]}"
    told = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    parts = ("# Routing", told, report.markdown(run.found), *(f"- {note}" for note in run.notes))
    stem.with_suffix(".md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    results = facts | {"results": report.as_json(run.found)}
    stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    run.tell(f"written to {stem.parent.name}/{stem.name}.md and .json")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure learned routing on files of routing data.")
    parser.add_argument("--data", type=Path, help="folder of .csv, .csv.gz, .jsonl, .jsonl.gz, or one such file")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--quick", action="store_true", help="one seed each, fewer questions")
    parser.add_argument("--seeds", type=int, default=2, help="repetitions of (a) and (c)")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where it is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
