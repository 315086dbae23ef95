"""Step 3: where a request runs, and why not elsewhere.

`decide` is total: every offer stands in the decision once, as a rung of the ladder or refused with the rule that
removed it. It never raises and it changes nothing; the same value answers a dry run, stands in the log and in the
receipt, and the same `Inputs` give the same decision again.

    weigh      every target beside the request: what it costs, how good it is, whether a rule removes it
    choose     the best of what is open; a ladder where it is worth more; now and then one to learn of
    tell       each target once, with its estimate and the rule and reason for or against it
"""

from __future__ import annotations

from ringfenced.decide.asked import asked_of, label_deidentified, tokens_max
from ringfenced.decide.choose import Choice, choose, limits_of
from ringfenced.decide.considered import Considered, Unread
from ringfenced.decide.judging import takes
from ringfenced.decide.ladder import expected as expected_of
from ringfenced.decide.weigh import Weighed, weigh
from ringfenced.inputs import Inputs
from ringfenced.model import Decision, Estimate

__all__ = ["asked_of", "decide", "label_deidentified", "tokens_max"]


def decide(inputs: Inputs) -> Decision:
    """Choose the best ladder of targets that is allowed, good enough and in time.

    Args:
        inputs: what is asked, every target of the site as it stands, and what learning, policy and the moment say.

    Returns:
        The decision; its ladder is empty where no target is open and good enough. The rungs together keep to ceiling,
        wallet and the time left. Refused candidates are made when they are read.
    """
    weighed = weigh(inputs)
    choice = choose(weighed)
    considered = Considered(weighed, choice)
    ladder, fallbacks = considered.taken()
    return Decision(
        label=inputs.asked.label,
        ladder=ladder,
        refused=Unread(considered),
        policy_digest=inputs.rulings.digest,
        fallbacks=fallbacks,
        expected=_expected(weighed, choice),
        propensity=choice.propensity,
        explored=choice.explored,
    )


def _expected(weighed: Weighed, choice: Choice) -> Estimate | None:
    """What the whole ladder is expected to take and to give, each rung weighed by how likely it is reached.

    What judges may cost is held as far as there is room for it (`flow`, step 4), and no more is spent.
    """
    rungs = choice.rungs
    if not rungs:
        return None
    judging = [takes(weighed.inputs, weighed.table.place, rung) for rung in rungs[:-1]]
    cost, latency_ms, runs, judged = expected_of(rungs, [(one.cost, one.latency_ms) for one in judging])
    cost_max, held = sum(rung.cost_max for rung in rungs), 0
    if judging:
        held = max(0, min(sum(one.cost_max for one in judging), limits_of(weighed.inputs).cost_max - cost_max))
    last = max(rungs, key=lambda rung: rung.quality)
    return Estimate(
        cost_microcredits=round(cost + min(judged, held)),
        cost_microcredits_max=cost_max + held,
        latency_ms=round(latency_ms),
        quality=last.quality,
        prompt_tokens=round(weighed.estimated.prompt_tokens * runs),
        completion_tokens=round(weighed.estimated.completion_tokens * runs),
        quality_uncertainty=float(weighed.inputs.rating.uncertainty[last.place]),
    )
