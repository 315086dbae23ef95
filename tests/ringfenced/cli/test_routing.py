"""`ringfence feedback` and `ringfence routing`."""

from __future__ import annotations

import json

import grpc
import pytest

from fakes.daemon import Fail
from ringfence.v1 import admin_pb2, inference_pb2
from ringfence.v1.types_pb2 import ErrorDetail

STANDING = admin_pb2.GetRoutingResponse(
    learns=True,
    refits=3,
    drifting=["tiny"],
    verifier=admin_pb2.RoutingVerifier(refitted=True, labels=1234, why="it ranks answers no worse"),
    outcomes=1200,
    seconds=1.25,
    explore=0.02,
    keep_days=90,
    segments=[
        admin_pb2.RoutingSegment(
            name="triage",
            guarded=True,
            why="too few outcomes",
            models=[
                admin_pb2.RoutingModel(
                    model="tiny",
                    answers=1300,
                    labelled=900,
                    rated=12,
                    score=0.21,
                    quality_configured=0.6,
                    quality=0.24,
                    quality_uncertainty=0.04,
                ),
                admin_pb2.RoutingModel(model="gone", answers=2),
            ],
        )
    ],
)
STANDING.refitted_at.FromSeconds(1_800_000_000)


def test_feedback_is_sent_and_said(ringfence, daemon):
    daemon.script["Feedback"] = [inference_pb2.FeedbackResponse()]
    done = ringfence("feedback", "3f9c", "0", "--reason", "wrong_name")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "3f9c: taken, 0, wrong_name" in done.stderr
    assert daemon.requests == [
        ("Feedback", inference_pb2.FeedbackRequest(request_id="3f9c", score=0, reason="wrong_name"))
    ]
    assert json.loads(ringfence("feedback", "3f9c", "0.5", "--json").stdout)["score"] == 0.5


@pytest.mark.parametrize("score", ["-1", "1.5", "good"])
def test_a_score_out_of_range_is_wrong_usage(ringfence, daemon, score):
    assert ringfence("feedback", "3f9c", score).exit_code == 2
    assert daemon.requests == []


def test_an_id_that_is_kept_no_more_is_told(ringfence, daemon):
    told = "This department has no answered request of that id. Ids are kept for 90 days."
    daemon.script["Feedback"] = [Fail(grpc.StatusCode.NOT_FOUND, told, ErrorDetail(reason="request_unknown"))]
    done = ringfence("feedback", "3f9c", "1")
    assert done.exit_code == 7
    assert "kept for 90 days" in done.stderr


def test_what_was_learned_stands_beside_what_is_configured(ringfence, daemon):
    daemon.script["GetRouting"] = [STANDING]
    told = ringfence("routing", "show", name="operator").stdout
    assert "refit 3 at 2027-01-15T08:00:00Z from 1,200 outcomes, in 1.2 s" in told
    assert "2.0% of requests may try another target" in told
    assert "no longer as expected: tiny" in told
    assert "verifier of answers refitted here, 1,234 labels: it ranks answers no worse" in told
    row = next(line for line in told.splitlines() if "tiny" in line and "triage" in line)
    for cell in ("triage", "1,300", "900", "12", "0.21", "0.60", "0.24 ± 0.04", "on: too few outcomes"):
        assert cell in row
    assert "triage" not in next(line for line in told.splitlines() if "gone" in line)
    assert json.loads(ringfence("routing", "show", "--json").stdout)["segments"][0]["models"][0]["model"] == "tiny"


def test_before_the_first_refit_and_where_nothing_is_learned(ringfence, daemon):
    daemon.script["GetRouting"] = [admin_pb2.GetRoutingResponse(learns=True, failure="nothing is learned: full")]
    told = ringfence("routing", "show").stdout
    assert "nothing was learned yet" in told
    assert "verifier" not in told
    assert "nothing is learned: full" in told
    daemon.script["GetRouting"] = [admin_pb2.GetRoutingResponse()]
    assert "does not learn" in ringfence("routing", "show").stdout


def test_a_verifier_that_stays_as_it_ships_says_why(ringfence, daemon):
    kept = admin_pb2.RoutingVerifier(labels=30, why="it ranks answers worse")
    daemon.script["GetRouting"] = [admin_pb2.GetRoutingResponse(learns=True, verifier=kept)]
    told = ringfence("routing", "show").stdout
    assert "verifier of answers as shipped, 30 labels: it ranks answers worse" in told


def test_one_model_or_everything_is_forgotten(ringfence, daemon):
    daemon.script["ForgetRouting"] = [admin_pb2.ForgetRoutingResponse(answers=1234)]
    assert "1,234 answers forgotten" in ringfence("routing", "forget", "--model", "tiny").stdout
    assert json.loads(ringfence("routing", "forget", "--all", "--json").stdout) == {"answers": 1234}
    assert [request for _, request in daemon.requests] == [
        admin_pb2.ForgetRoutingRequest(model="tiny"),
        admin_pb2.ForgetRoutingRequest(all=True),
    ]
    assert ringfence("routing", "forget").exit_code == 2
    assert ringfence("routing", "forget", "--all", "--model", "tiny").exit_code == 2
