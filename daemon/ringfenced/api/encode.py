"""Values become the contract's messages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfence.wire import label_to
from ringfenced.api.names import CONTRIBUTORS_BACK, FINISH_REASONS_BACK, TARGET_KINDS_BACK
from ringfenced.decide.considered import Considered, Unread
from ringfenced.model import (
    Candidate,
    Contribution,
    Decision,
    EntryProof,
    Escalation,
    Estimate,
    Event,
    Finish,
    Loading,
    Located,
    Receipt,
    Target,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    Usage,
    Vectors,
    Verdict,
)


class Encoder:
    """Encodes one request's events; the decision, which comes twice, once."""

    def __init__(self) -> None:
        """Begin without a decision."""
        self._decision: types.Decision | None = None

    def encode(self, event: Event) -> pb.GenerateResponse:
        """One event of a stream."""
        if type(event) is Decision:
            self._decision = decision_to_pb(event)
            return pb.GenerateResponse(decision=self._decision)
        if type(event) is Receipt:
            return pb.GenerateResponse(receipt=receipt_to_pb(event, self._decision))
        return event_to_pb(event)


def event_to_pb(event: Event) -> pb.GenerateResponse:
    """One event alone; the most frequent kind is asked for first."""
    if isinstance(event, TextDelta):
        text = pb.TextDelta(text=event.text, tokens=event.tokens)
        if event.logprobs:
            text.logprobs.extend(map(logprob_to_pb, event.logprobs))
        return pb.GenerateResponse(text=text)
    if isinstance(event, ToolCallDelta):
        return pb.GenerateResponse(
            tool_call=pb.ToolCallDelta(
                index=event.index, id=event.id, name=event.name, arguments_json=event.arguments_json
            )
        )
    if isinstance(event, Finish):
        return pb.GenerateResponse(
            finish=pb.Finish(reason=FINISH_REASONS_BACK[event.reason], usage=usage_to_pb(event.usage))
        )
    if isinstance(event, Decision):
        return pb.GenerateResponse(decision=decision_to_pb(event))
    if isinstance(event, Receipt):
        return pb.GenerateResponse(receipt=receipt_to_pb(event))
    assert not isinstance(event, Vectors), "a stream of answers has none"
    return _between(event)


def logprob_to_pb(one: TokenLogprob) -> types.TokenLogprob:
    """A token's log-probability."""
    return types.TokenLogprob(
        text=one.text, data=one.data, logprob=one.logprob, likeliest=map(logprob_to_pb, one.likeliest)
    )


def _between(event: Loading | Escalation) -> pb.GenerateResponse:
    """What happens between a decision and its answer."""
    if isinstance(event, Loading):
        return pb.GenerateResponse(
            loading=pb.Loading(
                target=target_to_pb(event.target), progress=event.progress, stage=event.stage, left_ms=event.left_ms
            )
        )
    return pb.GenerateResponse(
        escalation=pb.Escalation(
            **{"from": target_to_pb(event.source)}, to=target_to_pb(event.destination), reason=event.reason
        )
    )


@lru_cache(maxsize=4096)
def target_to_pb(target: Target) -> types.Target:
    """Where a request can run; the same message for the same target, so that nobody may change it."""
    return types.Target(
        kind=TARGET_KINDS_BACK[target.kind],
        model=target.model,
        provider=target.provider,
        node=target.node,
        region=target.region,
    )


def decision_to_pb(decision: Decision) -> types.Decision:
    """A decision, its ladder first."""
    target, refused = decision.target, decision.refused
    message = types.Decision(
        target=target_to_pb(target) if target else None,
        candidates=[_candidate_to_pb(candidate) for candidate in decision.ladder],
        label=label_to(decision.label),
        policy_digest=decision.policy_digest,
        ladder=[target_to_pb(candidate.target) for candidate in decision.ladder],
        expected=_estimate_to_pb(decision.expected) if decision.expected is not None else None,
        propensity=decision.propensity,
        explored=decision.explored,
        fallbacks=[target_to_pb(candidate.target) for candidate in decision.fallbacks],
    )
    if isinstance(refused, Unread):
        _add_unread(message, refused.considered)
    else:
        message.candidates.extend(map(_candidate_to_pb, refused))
    return message


