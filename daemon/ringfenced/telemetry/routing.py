"""Metrics of routing: read from what a worker has when somebody looks; model and task names, no content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfenced.learn.report import Report

SEGMENTS_MAX = 100
"""Most kinds of requests that have a series of their own, those with the most outcomes: callers name tasks."""


@dataclass(frozen=True, slots=True)
class RoutingNow:
    """How routing stands in one worker."""

    by_learned: int
    """Requests for which something that was learned counted."""
    by_configured: int
    """Requests for which configured quality alone did."""
    explored: int
    """Requests whose first target was taken to learn of it."""
    lessons: int
    """Requests that were kept to learn from."""
    failed: int
    """How often learning failed at a request."""
    report: Report
    """Of the newest refit."""
    embedded: Mapping[str, int] = field(default_factory=dict)
    """Prompts that an embedder was to say more of, by what came of that; none without an embedder."""


class RoutingMetrics(Collector):
    """Shows it."""

    def __init__(self, now: Callable[[], RoutingNow]) -> None:
        """Take what tells how it stands."""
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The figures as they stand."""
        now = self._now()
        rated = CounterMetricFamily(
            "ringfence_routing_rated", "Requests, by what the expected quality came from.", labels=["by"]
        )
        rated.add_metric(["learned"], now.by_learned)
        rated.add_metric(["configured"], now.by_configured)
        yield rated
        for name, words, value in (
            ("explored", "Requests whose first target was taken to learn of it.", now.explored),
            ("lessons", "Requests that were kept to learn from.", now.lessons),
            ("failures", "Requests at which learning failed; they went on without it.", now.failed),
            ("refits", "Refits of this node, ever.", now.report.version),
        ):
            yield CounterMetricFamily(f"ringfence_routing_{name}", words, value=value)
        if now.embedded:
            asked = CounterMetricFamily(
                "ringfence_routing_embedded", "Prompts, by what came of asking the embedder.", labels=["outcome"]
            )
            for outcome, count in sorted(now.embedded.items()):
                asked.add_metric([outcome], count)
            yield asked
        yield from _of(now.report)


def _of(report: Report) -> Iterator[Metric]:
    """What the newest refit said."""
    if report.fitted_at_unix_s:
        yield GaugeMetricFamily(
            "ringfence_routing_refitted_timestamp_seconds", "When the last refit was.", value=report.fitted_at_unix_s
        )
        yield GaugeMetricFamily(
            "ringfence_routing_refit_outcomes", "Outcomes that the last refit was made from.", value=report.outcomes
        )
        yield GaugeMetricFamily(
            "ringfence_routing_verifier_refitted",
            "1 where answers are judged by what was learned here, 0 by what ships.",
            value=float(report.verifier.refitted),
        )
        yield GaugeMetricFamily(
            "ringfence_routing_verifier_labels",
            "Labelled answers that the verifier's last refit had.",
            value=report.verifier.labels,
        )
    quality = GaugeMetricFamily(
        "ringfence_routing_quality", "Learned quality by model, over all kinds of requests.", labels=["model"]
    )
    for model, value in sorted(report.quality_by_model().items()):
        quality.add_metric([model], value)
    yield quality
    guard = GaugeMetricFamily(
        "ringfence_routing_guarded", "1 where the learned score of single requests is not used.", labels=["segment"]
    )
    for segment in report.segments[:SEGMENTS_MAX]:
        guard.add_metric([segment.name], float(segment.guarded))
    yield guard
