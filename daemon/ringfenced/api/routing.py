"""`Routing`, and callers' word on an answer: what learning is told, and what it tells of itself."""

from __future__ import annotations

import re
from typing import Final, Protocol

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfence.v1 import inference_pb2
from ringfenced.api.call import Context, Door, answering
from ringfenced.errors import InvalidRequest
from ringfenced.learn.facts import ModelFacts, RoutingFacts, SegmentFacts, VerifierFacts
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import Act

REQUEST_ID_CHARS_MAX: Final = 64
"""Longest id of a request that is looked up."""

REASON: Final = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,3}")
"""What a reason looks like: up to four words of lower-case letters. It is kept, so that it must not hold content."""


class Teaching(Protocol):
    """Who learns."""

    async def feedback(self, caller: Caller, request_id: str, score: float, reason: str) -> None:
        """Take what a caller says of an answer; NotFound where its department has none of that id."""
        ...

    async def standing(self) -> RoutingFacts:
        """How learning stands."""
        ...

    async def forget(self, model: str, *, by: str) -> int:
        """Forget one model's answers, or all where none is named; how many there were."""
        ...


async def take_feedback(teaching: Teaching, caller: Caller, request: inference_pb2.FeedbackRequest) -> None:
    """Check what a caller says, and pass it on.

    Raises:
        InvalidRequest: no id, a score that is none, or a reason that is no word.
        NotFound: its department has no such request.
    """
    if not 0 < len(request.request_id) <= REQUEST_ID_CHARS_MAX:
        raise InvalidRequest("request_id: give the id that the receipt names.", input_path="request_id")
    if not 0 <= request.score <= 1:
        raise InvalidRequest("score: out of range; use 0 (useless) to 1 (right).", input_path="score")
    if request.reason and REASON.fullmatch(request.reason) is None:
        raise InvalidRequest(
            "reason: use one to four words of lower-case letters joined by _, for example wrong_name; no content.",
            input_path="reason",
        )
    await teaching.feedback(caller, request.request_id, float(request.score), request.reason)


class RoutingService(pb_grpc.RoutingServicer):
    """What was learned of the models' answers."""

    def __init__(self, teaching: Teaching, door: Door) -> None:
        """Wire."""
        self._teaching = teaching
        self._door = door

    @answering
    async def GetRouting(self, _request: pb.GetRoutingRequest, context: Context) -> pb.GetRoutingResponse:
        """By kind of request and model, with the last refit."""
        self._door.admit(context, Act.SEE_ROUTING, CallerRole.OPERATOR, CallerRole.AUDITOR)
        return routing_to_pb(await self._teaching.standing())

    @answering
    async def ForgetRouting(self, request: pb.ForgetRoutingRequest, context: Context) -> pb.ForgetRoutingResponse:
        """Forget one model's answers, or all."""
        caller = self._door.admit(context, Act.FORGET_ROUTING, CallerRole.OPERATOR)
        if bool(request.model) == request.all:
            raise InvalidRequest("model: name a model, or set all; one of the two.", input_path="model")
        return pb.ForgetRoutingResponse(answers=await self._teaching.forget(request.model, by=caller.identity))


def routing_to_pb(facts: RoutingFacts) -> pb.GetRoutingResponse:
    """The whole; what is not known is unset."""
    message = pb.GetRoutingResponse(
        learns=facts.learns,
        failure=facts.failure,
        refits=facts.refits,
        outcomes=facts.outcomes,
        seconds=facts.seconds,
        explore=facts.explore,
        keep_days=facts.keep_days,
        segments=map(_segment_to_pb, facts.segments),
        drifting=facts.drifting,
        verifier=_verifier_to_pb(facts.verifier),
    )
    if facts.refitted_at_unix_s:
        message.refitted_at.FromSeconds(facts.refitted_at_unix_s)
    return message


def _verifier_to_pb(facts: VerifierFacts) -> pb.RoutingVerifier:
    return pb.RoutingVerifier(
        refitted=facts.refitted,
        labels=facts.labels,
        rank_refitted=facts.rank_refitted,
        rank_shipped=facts.rank_shipped,
        why=facts.why,
    )


def _segment_to_pb(facts: SegmentFacts) -> pb.RoutingSegment:
    return pb.RoutingSegment(
        name=facts.name, guarded=facts.guarded, why=facts.why, models=map(_model_to_pb, facts.models)
    )


def _model_to_pb(facts: ModelFacts) -> pb.RoutingModel:
    return pb.RoutingModel(
        model=facts.model,
        answers=facts.answers,
        labelled=facts.labelled,
        rated=facts.rated,
        score=facts.score,
        quality_configured=facts.quality_configured,
        quality=facts.quality,
        quality_uncertainty=facts.uncertainty,
    )
