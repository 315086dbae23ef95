"""A recorded decision under another policy: what would have come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ringfenced.decide import decide
from ringfenced.inputs import Asked, Inputs
from ringfenced.model import Candidate, Decision, Target
from ringfenced.policy.rulebook import Rulebook


class Outcome(StrEnum):
    """What another policy makes of a decision."""

    SAME = "same"
    """The same targets in the same order, and the same are open."""
    REFUSED = "refused"
    """No target is left."""
    SERVED = "served"
    """There was no target, and now there is."""
    ELSEWHERE = "elsewhere"
    """Another target, or another ladder."""
    NARROWER = "narrower"
    """It runs where it ran; some of what was open is closed, and perhaps the other way round."""
    WIDER = "wider"
    """It runs where it ran; more is open."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one decision."""

    asked: Asked
    """The request."""
    outcome: Outcome
    """In one word."""
    before: str
    """Where it ran, as printed; empty for nowhere."""
    after: str
    """Where it would."""
    closed: tuple[str, ...]
    """Targets that the new policy closes to it."""
    opened: tuple[str, ...]
    """Targets that it opens."""
    policies: tuple[str, ...]
    """The policies that close what it closes."""


def compare(inputs: Inputs, book: Rulebook) -> Change:
    """Decide again, once with the rulings as recorded and once with those of `book`."""
    before = decide(inputs)
    after = decide(replace(inputs, rulings=book.rulings(inputs.asked, inputs.offers)))
    shut_before, shut_after = _shut(before), _shut(after)
    closed = sorted(set(shut_after) - set(shut_before), key=str)
    policies = {name: None for target in closed for name in shut_after[target].policies}
    opened = sorted(set(shut_before) - set(shut_after), key=str)
    return Change(
        asked=inputs.asked,
        outcome=_outcome(before, after, closed=bool(closed), opened=bool(opened)),
        before=_ladder(before),
        after=_ladder(after),
        closed=tuple(map(str, closed)),
        opened=tuple(map(str, opened)),
        policies=tuple(policies),
    )


def _shut(decision: Decision) -> dict[Target, Candidate]:
    """What the policy removed."""
    refused: Iterable[Candidate] = decision.refused
    return {candidate.target: candidate for candidate in refused if candidate.rule == "policy"}


def _ladder(decision: Decision) -> str:
    return " → ".join(str(rung.target) for rung in decision.ladder)


def _outcome(before: Decision, after: Decision, *, closed: bool, opened: bool) -> Outcome:
    if _ladder(before) != _ladder(after):
        if not after.ladder:
            return Outcome.REFUSED
        return Outcome.ELSEWHERE if before.ladder else Outcome.SERVED
    if closed:
        return Outcome.NARROWER
    return Outcome.WIDER if opened else Outcome.SAME
