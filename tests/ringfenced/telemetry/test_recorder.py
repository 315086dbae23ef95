"""Step 8: one canonical line and a few counts, however a request ends; never content."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from prometheus_client import CollectorRegistry

from ringfence.labels import Category, Label, Level
from ringfence.recognize.finding import Finding
from ringfenced.errors import Refused, Unavailable
from ringfenced.model import (
    Caller,
    Classification,
    Finish,
    FinishReason,
    Located,
    Message,
    Prompt,
    Request,
    Role,
    Target,
    TargetKind,
    Text,
    Usage,
    Verdict,
)
from ringfenced.telemetry.log import LineBuffer
from ringfenced.telemetry.recorder import CanonicalRecorder, Metrics
from ringfenced.way import Way


def way(**changes):
    request = Request("r1", Prompt((Message(Role.USER, (Text("Joanna Whitfield"),)),)), metadata={"k": "Joanna"})
    made = Way(request, 10.0, step=7, finished_s=10.5, first_delta_s=10.1, cost_microcredits=5)
    made.caller = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
    found = (Located("messages[0].parts[0].text", Finding(0, 16, "PERSON", 0.9, "t")),)
    made.classification = Classification(Label(Level.CONFIDENTIAL, frozenset({Category.PII})), Label(), found, 16)
    made.ran = [Target(TargetKind.LOCAL, "house")]
    made.finish = Finish(FinishReason.STOP, Usage(4, 6))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def recorded(made):
    stream, registry = io.StringIO(), CollectorRegistry()
    CanonicalRecorder(Metrics(registry), LineBuffer(stream), lambda: 7).record(made)
    return stream.getvalue(), registry


def test_the_line_says_what_happened_and_no_content():
    line, registry = recorded(way())
    assert "Joanna" not in line
    told = json.loads(line)
    assert told == {
        "event": "request",
        "time_unix_ms": 7,
        "request_id": "r1",
        "outcome": "answered",
        "step": 7,
        "duration_ms": 500.0,
        "cost_microcredits": 5,
        "first_delta_ms": 100.0,
        "caller": "spiffe://site/ward",
        "department": "ward",
        "label": "CONFIDENTIAL {PII}",
        "findings": {"PERSON": 1},
        "ran": ["local:house"],
        "finish": "stop",
        "prompt_tokens": 4,
        "completion_tokens": 6,
    }
    assert registry.get_sample_value("ringfence_requests_total", {"outcome": "answered"}) == 1
    assert registry.get_sample_value("ringfence_cost_microcredits_total") == 5
    assert registry.get_sample_value("ringfence_completion_tokens_total") == 6


def test_what_was_said_of_each_answer_is_in_the_line():
    short = Verdict(good=False, score=0.25, evaluator="arithmetic", reason="3 of 4 calculations are wrong")
    agreed = Verdict(good=True, score=1.0, evaluator="agreement")
    house = Target(TargetKind.LOCAL, "house")
    line, _ = recorded(way(verdicts=[(house, short), (house, agreed)]))
    reason = "3 of 4 calculations are wrong"
    assert json.loads(line)["verdicts"] == [
        {"target": "local:house", "evaluator": "arithmetic", "score": 0.25, "good": False, "reason": reason},
        {"target": "local:house", "evaluator": "agreement", "score": 1.0, "good": True},
    ]


def test_evaluations_are_counted_by_name_and_outcome():
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count_evaluation("judge", "late")
    metrics.count_evaluation("judge", "late")
    labels = {"evaluator": "judge", "outcome": "late"}
    assert registry.get_sample_value("ringfence_evaluations_total", labels) == 2


@pytest.mark.parametrize(
    ("changes", "outcome", "told"),
    [
        ({"error": Refused("no"), "step": 3}, "refused", {"reason": "refused"}),
        ({"error": Unavailable("away", reason="engine_died"), "step": 5}, "failed", {"reason": "engine_died"}),
        ({"error": asyncio.CancelledError("Joanna")}, "cancelled", {"error_type": "CancelledError"}),
        ({"error": GeneratorExit()}, "cancelled", {"error_type": "GeneratorExit"}),
        ({"error": ValueError("Joanna")}, "failed", {"error_type": "ValueError"}),
        ({"caller": None, "classification": None, "ran": [], "finish": None, "step": 1}, "answered", {}),
    ],
)
def test_every_exit_is_told(changes, outcome, told):
    line, registry = recorded(way(**changes))
    assert "Joanna" not in line
    assert json.loads(line)["outcome"] == outcome
    assert told.items() <= json.loads(line).items()
    assert registry.get_sample_value("ringfence_requests_total", {"outcome": outcome}) == 1


def test_rungs_that_gave_no_answer_are_told_and_counted():
    """By target and reason; without content."""
    cloud = Target(TargetKind.PROVIDER, "gpt", provider="acme")
    line, registry = recorded(way(unanswered=[(cloud, "provider_unreachable")]))
    assert json.loads(line)["unanswered"] == ["acme/gpt: provider_unreachable"]
    labels = {"target": "acme/gpt", "reason": "provider_unreachable"}
    assert registry.get_sample_value("ringfence_unanswered_rungs_total", labels) == 1


def test_what_allow_lists_let_go_is_shown_by_type_as_it_grows():
    registry, used = CollectorRegistry(), {"PERSON": 2}
    Metrics(registry).count_allowed(lambda: used)
    used["PHONE"] = 1

    def count(entity_type):
        return registry.get_sample_value("ringfence_findings_allowed_total", {"type": entity_type})

    assert (count("PERSON"), count("PHONE"), count("DATE")) == (2, 1, None)
