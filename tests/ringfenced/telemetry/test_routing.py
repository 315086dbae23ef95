"""Metrics of routing."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry, generate_latest

from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.report import NO_REPORT, ModelReport, Report, SegmentReport
from ringfenced.telemetry import routing
from ringfenced.telemetry.recorder import Metrics
from ringfenced.telemetry.routing import RoutingNow


def shown(now):
    registry = CollectorRegistry()
    Metrics(registry).show_routing(lambda: now)
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if line.startswith("ringfence_routing")]


def segment(name, guarded, *models):
    return SegmentReport(name, guarded, "", tuple(ModelReport(model, 10, 0.5, 0.25, 0.1, True) for model in models))


def test_what_was_learned_is_shown_by_model_and_kind():
    report = Report(3, 1_800_000_000, 40, 44, 1.0, (segment("triage", False, "small"), segment("~short", True)))
    report = replace(report, verifier=VerifierFacts(refitted=True, labels=30))
    assert shown(RoutingNow(7, 2, 1, 8, 0, report)) == [
        'ringfence_routing_rated_total{by="learned"} 7.0',
        'ringfence_routing_rated_total{by="configured"} 2.0',
        "ringfence_routing_explored_total 1.0",
        "ringfence_routing_lessons_total 8.0",
        "ringfence_routing_failures_total 0.0",
        "ringfence_routing_refits_total 3.0",
        "ringfence_routing_refitted_timestamp_seconds 1.8e+09",
        "ringfence_routing_refit_outcomes 40.0",
        "ringfence_routing_verifier_refitted 1.0",
        "ringfence_routing_verifier_labels 30.0",
        'ringfence_routing_quality{model="small"} 0.25',
        'ringfence_routing_guarded{segment="triage"} 0.0',
        'ringfence_routing_guarded{segment="~short"} 1.0',
    ]


def test_before_the_first_refit_its_figures_are_missing_and_not_0():
    assert not any("refitted" in line or "quality" in line for line in shown(RoutingNow(0, 0, 0, 0, 0, NO_REPORT)))


def test_what_came_of_asking_an_embedder_is_counted_where_there_is_one():
    lines = shown(RoutingNow(0, 0, 0, 0, 0, NO_REPORT, {"used": 3, "late": 1}))
    assert [line for line in lines if "embedded" in line] == [
        'ringfence_routing_embedded_total{outcome="late"} 1.0',
        'ringfence_routing_embedded_total{outcome="used"} 3.0',
    ]
    assert not any("embedded" in line for line in shown(RoutingNow(0, 0, 0, 0, 0, NO_REPORT)))


def test_callers_cannot_make_series_without_end(monkeypatch):
    monkeypatch.setattr(routing, "SEGMENTS_MAX", 3)
    report = Report(1, 1, 1, 1, 1.0, tuple(segment(f"t{number}", True) for number in range(50)))
    assert sum("guarded" in line for line in shown(RoutingNow(0, 0, 0, 0, 0, report))) == 3
