"""What a worker tells of its requests: lines, metrics, kept decisions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server

from ringfenced.build import clock
from ringfenced.config import Config
from ringfenced.nouns import Recorder
from ringfenced.store.decisions import DecisionFiles
from ringfenced.telemetry.log import LineBuffer
from ringfenced.telemetry.recorder import CanonicalRecorder, Metrics


@dataclass(frozen=True, slots=True)
class Told:
    """Where what happened goes."""

    recorder: Recorder
    """Takes finished requests."""
    metrics: Metrics | None
    """None where they are off."""

    def count_evaluation(self, name: str, outcome: str) -> None:
        """Count what came of asking an evaluator."""
        if self.metrics is not None:
            self.metrics.count_evaluation(name, outcome)


@contextmanager
def telling(config: Config, pseudonym: Callable[[str], str], worker: int | None) -> Iterator[Told]:
    """Open what is told to; what is not written yet is written when the context ends."""
    with ExitStack() as stack:
        lines = LineBuffer(sys.stderr) if config.telemetry.request_lines else None
        if lines is not None:
            stack.callback(lines.flush)
        decisions = _decisions(config, pseudonym, worker)
        if decisions is not None:
            stack.callback(decisions.close)
        metrics = metrics_of(config, worker)
        add = None if decisions is None else decisions.add
        yield Told(CanonicalRecorder(metrics, lines, clock.unix_ms, add), metrics)


def metrics_of(config: Config, worker: int | None) -> Metrics | None:
    """Metrics, served where the file says, each worker's on the next port; None where they are off."""
    telemetry = config.telemetry
    if not telemetry.metrics:
        return None
    registry = CollectorRegistry()
    if telemetry.metrics_listen:
        host, _, port = telemetry.metrics_listen.rpartition(":")
        start_http_server(int(port) + (worker or 0), host.strip("[]") or "127.0.0.1", registry)
    return Metrics(registry)


def _decisions(config: Config, pseudonym: Callable[[str], str], worker: int | None) -> DecisionFiles | None:
    """Where decisions are kept; each worker writes files of its own, and the limit is for all together."""
    bytes_max = config.routing.keep_decisions_mb * 1024 * 1024 // (config.workers if worker is not None else 1)
    if not bytes_max:
        return None
    return DecisionFiles(config.state / "decisions", str(worker or 0), bytes_max, pseudonym)
