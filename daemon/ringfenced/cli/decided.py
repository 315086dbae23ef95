"""A decision as tables for people: every target that was considered, then the ladder as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.v1.types_pb2 import Candidate, Decision, Estimate
from ringfenced.cli.output import Output
from ringfenced.cli.tables import credits_of, label_of, target_of


def decision_table(output: Output, decision: Decision, *, beside: bool) -> None:
    """Every target that was considered, and why it was taken or not; the ladder where it has several rungs."""
    chosen = target_of(decision.target) if decision.HasField("target") else "refused: no target is open"
    output.table(
        f"{chosen}   label {label_of(decision.label)}",
        ("", "target", "credits", "ms", "quality", "rule", "reason"),
        (_candidate_row(decision, candidate) for candidate in decision.candidates),
        beside=beside,
        right=frozenset({"credits", "ms", "quality"}),
    )
    if len(decision.ladder) > 1 or decision.fallbacks or decision.explored:
        output.table("the whole", ("", ""), _whole(decision), beside=beside)


def _candidate_row(decision: Decision, candidate: Candidate) -> tuple[str, ...]:
    """One target that was considered; rungs are numbered from the first."""
    estimate = candidate.estimate
    rung = str(list(decision.ladder).index(candidate.target) + 1) if candidate.chosen and decision.ladder else ""
    if candidate.target in decision.fallbacks:
        rung = "+"
    return (
        "*" if candidate.chosen and len(decision.ladder) < 2 else rung,  # noqa: PLR2004 - one rung needs no number
        target_of(candidate.target),
        _cost(estimate),
        f"{estimate.latency_ms:,}",
        _quality(estimate),
        candidate.rule,
        candidate.reason + (" [de-identified]" if candidate.deidentified else ""),
    )


def _quality(estimate: Estimate) -> str:
    """Expected quality as configured, or as learned with its standard deviation."""
    deviation = f" ± {estimate.quality_uncertainty:.2f} learned" if estimate.quality_uncertainty else ""
    return f"{estimate.quality:.2f}{deviation}"


def _cost(estimate: Estimate) -> str:
    """What it should cost, and what is held in case it costs more."""
    expected, at_most = estimate.cost_microcredits, estimate.cost_microcredits_max
    return credits_of(expected) + (f" (max {credits_of(at_most)})" if at_most > expected else "")


def _whole(decision: Decision) -> Iterator[tuple[str, str]]:
    """What the ladder comes to as a whole, and what stands by."""
    if decision.HasField("expected"):
        whole = decision.expected
        yield "rungs", ", if it falls short ".join(target_of(target) for target in decision.ladder)
        yield "expected", f"{_cost(whole)} credits, {whole.latency_ms:,} ms, quality {_quality(whole)}"
    if decision.fallbacks:
        yield "standing by (+)", ", ".join(target_of(target) for target in decision.fallbacks)
    if decision.explored:
        yield "chance", f"tried to learn of it, as {decision.propensity:.1%} of such requests are"
