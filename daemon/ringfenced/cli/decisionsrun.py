"""The work of `ringfence decisions`: read the record, decide again, show."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.tables import credits_of
from ringfenced.decide import decide
from ringfenced.decide.record import Recorded, RecordError, files_of, records_of
from ringfenced.model import Candidate, Decision, Estimate


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions are listed; what is empty does not matter."""

    department: str = ""
    """Whose wallet pays."""
    task: str = ""
    """The kind of work."""
    level: str = ""
    """The label's level, by name."""
    target: str = ""
    """Where it went first, as people write it."""
    refused: bool = False
    """It had no target."""

    def fits(self, recorded: Recorded, decision: Decision) -> bool:
        """Whether a decision is wanted."""
        asked = recorded.inputs.asked
        return (
            self.department in {"", asked.department}
            and self.task in {"", asked.task}
            and self.level in {"", asked.label.level.name}
            and self.target in {"", str(decision.target)}
            and not (self.refused and decision.ladder)
        )


def read(path: Path) -> Iterator[Recorded]:
    """Every decision of a file or a folder, by time: each worker process writes files of its own.

    Raises:
        Failure: it cannot be read, or is no record.
    """
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(one.open(encoding="utf-8")) for one in files_of(path)]
            yield from merge(*map(records_of, files), key=lambda recorded: recorded.time_unix_ms)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error
    except (RecordError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, RecordError) else "no text"
        raise Failure(f"{path} is no record of decisions: {why}", code=ExitCode.USAGE) from None


def show_list(output: Output, records: Iterator[Recorded], wanted: Wanted, last: int) -> None:
    """List the last ones that are wanted."""
    found: deque[tuple[Recorded, Decision]] = deque(maxlen=last)
    for recorded in records:
        decision = decide(recorded.inputs)
        if wanted.fits(recorded, decision):
            found.append((recorded, decision))
    if output.as_json:
        for recorded, decision in found:
            output.json(_said(recorded, decision))
        return
    output.table(
        f"{len(found)} decisions",
        ("time (UTC)", "request", "department", "task", "label", "target", "credits", "quality", ""),
        (_row(recorded, decision) for recorded, decision in found),
        right=frozenset({"credits", "quality"}),
    )


def show_one(output: Output, records: Iterator[Recorded], request_id: str) -> None:
    """Show one decision whole.

    Raises:
        Failure: it is not in the record.
    """
    recorded = next((one for one in records if one.request_id == request_id), None)
    if recorded is None:
        advice = ("the record holds the newest decisions alone ([routing] keep_decisions_mb)",)
        raise Failure(f"no decision on request {request_id!r} in the record", code=ExitCode.INVALID, advice=advice)
    decision = decide(recorded.inputs)
    candidates = (*decision.ladder, *decision.refused)
    if output.as_json:
        output.json({**_said(recorded, decision), "candidates": [_candidate_said(one) for one in candidates]})
        return
    asked = recorded.inputs.asked
    output.line(f"{_time(recorded)}   department {asked.department}   caller {asked.caller}")
    output.line(f"policy {decision.policy_digest}")
    output.table(
        f"{_went(decision)}   label {decision.label}",
        ("", "target", "credits", "at most", "ms", "quality", "rule", "reason"),
        (_candidate_row(one) for one in candidates),
        right=frozenset({"credits", "at most", "ms", "quality"}),
    )


def _said(recorded: Recorded, decision: Decision) -> dict[str, object]:
    asked = recorded.inputs.asked
    return {
        "timeUnixMs": recorded.time_unix_ms,
        "requestId": recorded.request_id,
        "caller": asked.caller,
        "department": asked.department,
        "task": asked.task,
        "label": str(asked.label),
        "ladder": [str(candidate.target) for candidate in decision.ladder],
        "fallbacks": [str(candidate.target) for candidate in decision.fallbacks],
        "expected": None if decision.expected is None else _estimate_said(decision.expected),
        "propensity": decision.propensity,
        "explored": decision.explored,
        "policyDigest": decision.policy_digest,
    }


def _candidate_said(one: Candidate) -> dict[str, object]:
    return {
        "target": str(one.target),
        "estimate": _estimate_said(one.estimate),
        "chosen": one.chosen,
        "rule": one.rule,
        "reason": one.reason,
        "deidentified": one.deidentified,
        "policies": list(one.policies),
    }


def _estimate_said(estimate: Estimate) -> dict[str, object]:
    return {_camel(name): value for name, value in asdict(estimate).items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _row(recorded: Recorded, decision: Decision) -> tuple[str, ...]:
    asked, whole = recorded.inputs.asked, decision.expected
    return (
        *(_time(recorded), recorded.request_id, asked.department, asked.task, str(asked.label), _went(decision)),
        "" if whole is None else credits_of(whole.cost_microcredits),
        "" if whole is None else _quality(whole),
        "tried to learn" if decision.explored else "",
    )


def _candidate_row(one: Candidate) -> tuple[str, ...]:
    estimate = one.estimate
    return (
        "*" if one.chosen else "",
        str(one.target),
        credits_of(estimate.cost_microcredits),
        credits_of(estimate.cost_microcredits_max),
        f"{estimate.latency_ms:,}",
        _quality(estimate),
        one.rule,
        one.reason + (" [de-identified]" if one.deidentified else ""),
    )


def _quality(estimate: Estimate) -> str:
    deviation = f" ± {estimate.quality_uncertainty:.2f}" if estimate.quality_uncertainty else ""
    return f"{estimate.quality:.2f}{deviation}"


def _went(decision: Decision) -> str:
    return " then ".join(str(candidate.target) for candidate in decision.ladder) or "refused: no target is open"


def _time(recorded: Recorded) -> str:
    return datetime.fromtimestamp(recorded.time_unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
