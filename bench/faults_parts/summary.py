"""What came of a campaign, as a table of call by kind and as figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table

from faults_parts.attempt import Result, milliseconds

REFUSAL_MS_AIM = 100
"""Issue 4: egress refuses with a typed error within 100 ms."""


def figures(results: Sequence[Result]) -> dict[str, object]:
    """What is said of all together; only faults that happened count."""
    fired = [result for result in results if result.fired]
    refusals = [value for result in fired for value in result.refusals_s]
    problems = Counter(problem.partition(":")[0] for result in results for problem in result.problems)
    return {
        "points_tried": len(results),
        "faults_injected": len(fired),
        "not_reached": len(results) - len(fired),
        "agents_killed": sum(result.died for result in fired),
        "sends_without_a_durable_intent": problems["sent"],
        "acknowledged_entries_lost_or_told_too_early": problems["acknowledged"],
        "untyped_ends": problems["typed"],
        "failed_restarts": problems["restart"],
        "logs_not_whole": problems["whole"],
        "lockdowns_lost": problems["lockdown"],
        "refusals": len(refusals),
        "refusal_ms_p50": milliseconds(refusals, 0.5),
        "refusal_ms_p99": milliseconds(refusals, 0.99),
        "refusal_ms_max": milliseconds(refusals, 1.0),
        "refusals_within_100_ms": sum(value * 1000 <= REFUSAL_MS_AIM for value in refusals),
    }


def rows(results: Sequence[Result]) -> list[tuple[str, str, int, int, int]]:
    """Call, kind, faults that happened, agents that died of it, problems."""
    cells: dict[tuple[str, str], list[int]] = {}
    for result in results:
        point = result.point
        kind = {"clock": "jump", "short write": "short", "call": point.kind}.get(point.group, point.kind)
        cell = cells.setdefault((point.call, kind), [0, 0, 0])
        cell[0] += result.fired
        cell[1] += result.fired and result.died
        cell[2] += len(result.problems)
    return [(call, kind, *numbers) for (call, kind), numbers in sorted(cells.items())]  # type: ignore[misc]


def table(results: Sequence[Result]) -> Table:
    """For people."""
    made = Table("call", "how it fails", "faults", "agent died", "problems")
    for row in rows(results):
        made.add_row(*(str(cell) for cell in row), style="bold red" if row[-1] else "")
    return made


def markdown(facts: Mapping[str, object], results: Sequence[Result]) -> str:
    """The page of a whole run."""
    lines = ["# Faults injected into the agent", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [f"- {name}: {value}" for name, value in figures(results).items()]
    lines += ["", "| call | how it fails | faults | agent died | problems |", "|---|---|---:|---:|---:|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows(results)]
    lines += ["", *(f"- {result.point}: {problem}" for result in results for problem in result.problems)]
    return "\n".join(lines) + "\n"
