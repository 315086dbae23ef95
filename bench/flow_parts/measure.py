"""The measurements; each takes one repetition of one quantity on some sides and puts it on the record.

The sides of one quantity run one after the other, in an order that turns with the repetition.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flow_parts.h2load import H2load
from flow_parts.lines import Helper
from flow_parts.process import CpuMark, Server, rss_mb
from flow_parts.record import Record
from flow_parts.schedule import highest
from flow_parts.stage import Daemon, Stage
from flow_parts.stats import percentile

TTFT_P99_MS_MAX = 20.0
"""Time to first token that 99 of 100 requests must keep at the highest rate."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long things are measured."""

    repetitions: int
    """Of everything."""
    seconds: float
    """Of a closed loop, and of a probe of the highest rate."""
    half_load_s: float
    """Of an open loop at half load."""
    probes: int
    """Rates tried for each highest rate."""
    fleets: tuple[int, ...]
    """Numbers of paced streams at the same time."""


class Measuring:
    """Measures the stage's servers and fills the record."""

    def __init__(self, stage: Stage, record: Record, length: Length) -> None:
        """Wire."""
        self._stage = stage
        self._record = record
        self._length = length
        self._ceilings: dict[tuple[str, str], float] = {}

    def cpu(self, scenario: str, concurrency: int, sides: Sequence[str]) -> None:
        """CPU per request of the server alone, and of its engines, in a closed loop."""
        for side in sides:
            server = self._server(side)
            parts, engines = server.parts(), server.engines()
            mark = CpuMark.take([*parts, *engines])
            result = self._ask("closed", side, scenario=scenario, concurrency=concurrency, seconds=self._length.seconds)
            spent, done = mark.since_us(), result["completed"] or float("nan")
            add = self._record.add
            add(f"{scenario}: cpu_us", side, sum(spent[pid] for pid in parts) / done)
            if len(parts) > 1:
                add(f"{scenario}: supervisor_cpu_us", side, spent[parts[0]] / done)
            if engines:
                add(f"{scenario}: engine_cpu_us", side, sum(spent[pid] for pid in engines) / done)
            add(f"{scenario}: messages", side, result["messages"] / done)
            add(f"{scenario}: octets", side, result["octets"] / done)
            add(f"{scenario}: throughput_hz", side, result["completed"] / result["seconds"])
            add(f"{scenario}: capacity_hz", side, done * 1e6 / _busiest([spent[pid] for pid in parts]))
            self._ceilings[scenario, side] = result["completed"] / result["seconds"]

    def alone(self, scenario: str, concurrency: int, driver: Helper, engines: dict[str, int], model: str) -> None:
        """The same of the scripted engine without a daemon: the client that drives it, and itself."""
        mark = CpuMark.take([driver.pid, engines[model]])
        result = driver.ask(
            "closed", target=model, scenario=scenario, concurrency=concurrency, seconds=self._length.seconds
        )
        spent, done = mark.since_us(), result["completed"] or float("nan")
        self._record.count("alone", result)
        self._record.add(f"{scenario}: cpu_us", "alone", spent[driver.pid] / done)
        self._record.add(f"{scenario}: engine_cpu_us", "alone", spent[engines[model]] / done)
        self._record.add(f"{scenario}: ttft_p50_ms", "alone", percentile(result["ttft_ms"], 0.5))

    def highest_rate(self, scenario: str, sides: Sequence[str], seed: int) -> None:
        """The highest Poisson rate at which the time to first token keeps its bound and every request ends well."""
        for side in sides:
            ceiling = self._ceilings.get((scenario, side), 0) or 1000.0

            def once(rate: float, side: str = side) -> bool:
                result = self._open(side, scenario, rate, self._length.seconds, seed=seed, grace_s=1.0)
                lost = result["unfinished"] or result["failed"]
                return not lost and percentile(result["ttft_ms"], 0.99) <= TTFT_P99_MS_MAX

            # Twice, for the machine has other things to do: one stall of 20 ms fails a probe at any rate.
            self._record.add(
                f"{scenario}: rate_hz",
                side,
                highest(lambda rate: once(rate) or once(rate), ceiling * 1.25, self._length.probes),
            )

    def half_load(self, scenario: str, sides: Sequence[str], governed: str, seed: int) -> None:
        """Time to first token at half of the governed side's highest rate, the same rate on every side."""
        rates = self._record.get(f"{scenario}: rate_hz", governed)
        rate = max(20.0, rates[-1] / 2)
        self._record.add(f"{scenario}: half_load_hz", governed, rate)
        for side in sides:
            result = self._open(side, scenario, rate, self._length.half_load_s, seed=seed, grace_s=5.0)
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                self._record.add(f"{scenario}: ttft_{name}_ms", side, percentile(result["ttft_ms"], share))
                self._record.add(f"{scenario}: lag_{name}_ms", side, percentile(result["lag_ms"], share))

    def fleet(self, sides: Sequence[str]) -> None:
        """Tokens a second for many paced streams at the same time."""
        for streams in self._length.fleets:
            for side in sides:
                result = self._ask("fleet", side, scenario="long", streams=streams)
                tokens = result["completed"] * 100 / result["seconds"]
                self._record.add(f"{streams} streams: tokens_hz", side, tokens)
                self._record.add(f"{streams} streams: ttft_p99_ms", side, percentile(result["ttft_ms"], 0.99))

    def storm(self, side: str) -> None:
        """Callers that hang up after the first text, and how soon every slot is free."""
        server = self._server(side)
        mark = CpuMark.take(server.parts())
        result = self._ask("storm", side, callers=64, rounds=2)
        self._record.add("storm: cpu_us", side, sum(mark.since_us().values()) / max(1, result["completed"]))
        self._record.add("storm: free_ms", side, result["free_ms"])
        self._record.add("storm: left_running", side, result["left_running"])

    def slow_readers(self, side: str, seed: int) -> None:
        """What slow readers do to everybody else, and to the server's memory."""
        server = self._server(side)
        before = rss_mb(server.pid)
        rate = 50.0
        alone = self._open(side, "unary", rate, self._length.half_load_s, seed=seed, grace_s=5.0)
        result = self._ask("slow", side, readers=8, rate=rate, seconds=self._length.half_load_s, seed=seed)
        self._record.add("slow readers: ttft_p99_ms", side, percentile(result["ttft_ms"], 0.99))
        self._record.add("no slow readers: ttft_p99_ms", side, percentile(alone["ttft_ms"], 0.99))
        self._record.add("slow readers: memory_mb", side, rss_mb(server.pid) - before)
        self._record.add("slow readers: ended_by_daemon", side, sum(result["slow"]["failed"].values()))

    def start(self, name: str, kind: Daemon) -> None:
        """Start a daemon, measure its time to ready and its memory, and end it."""
        with self._stage.daemon(name, kind, keep=False) as server:
            self._standing(name, server)

    def start_bare(self) -> None:
        """The same of the bare server."""
        with self._stage.another_bare() as server:
            self._standing("bare", server)

    def _standing(self, side: str, server: Server) -> None:
        time.sleep(0.3)
        self._record.add("ready_ms", side, server.ready_ms)
        self._record.add("memory_mb", side, rss_mb(server.pid))

    def h2load(self, h2load: H2load, side: str, address: str, requests: int) -> None:
        """CPU per request with a generator written in C."""
        self._record.add("h2load: cpu_us", side, h2load.cpu_us(self._server(side), address, requests))

    def _server(self, side: str) -> Server:
        return self._stage.servers[_target(side)]

    def _ask(self, what: str, side: str, **arguments: object) -> dict[str, Any]:
        result = self._stage.load.ask(what, target=_target(side), **arguments)
        self._record.count(side, result)
        return result

    def _open(
        self, side: str, scenario: str, rate: float, seconds: float, *, seed: int, grace_s: float
    ) -> dict[str, Any]:
        """An open loop; probes of the highest rate may fail by design and are counted apart."""
        result = self._stage.load.ask(
            "open", target=_target(side), scenario=scenario, rate=rate, seconds=seconds, seed=seed, grace_s=grace_s
        )
        self._record.count(f"{side}, open loop", result)
        return result


def _target(side: str) -> str:
    """The server of a side; the A/A pair is one server measured twice."""
    return "bare" if side == "again" else side


def _busiest(spent_us: list[float]) -> float:
    """What the bottleneck spent: the one process, or of several the supervisor or the mean of the workers.

    Connections fall to workers by hash; with few of them the mean says what many would give.
    """
    supervisor, *workers = spent_us
    return max(supervisor, sum(workers) / len(workers)) if workers else supervisor
