"""`Routing` and `Feedback`: who may say and see what, and what is refused before anybody learns of it."""

from __future__ import annotations

import grpc
import pytest

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import inference_pb2
from ringfenced.api.routing import RoutingService, routing_to_pb, take_feedback
from ringfenced.errors import InvalidRequest, PermissionDenied
from ringfenced.learn.facts import ModelFacts, RoutingFacts, SegmentFacts, VerifierFacts
from ringfenced.model import CallerRole

FACTS = RoutingFacts(
    learns=True,
    refits=2,
    refitted_at_unix_s=1_800_000_000,
    outcomes=120,
    seconds=1.5,
    explore=0.02,
    keep_days=90,
    drifting=("small",),
    verifier=VerifierFacts(refitted=True, labels=30, rank_shipped=0.7, why="no worse"),
    segments=(
        SegmentFacts(
            "triage", guarded=True, why="too few outcomes", models=(ModelFacts("small", 9, 4, 1, 0.5, 0.6, 0.4, 0.1),)
        ),
        SegmentFacts("~short", guarded=False, why="", models=(ModelFacts("gone", 3),)),
    ),
)


class Caller:
    identity = "spiffe://site.example/someone"


class Door:
    def __init__(self, *roles):
        self.roles = roles

    def admit(self, _context, *roles):
        if not set(roles) & set(self.roles):
            raise PermissionDenied("needs another role", reason="role_missing")
        return Caller()


class Teaching:
    def __init__(self):
        self.said = []

    async def feedback(self, caller, request_id, score, reason):
        self.said.append((request_id, score, reason))

    async def standing(self):
        return FACTS

    async def forget(self, model, *, by):
        self.said.append((model, by))
        return 7


class Aborted(Exception):
    pass


class Context:
    code = None

    async def abort(self, code, _message, _trailer):
        self.code = code
        raise Aborted


@pytest.mark.parametrize("role", [CallerRole.OPERATOR, CallerRole.AUDITOR])
async def test_operators_and_auditors_see_what_was_learned(role):
    response = await RoutingService(Teaching(), Door(role)).GetRouting(pb.GetRoutingRequest(), Context())
    assert response == routing_to_pb(FACTS)
    assert response.drifting == ["small"]
    assert (response.verifier.refitted, response.verifier.labels, response.verifier.why) == (True, 30, "no worse")
    assert response.verifier.rank_shipped == pytest.approx(0.7)
    assert not response.verifier.HasField("rank_refitted")
    assert (response.refits, response.refitted_at.seconds, response.keep_days) == (2, 1_800_000_000, 90)
    small, gone = response.segments[0].models[0], response.segments[1].models[0]
    assert (small.answers, small.labelled, small.rated) == (9, 4, 1)
    assert small.quality == pytest.approx(0.4)
    assert not any(gone.HasField(name) for name in ("score", "quality_configured", "quality", "quality_uncertainty"))


@pytest.mark.parametrize(
    ("method", "request_", "role"),
    [
        ("GetRouting", pb.GetRoutingRequest(), CallerRole.CALLER),
        ("ForgetRouting", pb.ForgetRoutingRequest(all=True), CallerRole.CALLER),
        ("ForgetRouting", pb.ForgetRoutingRequest(all=True), CallerRole.AUDITOR),
    ],
)
async def test_others_are_refused(method, request_, role):
    teaching, context = Teaching(), Context()
    with pytest.raises(Aborted):
        await getattr(RoutingService(teaching, Door(role)), method)(request_, context)
    assert context.code is grpc.StatusCode.PERMISSION_DENIED
    assert teaching.said == []


async def test_an_operator_forgets_one_model_or_everything_and_says_which():
    teaching = Teaching()
    service = RoutingService(teaching, Door(CallerRole.OPERATOR))
    assert (await service.ForgetRouting(pb.ForgetRoutingRequest(model="small"), Context())).answers == 7
    assert (await service.ForgetRouting(pb.ForgetRoutingRequest(all=True), Context())).answers == 7
    assert teaching.said == [("small", Caller.identity), ("", Caller.identity)]
    for wrong in (pb.ForgetRoutingRequest(), pb.ForgetRoutingRequest(model="small", all=True)):
        context = Context()
        with pytest.raises(Aborted):
            await service.ForgetRouting(wrong, context)
        assert context.code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(teaching.said) == 2


async def test_feedback_is_passed_on():
    teaching = Teaching()
    await take_feedback(
        teaching, Caller(), inference_pb2.FeedbackRequest(request_id="r", score=0.25, reason="wrong_name")
    )
    await take_feedback(teaching, Caller(), inference_pb2.FeedbackRequest(request_id="r", score=1))
    assert teaching.said == [("r", 0.25, "wrong_name"), ("r", 1.0, "")]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"request_id": ""}, "request_id"),
        ({"request_id": "x" * 65}, "request_id"),
        ({"score": -0.1}, "score"),
        ({"score": 1.1}, "score"),
        ({"score": float("nan")}, "score"),
        ({"reason": "Patient Quillon Abernethy"}, "reason"),
        ({"reason": "mrn_77120093"}, "reason"),
        ({"reason": "a_b_c_d_e"}, "reason"),
        ({"reason": "x" * 21}, "reason"),
    ],
)
async def test_what_is_no_score_or_no_word_is_refused_and_not_repeated(fields, path):
    teaching = Teaching()
    with pytest.raises(InvalidRequest) as caught:
        await take_feedback(
            teaching, Caller(), inference_pb2.FeedbackRequest(**({"request_id": "r", "score": 1} | fields))
        )
    assert caught.value.input_path == path
    assert "Quillon" not in caught.value.message
    assert teaching.said == []
