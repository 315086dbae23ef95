"""The rows of the result: our engine over each other side, within each repetition. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from flow_parts.record import Record
from flow_parts.report import TIMES, figure
from flow_parts.stats import Summary, differences, ratios, summarise

OURS = "ringfence engine"
WHOLE = "the daemon's whole way"
CPP = "llama.cpp's C++ server"
PYTHON = "llama_cpp.server"
SIDES = (OURS, WHOLE, CPP, PYTHON, "llama_cpp.Llama")
HEAD = ("model, callers", "side", "tokens/s", "tokens/CPU s", "first token p50, ms", "p99, ms", "ours / it", "aim")
AIM_CALLERS = 8
"""Level at which llama_cpp.server is to be beaten threefold."""


@dataclass(frozen=True, slots=True)
class Line:
    """One side at one level."""

    where: str
    side: str
    rate: Summary | None
    per_cpu: Summary | None
    first: Summary | None
    first_p99: Summary | None
    ratio: Summary | None
    """Of tokens per processor second; of tokens per second for the daemon's way, whose engine is the same."""
    aim: str
    """The aim and whether the median keeps it; empty for none."""


def lines(record: Record, models: Sequence[str], callers: Sequence[int]) -> list[Line]:
    """Every side at every level that was measured."""
    found = []
    for model in models:
        for level in callers:
            where = f"{model}, {level}"
            found += [_line(record, where, level, side) for side in SIDES if record.get(f"{where}: tokens_hz", side)]
    return found


def _line(record: Record, where: str, callers: int, side: str) -> Line:
    def of(quantity: str, whose: str = side) -> list[float]:
        return record.get(f"{where}: {quantity}", whose)

    is_way = side == WHOLE
    by = "tokens_hz" if is_way else "tokens_per_cpu_s"
    ratio = None if side == OURS else summarise(ratios(of(by, OURS), of(by)))
    aim = ""
    if ratio is not None and side == CPP:
        aim = _aim("≥ 1.0" + TIMES, met=ratio.median >= 1.0)
    elif ratio is not None and side == PYTHON and callers == AIM_CALLERS:
        aim = _aim("≥ 3" + TIMES, met=ratio.median >= 3)
    elif ratio is not None and is_way:
        added = summarise(differences(of("first_p50_ms"), of("first_p50_ms", OURS)))
        assert added is not None
        aim = f"{_aim('≤ 1.03' + TIMES, met=ratio.median <= 1.03)}; first token {added.median:+.1f} ms " + _aim(
            "≤ 2", met=added.median <= 2
        )
    return Line(
        where,
        side,
        *(summarise(of(name)) for name in ("tokens_hz", "tokens_per_cpu_s", "first_p50_ms", "first_p99_ms")),
        ratio,
        aim,
    )


def _aim(text: str, *, met: bool) -> str:
    return f"{text} {'met' if met else 'MISSED'}"


def cells(line: Line) -> list[str]:
    """A line as text."""
    return [
        line.where,
        line.side,
        *map(figure, (line.rate, line.per_cpu, line.first, line.first_p99)),
        figure(line.ratio, TIMES),
        line.aim,
    ]


def table(found: Sequence[Line]) -> Table:
    """For a terminal."""
    grid = Table(
        title="Our engine beside others", title_justify="left", caption="median (lowest to highest repetition)"
    )
    for name in HEAD:
        grid.add_column(name, justify="left" if name in ("model, callers", "side", "aim") else "right")
    where = ""
    for line in found:
        if line.where != where:
            where = line.where
            grid.add_section()
        grid.add_row(*cells(line))
    return grid


def markdown(found: Sequence[Line]) -> str:
    """The same for a file."""
    rows = [f"| {' | '.join(HEAD)} |", "|---|---|---:|---:|---:|---:|---:|---|"]
    return "\n".join([*rows, *(f"| {' | '.join(cells(line))} |" for line in found)]) + "\n"