def _add_unread(message: types.Decision, considered: Considered) -> None:
    """The refused, without making candidates of them first: a site may have hundreds."""
    add, prompt_tokens, completion_tokens = (
        message.candidates.add,
        considered.prompt_tokens,
        considered.completion_tokens,
    )
    for (
        target,
        cost,
        cost_max,
        latency_ms,
        quality,
        uncertainty,
        rule,
        reason,
        deidentified,
        policies,
    ) in considered.told():
        one = add(rule=rule, reason=reason, deidentified=deidentified, policies=policies)
        one.target.CopyFrom(target_to_pb(target))
        estimate = one.estimate
        estimate.cost_microcredits, estimate.cost_microcredits_max = cost, cost_max
        estimate.latency_ms = latency_ms
        estimate.quality, estimate.quality_uncertainty = quality, uncertainty
        estimate.prompt_tokens, estimate.completion_tokens = prompt_tokens, completion_tokens


def usage_to_pb(usage: Usage) -> types.Usage:
    """What a run used."""
    return types.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        time_to_first_token_us=usage.time_to_first_token_us,
        duration_us=usage.duration_us,
        logprob_min=usage.logprob_min,
    )


def proof_to_pb(proof: EntryProof) -> types.EntryProof:
    """A log entry and its proof."""
    return types.EntryProof(
        entry=proof.entry, index=proof.index, inclusion_path=proof.inclusion_path, checkpoint=proof.checkpoint
    )


def verdict_to_pb(target: Target, verdict: Verdict) -> types.Verdict:
    """What was said of one rung's answer."""
    return types.Verdict(
        target=target_to_pb(target),
        evaluator=verdict.evaluator,
        score=verdict.score,
        good=verdict.good,
        reason=verdict.reason,
    )


def receipt_to_pb(receipt: Receipt, decision: types.Decision | None = None) -> types.Receipt:
    """What a caller gets with an answer; `decision` is its own, where that was encoded before."""
    message = types.Receipt(
        request_id=receipt.request_id,
        decision=decision or decision_to_pb(receipt.decision),
        cost_microcredits=receipt.cost_microcredits,
        egress=[proof_to_pb(proof) for proof in receipt.egress],
        findings_by_type=receipt.findings_by_type,
        ran=[target_to_pb(target) for target in receipt.ran],
        verdicts=[verdict_to_pb(target, verdict) for target, verdict in receipt.verdicts],
    )
    finished_at = message.finished_at
    finished_at.seconds, finished_at.nanos = divmod(receipt.finished_at_unix_ms * 1_000_000, 1_000_000_000)
    return message


def findings_to_pb(findings: Iterable[Located]) -> list[types.Finding]:
    """Findings by type and position, never by value."""
    return [
        types.Finding(
            entity_type=located.finding.entity_type,
            path=located.path,
            start=located.finding.start,
            end=located.finding.end,
            score=located.finding.score,
            recogniser=located.finding.recogniser,
        )
        for located in findings
    ]


def contributions_to_pb(contributions: Iterable[Contribution]) -> list[types.Contribution]:
    """What made a label."""
    return [
        types.Contribution(
            contributor=CONTRIBUTORS_BACK[one.contributor],
            name=one.name,
            count=one.count,
            label=label_to(one.label),
            stays=one.stays,
        )
        for one in contributions
    ]


def _estimate_to_pb(expected: Estimate) -> types.Estimate:
    return types.Estimate(
        cost_microcredits=expected.cost_microcredits,
        latency_ms=expected.latency_ms,
        quality=expected.quality,
        prompt_tokens=expected.prompt_tokens,
        completion_tokens=expected.completion_tokens,
        cost_microcredits_max=expected.cost_microcredits_max,
        quality_uncertainty=expected.quality_uncertainty,
    )


def _candidate_to_pb(candidate: Candidate) -> types.Candidate:
    return types.Candidate(
        target=target_to_pb(candidate.target),
        estimate=_estimate_to_pb(candidate.estimate),
        chosen=candidate.chosen,
        rule=candidate.rule,
        reason=candidate.reason,
        deidentified=candidate.deidentified,
        policies=candidate.policies,
        leave_ms=candidate.leave_ms,
    )
