"""What is measured of the targets, and which of them are left alone, as metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfenced.model import Speed, Target


class TargetMetrics(Collector):
    """Read when somebody looks; what was not measured is not shown."""

    def __init__(
        self,
        measured: Callable[[], Mapping[Target, Speed]],
        left_alone: Callable[[], Mapping[tuple[Target, str], int]],
        opened: Callable[[], Mapping[tuple[Target, str], int]],
    ) -> None:
        """Take where to look; see `Metrics.show_targets`."""
        self._measured = measured
        self._left_alone = left_alone
        self._opened = opened

    def collect(self) -> Iterator[Metric]:
        """The figures as they stand."""
        measured = self._measured()
        for name, told, figure in _FIGURES:
            family = GaugeMetricFamily(f"ringfence_target_{name}_seconds", told, labels=["target"])
            for target, speed in measured.items():
                family.add_metric([str(target)], figure(speed) / 1000)
            yield family
        alone = GaugeMetricFamily(
            "ringfence_target_left_alone_tenants",
            "Tenants of which a caller's or all requests are kept from a target now, by what is the matter with it.",
            labels=["target", "trouble"],
        )
        for (target, trouble), tenants in self._left_alone().items():
            alone.add_metric([str(target), trouble], tenants)
        yield alone
        opened = CounterMetricFamily(
            "ringfence_breaker_opened",
            "Breakers that opened, by target and what is the matter with it.",
            labels=["target", "trouble"],
        )
        for (target, trouble), count in self._opened().items():
            opened.add_metric([str(target), trouble], count)
        yield opened


_FIGURES: tuple[tuple[str, str, Callable[[Speed], float]], ...] = (
    ("first_token", "Measured time to the first token of an empty prompt.", lambda speed: speed.first_token_ms),
    ("prompt_token", "Measured time for each token of a prompt, on top.", lambda speed: speed.prompt_token_ms),
    ("token", "Measured time for each further token of an answer.", lambda speed: speed.token_ms),
)
