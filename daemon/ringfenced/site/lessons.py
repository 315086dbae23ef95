"""What the verdicts on a finished request's answers teach: a row an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfenced.learn.answers_kept import without_words
from ringfenced.learn.lesson import Answered
from ringfenced.model import Offer, Read, Target, Verdict
from ringfenced.way import Way

AGREEMENT: Final = "agreement"
"""The evaluator that compares an answer that fell short with the one of the rung above it."""

KINDS: Final[Mapping[str, str]] = {
    "schema": "schema",
    "json_schema": "schema",
    "tools": "tool",
    AGREEMENT: "escalation",
}
"""Evaluators whose word is of a kind of its own."""


def answers_of(way: Way, expected: Mapping[str, float], *, words: bool) -> tuple[Answered, ...]:
    """Every answer that came to its end, with what was said of it.

    A rung that gave none teaches nothing: an engine that died, a provider that was away, a caller who hung up say
    nothing about how good its answers are. One that nobody judged is kept without a score: its caller may rate it.

    Args:
        way: the finished way.
        expected: the quality that was expected of each model.
        words: whether hashed words of an answer may be kept; counts of its form alone otherwise.
    """
    assert way.decision is not None
    ended = len(way.ran) if way.error is None else len(way.ran) - 1  # the last one broke off
    answers: list[Answered] = []
    for rung, target in enumerate(way.ran[:ended]):
        verdict = _verdict_on(way, target)
        is_last = rung == len(way.ran) - 1
        if not is_last and (verdict is None or target in way.ran[rung + 1 :]):
            continue  # no answer came of it
        score, kind, scores = _said(way, target, verdict)
        read = _read_of(way, target)
        answers.append(
            Answered(
                model=target.model,
                propensity=way.decision.propensity,
                explored=way.decision.explored,
                expected=expected.get(target.model, 0.0),
                cost_microcredits=way.cost_of(target),
                duration_ms=round((way.finished_s - way.rung_started_s) * 1000, 1) if is_last else 0.0,
                first_ms=_first_ms(way) if is_last else None,
                score=score,
                kind=kind,
                scores=scores,
                escalated_to="" if is_last else way.ran[rung + 1].model,
                beside=None if read is None else read.beside,
                read=b"" if read is None else read.features if words else without_words(read.features),
            )
        )
    return tuple(answers)


def _verdict_on(way: Way, target: Target) -> Verdict | None:
    """The last word on a target's answer: that of whoever saw both answers counts more than that before it."""
    return next((verdict for judged, verdict in reversed(way.verdicts) if judged == target), None)


def _read_of(way: Way, target: Target) -> Read | None:
    """What was read of a target's answer; whoever compared it later read nothing."""
    return next((verdict.read for judged, verdict in reversed(way.verdicts) if judged == target and verdict.read), None)


def _said(way: Way, target: Target, verdict: Verdict | None) -> tuple[float | None, str, tuple[tuple[str, float], ...]]:
    """Score, kind and the evaluators' own scores; a verdict that nobody stands behind is none."""
    if verdict is None or not (verdict.evaluator or _is_judged(way, way.offers.get(target))):
        return None, "", ()
    return verdict.score, KINDS.get(verdict.evaluator, "evaluator"), verdict.scores


def _is_judged(way: Way, offer: Offer | None) -> bool:
    asked = way.inputs.asked if way.inputs is not None else None
    return bool(
        (offer is not None and offer.is_judged) or (asked is not None and (asked.evaluators or asked.schema_checked))
    )


def _first_ms(way: Way) -> float | None:
    return None if way.rung_first_s is None else round((way.rung_first_s - way.rung_started_s) * 1000, 1)
