"""A month's figures as tables, and tables as CSV. Pure.

CSV is RFC 4180's. A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, "CSV
Injection"): departments, models and the like are whatever a permit said.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.auditing.figures import Figures, Key, Tally
from ringfenced.cli.auditing.times import iso

Cell = str | int
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NONE: Final = "-"

TALLY: Final = ("sent", "refused", "answered", "failed", "bytes_out", "bytes_in", "cost_microcredits")
"""Columns of every table of tallies, after those that name the row."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table."""

    name: str
    """Names the file."""
    columns: tuple[str, ...]
    """The heads."""
    rows: tuple[tuple[Cell, ...], ...]
    """As many cells each as there are columns."""


def sheets(figures: Figures, contracts: Mapping[str, str]) -> tuple[Sheet, ...]:
    """Every table of a month.

    Args:
        figures: the month.
        contracts: by provider, where they are known.
    """
    destinations: tuple[tuple[Cell, ...], ...] = tuple(
        (*key, contracts.get(key[0], ""), *_cells(tally)) for key, tally in _ranked(figures.destinations)
    )
    types = sorted({*figures.findings_before, *figures.findings_sent, *figures.findings_refused})
    return (
        Sheet("destinations", ("provider", "model", "region", "contract", *TALLY), destinations),
        Sheet("labels", ("label", "level_before", *TALLY), _tallies(figures.labels)),
        Sheet("departments", ("department", *TALLY), _tallies(figures.departments)),
        Sheet("callers", ("caller", "department", *TALLY), _tallies(figures.callers)),
        Sheet("days", ("day", *TALLY), tuple((*key, *_cells(tally)) for key, tally in sorted(figures.days.items()))),
        Sheet(
            "findings",
            ("type", "before_deidentification", "sent", "refused"),
            tuple(
                (name, figures.findings_before[name], figures.findings_sent[name], figures.findings_refused[name])
                for name in types
            ),
        ),
        Sheet("refusals", ("reason", "department", "count"), _counted(figures.refusals)),
        Sheet("outcomes", ("outcome", "reason", "count"), _counted(figures.outcomes)),
        Sheet(
            "events",
            ("time", "entry", "kind", "said", "by"),
            tuple((iso(each.time_unix_ms), each.index, each.kind, each.said, each.by) for each in figures.events),
        ),
    )


def to_csv(sheet: Sheet) -> str:
    """A table as CSV, with its heads."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(sheet.columns)
    writer.writerows([_harmless(cell) for cell in row] for row in sheet.rows)
    return out.getvalue()


def _harmless(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and cell != _NONE else cell


def _tallies(table: Mapping[Key, Tally]) -> tuple[tuple[Cell, ...], ...]:
    """A table's rows, the weightiest first."""
    return tuple((*key, *_cells(tally)) for key, tally in _ranked(table))


def _ranked(table: Mapping[Key, Tally]) -> Iterable[tuple[Key, Tally]]:
    """Rows by the bytes that left, then by what was refused, then by name."""
    return sorted(table.items(), key=lambda row: (-row[1].bytes_out, -row[1].refused, row[0]))


def _cells(tally: Tally) -> Sequence[int]:
    """A tally in the order of `TALLY`."""
    return [getattr(tally, name) for name in TALLY]


def _counted(counts: Mapping[Key, int]) -> tuple[tuple[Cell, ...], ...]:
    """Rows by their number, then by name."""
    ranked = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple((*key, count) for key, count in ranked)
