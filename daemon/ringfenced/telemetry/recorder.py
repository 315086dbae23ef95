"""Step 8: one canonical log line and a few counts for each request that ends, however it ends.

The field names are constants, so that a site's queries do not break; none of them ever holds content.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from ringfenced.decide.considered import rules_of
from ringfenced.decide.record import Recorded
from ringfenced.device import DeviceFacts
from ringfenced.errors import RingfenceError
from ringfenced.model import Speed, Target, Verdict
from ringfenced.telemetry.devices import DeviceMetrics
from ringfenced.telemetry.log import LineBuffer
from ringfenced.telemetry.routing import RoutingMetrics, RoutingNow
from ringfenced.telemetry.targets import TargetMetrics
from ringfenced.way import Way

REQUEST: Final = "request"
OUTCOMES: Final = ("answered", "refused", "failed", "cancelled")

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The daemon's metrics, with their children bound once: looking labels up costs more than counting."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register with `registry`."""
        requests = Counter("ringfence_requests", "Requests that ended, by outcome.", ["outcome"], registry=registry)
        self.requests = {outcome: requests.labels(outcome) for outcome in OUTCOMES}
        self.duration = Histogram(
            "ringfence_request_duration_seconds", "From the door to the end.", registry=registry, buckets=_SECONDS
        )
        self.first_delta = Histogram(
            "ringfence_time_to_first_delta_seconds",
            "From the door to the first delta.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.cost = Counter("ringfence_cost_microcredits", "Microcredits booked.", registry=registry)
        self.egress = Counter("ringfence_egress_entries", "Log entries of what left the site.", registry=registry)
        self.tokens = Counter("ringfence_completion_tokens", "Tokens of finished answers.", registry=registry)
        self._unanswered = Counter(
            "ringfence_unanswered_rungs",
            "Rungs that gave no answer before another target took over, by target and reason.",
            ["target", "reason"],
            registry=registry,
        )
        self.running = Gauge("ringfence_requests_running", "Requests on their way.", registry=registry)
        self.evaluations = Counter(
            "ringfence_evaluations",
            "Times that an evaluator was asked of an answer, by how that ended.",
            ["evaluator", "outcome"],
            registry=registry,
        )
        self._registry = registry

    def count_evaluation(self, evaluator: str, outcome: str) -> None:
        """Count that an evaluator was asked: ``good``, ``short``, or why it said nothing (`evaluating.Outcome`)."""
        self.evaluations.labels(evaluator, outcome).inc()

    def count_allowed(self, allowed: Callable[[], Mapping[str, int]]) -> None:
        """Show what allow lists let go, by entity type; once."""
        self._registry.register(AllowedFindings(allowed))

    def show_routing(self, now: Callable[[], RoutingNow]) -> None:
        """Show how routing stands; once."""
        self._registry.register(RoutingMetrics(now))

    def count_unanswered(self, target: Target, reason: str) -> None:
        """Count a rung that gave no answer before another target took over."""
        self._unanswered.labels(str(target), reason).inc()

    def show_targets(
        self,
        measured: Callable[[], Mapping[Target, Speed]],
        left_alone: Callable[[], Mapping[tuple[Target, str], int]],
        opened: Callable[[], Mapping[tuple[Target, str], int]],
    ) -> None:
        """Show what is measured of the targets and which are left alone; once.

        All three are called by whichever thread serves metrics.

        Args:
            measured: what each takes.
            left_alone: to how many tenants each is closed, by trouble.
            opened: how often a breaker of each opened, by trouble.
        """
        self._registry.register(TargetMetrics(measured, left_alone, opened))

    def show_devices(self, inventory: Callable[[], Iterable[DeviceFacts]], host_name: str) -> None:
        """Show what the devices tell; once.

        Args:
            inventory: every device as it was lately; called by whichever thread serves metrics.
            host_name: the machine's.
        """
        self._registry.register(DeviceMetrics(inventory, host_name))


class AllowedFindings(Collector):
    """What allow lists let go, by entity type: read from the recogniser when somebody looks.

    A type that was let go too often, or that nobody expected, shows here; what it was does not.
    """

    def __init__(self, allowed: Callable[[], Mapping[str, int]]) -> None:
        """Take what counts by type; it only grows."""
        self._allowed = allowed

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they stand."""
        family = CounterMetricFamily(
            "ringfence_findings_allowed",
            "Findings that allow lists let go, by type; each scan counts.",
            labels=["type"],
        )
        for entity_type, count in sorted(self._allowed().items()):
            family.add_metric([entity_type], count)
        yield family


class CanonicalRecorder:
    """Writes the line and counts."""

    def __init__(
        self,
        metrics: Metrics | None,
        lines: LineBuffer | None,
        wall_clock_ms: Callable[[], int],
        decided: Callable[[Recorded], None] | None = None,
    ) -> None:
        """Take what to feed.

        Args:
            metrics: None to count nothing.
            lines: where lines go; None to write none.
            wall_clock_ms: Unix time in milliseconds.
            decided: where what decisions were made from goes; None to keep none.
        """
        self._decided = decided
        self._metrics = metrics
        self._lines = lines
        self._wall_clock_ms = wall_clock_ms
        self._encode = json.JSONEncoder(separators=(",", ":")).encode

    def record(self, way: Way) -> None:
        """Write one line, count, and keep what was decided from; without content."""
        outcome = _outcome(way)
        if self._metrics is not None:
            self._count(self._metrics, way, outcome)
        if self._lines is not None:
            line = {"event": REQUEST, "time_unix_ms": self._wall_clock_ms(), **fields(way, outcome)}
            self._lines.add(self._encode(line))
        if self._decided is not None and way.inputs is not None:
            self._decided(Recorded(way.request.id, self._wall_clock_ms(), way.inputs))

    @staticmethod
    def _count(metrics: Metrics, way: Way, outcome: str) -> None:
        metrics.requests[outcome].inc()
        metrics.duration.observe(way.finished_s - way.started_s)
        if way.first_delta_s is not None:
            metrics.first_delta.observe(way.first_delta_s - way.started_s)
        if way.cost_microcredits:
            metrics.cost.inc(way.cost_microcredits)
        if way.proofs:
            metrics.egress.inc(len(way.proofs))
        for target, reason in way.unanswered:
            metrics.count_unanswered(target, reason)
        if way.finish is not None:
            metrics.tokens.inc(way.finish.usage.completion_tokens)


def fields(way: Way, outcome: str) -> dict[str, object]:
    """What the canonical line says."""
    line: dict[str, object] = {
        "request_id": way.request.id,
        "outcome": outcome,
        "step": way.step,
        "duration_ms": round((way.finished_s - way.started_s) * 1000, 3),
        "cost_microcredits": way.cost_microcredits,
    }
    if way.first_delta_s is not None:
        line["first_delta_ms"] = round((way.first_delta_s - way.started_s) * 1000, 3)
    if way.caller is not None:
        line["caller"] = way.caller.identity
        line["department"] = way.caller.department
    if way.classification is not None:
        line["label"] = str(way.classification.label)
        line["findings"] = way.classification.findings_by_type()
    if way.decision is not None:
        line["refused"] = rules_of(way.decision)
    line |= _runs(way)
    if way.finish is not None:
        line["finish"] = way.finish.reason
        line["prompt_tokens"] = way.finish.usage.prompt_tokens
        line["completion_tokens"] = way.finish.usage.completion_tokens
    if way.proofs:
        line["egress_entries"] = [proof.index for proof in way.proofs]
    return line | _failure(way.error)


def _failure(error: BaseException | None) -> dict[str, object]:
    if isinstance(error, RingfenceError):
        return {"reason": error.reason}
    return {} if error is None else {"error_type": type(error).__name__}


def _verdict(target: Target, verdict: Verdict) -> dict[str, object]:
    """What was said of one answer; reasons are our own words."""
    said: dict[str, object] = {"target": str(target), "evaluator": verdict.evaluator}
    said |= {"score": round(verdict.score, 3), "good": verdict.good}
    return said | ({"reason": verdict.reason} if verdict.reason else {})


def _runs(way: Way) -> dict[str, object]:
    """Which targets ran, which of them gave no answer, and what was said of the answers of the others."""
    runs: dict[str, object] = {}
    if way.ran:
        runs["ran"] = [str(target) for target in way.ran]
    if way.unanswered:
        runs["unanswered"] = [f"{target}: {reason}" for target, reason in way.unanswered]
    if way.verdicts:
        runs["verdicts"] = [_verdict(target, verdict) for target, verdict in way.verdicts]
    return runs


def _outcome(way: Way) -> str:
    error = way.error
    if error is None:
        return "answered"
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "cancelled"
    return "refused" if isinstance(error, RingfenceError) and way.step <= 4 else "failed"  # noqa: PLR2004 - step 5 runs
