"""`make bench-decide`: what a decision takes, by the number of candidates, whole and by its parts.

Step 3 of a request as `flow` does it: what is asked (`asked_of`), what is expected of each answer (`rated`), what the
policy says of each target (`ruled`), and the decision; then what it takes to write the decision into the stream. Beside
it the plain implementation that the tests hold it to. Wall time and the thread's own processor time are measured both:
where other work shares the cores, the latter is what the decision itself takes.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from decide_parts import made
from fakes.plain_decide import plain_decide
from flow_parts import machine
from ringfenced.api.encode import decision_to_pb
from ringfenced.decide import asked_of, decide
from ringfenced.inputs import Circumstances, Inputs

RESULTS = Path(__file__).resolve().parent / "results"
SIZES = (1, 10, 50, 200, 1000)
PARTS = ("asked_of", "rated", "ruled", "decide", "step 3", "stream")
AIM_AT, AIM_P50_US, AIM_P99_US = 200, 500.0, 2000.0
"""Of the issue: at 200 candidates at most half a millisecond at p50 and two at p99."""

CUTS = (("10", 99), ("50", 499), ("99", 989), ("999", 998))
"""Quantiles. A tenth of all decisions take less than p10: as if nobody else used the machine."""

Samples = dict[str, list[tuple[float, float]]]


def main() -> int:
    """Measure, print, write; 1 where an aim is missed in processor time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=4000, help="for each number of candidates")
    parser.add_argument("--policies", type=int, default=10_000)
    parser.add_argument("--ladder", type=int, default=3, help="most rungs that the callers allow")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has litellm: its router beside ours")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    options = parser.parse_args()
    before = machine.describe()
    rows, told = [], {}
    for size in SIZES:
        told, samples = measure(size, options.requests, options.policies, options.ladder)
        rows.append({"candidates": size, **{part: summary(samples[part]) for part in samples}})
        print(f"{size} candidates measured", file=sys.stderr)
    if options.peer:
        told["peer"] = beside(options.peer, rows)
    text = report(rows, told)
    print(text)
    if options.write:
        write(text, rows, {**before, **told})
    at_aim = next(row for row in rows if row["candidates"] == AIM_AT)["step 3"]
    return int(at_aim["cpu_p50_us"] > AIM_P50_US or at_aim["cpu_p99_us"] > AIM_P99_US)


def measure(size: int, requests: int, policies: int, ladder: int) -> tuple[dict[str, str], Samples]:
    """Every request through step 3, and a few through the plain reference and the stream."""
    offers = made.offers(size)
    ruled_by, rule = made.rule(policies, offers)
    rated_by, rate = made.rate(offers)
    samples: Samples = {part: [] for part in (*PARTS, "plain")}
    asking = made.askings(requests + requests // 10, size, ladder=ladder)
    gc.collect()
    gc.freeze()
    for number, one in enumerate(asking):
        if number == requests // 10:  # warm
            for part in samples.values():
                part.clear()
        start = now()
        asked = asked_of(one.request, one.caller, one.classification)
        told_at = now()
        rating = rate(one.request, asked, offers)
        rated_at = now()
        rulings = rule(asked, offers)
        ruled_at = now()
        moment = Circumstances(10**9, 60_000.0, last=offers[one.last].target, cached_chars=200, draw=one.draw)
        inputs = Inputs(asked, offers, rating, rulings, moment)
        decision = decide(inputs)
        decided_at = now()
        for part, since, until in (
            ("asked_of", start, told_at),
            ("rated", told_at, rated_at),
            ("ruled", rated_at, ruled_at),
            ("decide", ruled_at, decided_at),
            ("step 3", start, decided_at),
        ):
            samples[part].append((until[0] - since[0], until[1] - since[1]))
        if number % 10 == 0:
            samples["stream"].append(took(partial(decision_to_pb, decision)))
        if number % 50 == 0:
            lists = replace(rating, quality=list(rating.quality), uncertainty=list(rating.uncertainty))
            samples["plain"].append(took(partial(plain_decide, replace(inputs, rating=lists))))
    gc.unfreeze()
    return {"policy": ruled_by, "learning": rated_by, "ladder": f"at most {ladder} rungs"}, samples


def beside(python: str, rows: list[dict]) -> str:
    """Add what LiteLLM's router takes to choose, in a process of its own; how it was asked."""
    script = Path(__file__).resolve().parent / "peers" / "litellm_route.py"
    command = [python, str(script), ",".join(map(str, SIZES)), "300"]
    surroundings = {"PATH": "/usr/bin:/bin", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=surroundings)
    found = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        row["litellm"] = found["sizes"][str(row["candidates"])]
    return f"LiteLLM {found['version']}, routing by cost, no policy and no label"


def now() -> tuple[float, float]:
    """Wall and this thread's processor time, in seconds."""
    return time.perf_counter(), time.thread_time()


def took(work: Callable[[], object]) -> tuple[float, float]:
    """What some work takes."""
    start = now()
    work()
    end = now()
    return end[0] - start[0], end[1] - start[1]


def summary(samples: list[tuple[float, float]]) -> dict[str, float]:
    """Quantiles in microseconds."""
    found = {}
    for name, at in (("wall", 0), ("cpu", 1)):
        cuts = statistics.quantiles([one[at] * 1e6 for one in samples], n=1000, method="inclusive")
        found |= {f"{name}_p{label}_us": round(cuts[cut], 1) for label, cut in CUTS}
    return found


def report(rows: list[dict], told: dict[str, str]) -> str:
    """Tables in Markdown."""
    lines = [f"With: {'; '.join(f'{name}: {text}' for name, text in told.items())}.", ""]
    for title, kind in (("Processor time of the thread", "cpu"), ("Wall time", "wall")):
        lines += [f"{title}, microseconds, p10 / p50 / p99 / p99.9", ""]
        names = [*PARTS, "plain", *(["litellm"] if "litellm" in rows[0] else [])]
        lines += [f"| candidates | {' | '.join(names)} |", "|---:|" + "---:|" * len(names)]
        for row in rows:
            cells = [" / ".join(f"{row[name][f'{kind}_p{q}_us']:,.0f}" for q, _ in CUTS) for name in names]
            lines.append(f"| {row['candidates']:,} | {' | '.join(cells)} |")
        lines.append("")
    xs = [row["candidates"] for row in rows]
    for name in ("decide", "step 3", "plain"):
        ys = [row[name]["cpu_p50_us"] for row in rows]
        slope, base = statistics.linear_regression(xs, ys)
        lines.append(
            f"{name}: {base:,.0f} µs and {slope:.2f} µs a candidate (least squares over p50 of processor time)"
        )
    return "\n".join(lines)


def write(text: str, rows: list[dict], facts: dict[str, object]) -> None:
    """Keep the result."""
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    command = " ".join(["bench/decide.py", *sys.argv[1:]])
    facts = {**facts, "date": today.isoformat(timespec="seconds"), "command": command}
    stem = RESULTS / f"decide-{today:%Y-%m-%d}"
    stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n")
    where = f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, load {facts['load_average_before']}, "
    where += f"commit {facts['commit']}"
    stem.with_suffix(".md").write_text(f"# Deciding\n\n`{command}`, {facts['date']}, {where}\n\n{text}\n")


if __name__ == "__main__":
    sys.exit(main())
