"""What is measured of the targets, as metrics: what is not known has no sample."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from ringfenced.model import Speed, Target, TargetKind
from ringfenced.telemetry.recorder import Metrics

CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")


def test_times_are_in_seconds_and_troubles_by_target():
    """As they stand when somebody looks."""
    registry, measured, closed = CollectorRegistry(), {}, {}
    Metrics(registry).show_targets(lambda: measured, lambda: closed, lambda: {(CLOUD, "unreachable"): 3})
    labels = {"target": "acme/gpt"}
    assert registry.get_sample_value("ringfence_target_first_token_seconds", labels) is None
    measured[CLOUD], closed[CLOUD, "unreachable"] = Speed(400.0, 2.0, 20.0, 9), 2
    assert registry.get_sample_value("ringfence_target_first_token_seconds", labels) == 0.4
    assert registry.get_sample_value("ringfence_target_prompt_token_seconds", labels) == 0.002
    assert registry.get_sample_value("ringfence_target_token_seconds", labels) == 0.02
    labels["trouble"] = "unreachable"
    assert registry.get_sample_value("ringfence_target_left_alone_tenants", labels) == 2
    assert registry.get_sample_value("ringfence_breaker_opened_total", labels) == 3
