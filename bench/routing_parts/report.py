"""What was found, as a table for people and as the one JSON object. Pure."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table

from routing_parts.many import Saved
from routing_parts.metrics import Routed

Found = dict[str, dict[str, Any]]
"""By protocol, by row (``ours``, ``random``, ...): `Routed`, `Saved`, or a number."""
TITLES = {
    "a": "(a) 1,500 labels, by question",
    "a_unseen": "(a) 1,500 labels, subjects left out",
    "b": "(b) online, the chosen model's outcome alone",
    "c": "(c) the ladder, online",
    "d": "(d) many models, in-domain",
    "d_heldout": "(d) many models, task held out",
}
ROWS = ("random", "length", "router", "zero_router", "prior_alone", "without_prior", "ours", "oracle")
"""In the order of a table."""
FIGURES = ("apgr", "cpt50", "cpt80", "saved_at_95", "saved_at_99")


def as_json(found: Found) -> dict[str, dict[str, Any]]:
    """``{protocol: {figures of ours, "rows": {row: figures}}}``; what a protocol does not define is null."""
    told: dict[str, dict[str, Any]] = {}
    for protocol, rows in found.items():
        figures = {name: _figures(value) for name, value in rows.items() if isinstance(value, Routed | Saved)}
        numbers = {name: _number(value) for name, value in rows.items() if isinstance(value, float)}
        told[protocol] = figures.pop("ours") | numbers | {"rows": figures}
    return told


def _figures(value: Routed | Saved) -> dict[str, float | None]:
    figures: dict[str, float | None] = dict.fromkeys(FIGURES)
    if isinstance(value, Routed):
        return figures | {"apgr": _number(value.apgr), "cpt50": _number(value.cpt50), "cpt80": _number(value.cpt80)}
    return figures | {"saved_at_95": _number(value.at_95), "saved_at_99": _number(value.at_99)}


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def table(found: Found) -> Table:
    """For a terminal."""
    drawn = Table(title="Routing", title_justify="left")
    for heading in ("", "APGR", "CPT 50%", "CPT 80%", "saved at 95%", "saved at 99%"):
        drawn.add_column(heading, justify="left" if not heading else "right")
    for protocol, rows in found.items():
        drawn.add_section()
        drawn.add_row(f"[bold]{TITLES.get(protocol, protocol)}")
        for name, cells in _lines(rows):
            drawn.add_row(f"  {name}", *cells, style="bold" if name == "ours" else "")
        for name, value in rows.items():
            if isinstance(value, float):
                drawn.add_row(f"  {name.replace('_', ' ')}: {value:.2f}")
    return drawn


def markdown(found: Found) -> str:
    """For a file."""
    lines = []
    for protocol, rows in found.items():
        lines += [f"## {TITLES.get(protocol, protocol)}", ""]
        lines += ["| | APGR | CPT 50% | CPT 80% | saved at 95% | saved at 99% |", "|---|---:|---:|---:|---:|---:|"]
        lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in _lines(rows)]
        lines += [
            f"\n{name.replace('_', ' ')}: {value:.2f}" for name, value in rows.items() if isinstance(value, float)
        ]
        lines.append("")
    return "\n".join(lines)


def _lines(rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    known = [*(name for name in ROWS if name in rows), *(name for name in rows if name not in ROWS)]
    lines = []
    for name in known:
        if not isinstance(rows[name], float):
            figures = _figures(rows[name])
            lines.append((name.replace("_", " "), [_cell(figure, figures[figure]) for figure in FIGURES]))
    return lines


def _cell(figure: str, value: float | None) -> str:
    if value is None:
        return ""
    if figure == "apgr":
        return f"{value:.3f}"
    return f"{value:.1f}" if figure.startswith("cpt") else f"{100 * value:.0f}%"
