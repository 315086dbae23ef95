"""Between messages of the contract and the values of the agent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.labels import Level
from ringfence.v1 import audit_pb2, egress_pb2, inference_pb2, types_pb2
from ringfence.wire import label_to
from ringfence_agent.gate import Destination
from ringfence_agent.journal import Proof
from ringfence_agent.lockdown import Lockdown
from ringfence_agent.providers import Embeddings, TextDelta, ToolCallDelta
from ringfence_agent.providers.rates import Spent
from ringfence_agent.query import NAMES, Query
from ringfence_agent.release import Admitted, Event, Failed, Released, Withheld

_FINISH: Final[Mapping[str, types_pb2.FinishReason.ValueType]] = {
    "stop": types_pb2.FINISH_REASON_STOP,
    "length": types_pb2.FINISH_REASON_LENGTH,
    "tool_calls": types_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": types_pb2.FINISH_REASON_CONTENT_FILTER,
}


def response(event: Event) -> egress_pb2.SendResponse:
    """An event's message."""
    match event:
        case TextDelta() | ToolCallDelta() | Embeddings():
            return _piece(event)
        case Admitted(index):
            return egress_pb2.SendResponse(admitted=egress_pb2.Admitted(intent_index=index))
        case Withheld(verdict, entry, retry_after_ms):
            return egress_pb2.SendResponse(
                refused=egress_pb2.Refused(
                    rules=[reason.rule for reason in verdict.reasons],
                    message="; ".join(reason.message for reason in verdict.reasons),
                    findings_by_type=verdict.findings,
                    entry=proof(entry),
                    retry_after_ms=retry_after_ms,
                )
            )
        case Failed(error, nothing_generated, entry):
            return egress_pb2.SendResponse(
                failed=egress_pb2.ProviderFailed(
                    reason=error.reason,
                    message=error.message,
                    retry_after_ms=error.retry_after_ms,
                    nothing_generated=nothing_generated,
                    entry=proof(entry),
                )
            )
        case Released():
            return egress_pb2.SendResponse(sent=_sent(event))


def _piece(piece: TextDelta | ToolCallDelta | Embeddings) -> egress_pb2.SendResponse:
    """A piece of an answer."""
    match piece:
        case TextDelta(text):
            return egress_pb2.SendResponse(text=inference_pb2.TextDelta(text=text))
        case ToolCallDelta(position, call_id, name, arguments):
            return egress_pb2.SendResponse(
                tool_call=inference_pb2.ToolCallDelta(index=position, id=call_id, name=name, arguments_json=arguments)
            )
        case Embeddings(vectors):
            embeddings = [inference_pb2.Embedding(values=vector) for vector in vectors]
            return egress_pb2.SendResponse(embeddings=egress_pb2.Embeddings(embeddings=embeddings))


def _sent(event: Released) -> egress_pb2.Sent:
    """A provider's answer."""
    usage = types_pb2.Usage(
        prompt_tokens=event.finish.prompt_tokens,
        completion_tokens=event.finish.completion_tokens,
        cached_tokens=event.finish.cached_tokens,
        time_to_first_token_us=event.first_delta_us,
        duration_us=event.duration_us,
    )
    return egress_pb2.Sent(
        reason=_FINISH[event.finish.reason], usage=usage, intent=proof(event.intent), outcome=proof(event.outcome)
    )


def proof(proof: Proof) -> types_pb2.EntryProof:
    """A proof's message."""
    return types_pb2.EntryProof(
        entry=proof.entry, index=proof.index, inclusion_path=proof.inclusion_path, checkpoint=proof.checkpoint
    )


def standing(lockdown: Lockdown) -> egress_pb2.LockdownStanding:
    """The emergency stop's message."""
    standing = lockdown.standing
    message = egress_pb2.LockdownStanding(
        on=lockdown.on,
        reason=standing.reason,
        since_unix_ms=standing.since_unix_ms if standing.on else 0,
        by_pseudonyms=standing.by,
        log_origin=lockdown.signers.origin,
        signatures_needed=bool(lockdown.signers.keys),
    )
    if waiting := standing.waiting:
        message.confirmations_missing = lockdown.missing
        message.waiting_by_pseudonyms.extend(waiting.by)
        message.waiting_until_unix_ms = waiting.until_unix_ms
    return message


def model(destination: Destination, closed_by: str, spent: Spent | None) -> egress_pb2.ProviderModel:
    """One model of a provider; `closed_by` says why nothing goes there now, and `spent` what is used up for now."""
    return egress_pb2.ProviderModel(
        provider=destination.provider,
        model=destination.model,
        region=destination.region,
        clearance=label_to(destination.clearance),
        contract=destination.contract,
        available=not closed_by,
        unavailable_reason=closed_by,
        spent_of=spent.of if spent else "",
        spent_ms=spent.ms if spent else 0,
    )


def query(message: audit_pb2.SearchEntriesRequest) -> Query:
    """The value of a query's message; `caller` is the daemon's to translate, for the agent knows no identities."""
    named = {name: getattr(message, "caller_pseudonym" if name == "caller" else name) for name in NAMES}
    return Query(
        since_unix_ms=getattr(message, "from").ToMilliseconds() if message.HasField("from") else 0,
        until_unix_ms=message.until.ToMilliseconds() if message.HasField("until") else 0,
        named={name: value for name, value in named.items() if value},
        level_min=Level(message.level_min) if message.level_min else None,
    )
