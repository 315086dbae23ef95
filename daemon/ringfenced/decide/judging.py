"""What judging the answers of a ladder is expected to take: models of this node that read an answer, or answer again.

Counted are evaluators that ask models. Kinds that only read take milliseconds, and how long a process of the site's
own takes is not known here. That an evaluator is not asked where one before it found the answer wanting is left out: of
several that ask models this says a little too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ringfenced.account import completion_of, estimate
from ringfenced.decide.ladder import Rung
from ringfenced.inputs import Inputs, Judging
from ringfenced.model import Offer, Target, TargetKind

CHARS_PER_TOKEN_MAX: Final = 4
"""Characters that an answer's tokens have on average at most, for what is held: English prose has some 4."""


class Takes(NamedTuple):
    """What judging one answer takes."""

    cost: int
    """Expected, in microcredits."""
    cost_max: int
    """At most, in microcredits."""
    latency_ms: float
    """Expected."""


NOTHING: Final = Takes(0, 0, 0.0)
"""What costs nobody anything."""


def takes(inputs: Inputs, places: Mapping[Target, int], rung: Rung) -> Takes:
    """What judging the answer of a rung takes that another one stands above.

    Args:
        inputs: the request, the targets, and who judges.
        places: the place of each target among the offers.
        rung: who answers.
    """
    if not inputs.judges:
        return NOTHING
    offer = inputs.offers[rung.place]
    named = {*offer.evaluators, *inputs.asked.evaluators}
    each = [_takes(inputs, places, rung, judge) for judge in inputs.judges if judge.name in named]
    return Takes(sum(one.cost for one in each), sum(one.cost_max for one in each), sum(one.latency_ms for one in each))


def _takes(inputs: Inputs, places: Mapping[Target, int], rung: Rung, judge: Judging) -> Takes:
    if not judge.model:  # the same once more; a provider's model is not asked again
        if inputs.offers[rung.place].target.kind is not TargetKind.LOCAL:
            return NOTHING
        latency_ms = min(judge.timeout_ms, rung.latency_ms)
        return Takes(judge.samples * rung.cost, judge.samples * rung.cost_max, latency_ms)
    reader = _reader(inputs, places, judge.model)
    if reader is None:
        return NOTHING
    asked = inputs.asked
    around = asked.prompt_chars + judge.chars
    usual = estimate(reader, around + CHARS_PER_TOKEN_MAX * completion_of(asked.tokens_max), judge.tokens_max)
    most = estimate(reader, around + CHARS_PER_TOKEN_MAX * asked.tokens_max, judge.tokens_max)
    return Takes(usual.cost_microcredits, most.cost_microcredits_max, min(judge.timeout_ms, usual.latency_ms))


def _reader(inputs: Inputs, places: Mapping[Target, int], model: str) -> Offer | None:
    """The model that judges; None where there is none, or the policy does not let the request there."""
    target = Target(TargetKind.LOCAL, model)
    ruling, place = inputs.rulings.by_target.get(target), places.get(target)
    return inputs.offers[place] if place is not None and ruling is not None and ruling.allowed else None
