"""`make bench-placement`: which models are in memory when twenty of 200 are asked for at random and three fit.

The pure decision (`ringfenced.schedule.placement`) on a clock of its own: requests arrive at random, loading and
answering take their time, and every event and effect goes through `decide`. What is counted: models that were evicted
before they served (thrash; it must be 0), requests that got no end (0), and what a decision takes at 10, 50 and 200
registered models, in one run.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flow_parts import machine
from ringfenced.schedule import placement_state as state
from ringfenced.schedule.placement import decide, next_tick_s

RESULTS = Path(__file__).resolve().parent / "results"
FIT = 3
"""Models that memory holds."""
ASKED = 20
"""Models that are asked for."""
LOAD_S = (1.0, 4.0)
ANSWER_S = (0.2, 4.0)
STOP_S = 0.3


@dataclass(slots=True)
class Run:
    """One simulation."""

    registered: int
    requests: int
    answered: int = 0
    refused: int = 0
    loads: int = 0
    thrashed: int = 0
    """Engines that were stopped before they served anybody."""
    waits_s: list[float] = field(default_factory=list)
    decisions_us: list[float] = field(default_factory=list)


class Node:
    """Carries out what is decided, on a clock of its own."""

    def __init__(self, run: Run, seed: int, interval_s: float) -> None:
        self._run = run
        self._chance = random.Random(seed)
        self._interval_s = interval_s
        self._order = itertools.count()
        self._events: list[tuple[float, int, object]] = []
        names = [f"m{number}" for number in range(run.registered)]
        self._asked = names[:ASKED]  # of ten, all
        plans = {name: state.Plan(name, ({"cpu": 1},)) for name in names}
        self._placement = state.Placement(plans, {"cpu": FIT})
        self._since_s: dict[int, float] = {}
        self._tick_s: float | None = None

    def play(self) -> None:
        """Let every request arrive, and go on until all have an end."""
        self._arrive(0.0, 1)
        while self._events:
            now_s, _, event = heapq.heappop(self._events)
            match event:
                case ("arrive", int() as number):
                    if number < self._run.requests:
                        self._arrive(now_s + self._chance.expovariate(1 / self._interval_s), number + 1)
                    self._since_s[number] = now_s
                    want = state.Want(number, now_s)
                    self._hear(state.Wanted(self._chance.choice(self._asked), want), now_s)
                case "tick":
                    if self._tick_s == now_s:
                        self._tick_s = None
                        self._hear(state.Tick(), now_s)
                case _:
                    self._hear(event, now_s)

    def _arrive(self, at_s: float, number: int) -> None:
        self._at(at_s, ("arrive", number))

    def _at(self, at_s: float, event: object) -> None:
        heapq.heappush(self._events, (at_s, next(self._order), event))

    def _hear(self, event: state.Event, now_s: float) -> None:
        began_ns = time.thread_time_ns()  # of this thread alone: others on the machine do not count
        before, (self._placement, effects) = self._placement, decide(self._placement, event, now_s)
        self._run.decisions_us.append((time.thread_time_ns() - began_ns) / 1000)
        for effect in effects:
            match effect:
                case state.Start(engine):
                    self._run.loads += 1
                    self._at(now_s + self._chance.uniform(*LOAD_S), state.EngineReady(engine.number))
                case state.Stop(number):
                    ended = isinstance(event, state.RequestEnded) and event.engine == number
                    self._run.thrashed += not (before.engines[number].served or ended)
                    self._at(now_s + STOP_S, state.EngineGone(number))
                case state.Grant(number, engine):
                    self._run.answered += 1
                    self._run.waits_s.append(now_s - self._since_s.pop(number))
                    self._at(now_s + self._chance.uniform(*ANSWER_S), state.RequestEnded(engine))
                case state.Refuse(number):
                    self._run.refused += 1
                    self._since_s.pop(number)
        tick_s = next_tick_s(self._placement, now_s)
        if tick_s is not None and (self._tick_s is None or tick_s < self._tick_s):
            self._tick_s = tick_s
            self._at(tick_s, "tick")


def simulate(registered: int, requests: int, interval_s: float) -> Run:
    """One run.

    Args:
        registered: models that the node knows.
        requests: how many are made.
        interval_s: mean time from one to the next, in seconds.
    """
    run = Run(registered, requests)
    Node(run, 7, interval_s).play()
    return run


def quantile(values: list[float], share: float) -> float:
    """The value under which `share` of all lie."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def summary(run: Run) -> dict[str, float | int]:
    """What is told of a run."""
    return {
        **{name: value for name, value in asdict(run).items() if isinstance(value, int)},
        "without_end": run.requests - run.answered - run.refused,
        "wait_p50_s": round(quantile(run.waits_s, 0.5), 2),
        "wait_max_s": round(max(run.waits_s), 2),
        "decisions": len(run.decisions_us),
        "decision_p50_us": round(quantile(run.decisions_us, 0.5), 1),
        "decision_p99_us": round(quantile(run.decisions_us, 0.99), 1),
    }


def table(rows: list[dict[str, float | int]]) -> str:
    """A table in Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    first, last = rows[1], rows[-1]  # of ten models, ten are waited for, and not twenty
    ratio = last["decision_p50_us"] / first["decision_p50_us"]
    lines.append(f"\nA decision at {last['registered']} models takes {ratio:.2f} of what it takes at "
                 f"{first['registered']} (p50; aim: flat).")  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Measure; 1 where something thrashed or got no end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--interval", type=float, default=0.4, metavar="SECONDS", help="mean time between requests")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    options = parser.parse_args()
    simulate(200, 500, options.interval)  # warm
    rows = [summary(simulate(count, options.requests, options.interval)) for count in (10, 50, 200)]
    said = table(rows)
    print(said)
    if options.write:
        today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
        command = " ".join(["bench/placement.py", *sys.argv[1:]])
        facts = {**machine.describe(), "date": today.isoformat(timespec="seconds"), "command": command}
        stem = RESULTS / f"placement-{today:%Y-%m-%d}"
        stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "runs": rows}, indent=1) + "\n")
        where = f"{facts['cores']} cores, {facts['memory_gb']} GB, commit {facts['commit']}"
        stem.with_suffix(".md").write_text(f"# Placement\n\n`{command}`, {facts['date']}, {where}\n\n{said}\n")
    return int(any(row["thrashed"] or row["without_end"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
