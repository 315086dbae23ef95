"""The rows of the result, some against an aim, and how they are written. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from flow_parts.record import Record
from flow_parts.report import figure
from flow_parts.stats import Summary, summarise


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    section: str
    """What it belongs to."""
    label: str
    """What is measured."""
    quantity: str
    """In the record."""
    side: str
    """Likewise."""
    aim: float | None = None
    """The greatest value; None for a row without an aim. Never raised."""


SIDES = {
    "patterns": "Ringfence: structured identifiers",
    "gazetteer": "Ringfence: with gazetteers",
    "tagger": "Ringfence: with gazetteers and tagger",
    "all": "Ringfence: everything on",
    "bare": "Presidio: patterns, no NLP",
    "regex": "Presidio: patterns, blank tokenizer",
    "spacy": "Presidio: with a spaCy pipeline",
}
"""Who is measured."""
AIMS_MS = {"patterns": 0.3, "gazetteer": 1.0, "all": 4.0}
"""Of CPU time for a note of 2 KB."""
NOTE = "CPU per note of 2 KB, ms"
FORMS = "CPU per 2 KB of forms, an identifier in every fifty characters, ms"
GROWTH = "Cost of one text by its size, ms of CPU"
EXPONENT = "Power of the size that the cost grows with"
NASTY = "Strings made to be slow"
CUSTOM = "A site's own patterns and words: CPU per note of 2 KB, ms"
FRESH = "A fresh process, compiled database in the cache"
EXPONENT_MAX = 1.15
"""What still counts as linear: caches that overflow and clocks that flicker cost a few hundredths."""


FLAT_MAX = 1.25
"""What still counts as flat from few to many patterns or words."""


def rows(record: Record) -> list[Row]:
    """Every row that was measured, in order."""
    listed = [
        *(Row(NOTE, SIDES[side], "note_ms", side, AIMS_MS.get(side)) for side in SIDES),
        *(Row(FORMS, SIDES[side], "forms_ms", side) for side in SIDES),
        *(
            Row(GROWTH, f"{SIDES[side]}, {quantity.removeprefix('size ')}", quantity, side)
            for side in SIDES
            for quantity in sorted((name for name in record.values if name.startswith("size ")), key=_kilobytes)
        ),
        *(Row(EXPONENT, SIDES[side], "exponent", side, EXPONENT_MAX if side in AIMS_MS else None) for side in SIDES),
        *(
            Row(NASTY, f"{SIDES[side]}: {label}", quantity, side, EXPONENT_MAX if judged and side in AIMS_MS else None)
            for side in SIDES
            for quantity, label, judged in (
                ("nasty exponent", "worst power of the size, all kinds", True),
                ("fuzzed exponent", "worst power of the size, fuzzed", True),
                ("nasty ms", "slowest kind at 64 KB, ms", False),
                ("fuzzed ms", "slowest fuzzed at 64 KB, ms", False),
                ("worst of Presidio ms", "the string that is worst for Presidio, 67 KB, ms", False),
            )
        ),
        *(
            Row(CUSTOM, name.removeprefix("custom "), name, "custom")
            for name in record.values
            if name.startswith("custom ")
        ),
        Row(CUSTOM, "10,000 patterns over 100, times", "patterns grown", "custom", FLAT_MAX),
        Row(CUSTOM, "100,000 words over 1,000, times", "words grown", "custom", FLAT_MAX),
        Row(FRESH, "loaded and ready to scan, ms", "load_ms", "all", 100),
        Row(FRESH, "loaded and ready, patterns alone, ms", "load_ms", "patterns"),
        Row(FRESH, "imports before that, ms", "import_ms", "all"),
        Row(FRESH, "first scan after that, ms", "first_scan_ms", "all"),
        Row(FRESH, "resident with everything loaded, MB", "rss_mb", "all", 250),
        Row(FRESH, "resident, patterns alone, MB", "rss_mb", "patterns"),
        *(Row(FRESH, f"resident, {SIDES[side]}, MB", "rss_mb", side) for side in ("regex", "spacy")),
    ]
    return [row for row in listed if record.get(row.quantity, row.side)]


def _kilobytes(quantity: str) -> int:
    return int(quantity.split()[1])


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its figures."""

    row: Row
    summary: Summary
    met: bool | None
    """Whether the median keeps the aim; None without one."""


def lines(record: Record) -> list[Line]:
    """Every row that was measured, judged."""
    found = []
    for row in rows(record):
        summary = summarise(record.get(row.quantity, row.side))
        if summary is not None:
            found.append(Line(row, summary, None if row.aim is None else summary.median <= row.aim))
    return found


HEAD = ("what", "median (lowest to highest)", "aim")


def cells(line: Line, mark: Callable[[str, bool], str]) -> list[str]:
    """A line's cells; `mark` sets off whether its aim was met."""
    aim = ""
    if line.met is not None:
        aim = mark(f"≤ {line.row.aim:g} {'met' if line.met else 'missed'}", line.met)
    return [line.row.label, figure(line.summary), aim]


def table(record: Record, heading: str) -> Table:
    """For a terminal."""
    grid = Table(title=heading, title_justify="left")
    for name in HEAD:
        grid.add_column(name, justify="right" if name.startswith("median") else "left")
    section = ""
    for line in lines(record):
        if line.row.section != section:
            section = line.row.section
            grid.add_section()
            grid.add_row(f"[bold]{section}[/]")
        grid.add_row(*cells(line, lambda text, met: f"[{'green' if met else 'red'}]{text}[/]"))
    return grid


def markdown(record: Record) -> str:
    """The same for a file."""
    out = [f"| {' | '.join(HEAD)} |", "|---|---:|---|"]
    section = ""
    for line in lines(record):
        if line.row.section != section:
            section = line.row.section
            out.append(f"| **{section}** | | |")
        out.append(f"| {' | '.join(cells(line, lambda text, met: text if met else f'**{text}**'))} |")
    return "\n".join(out) + "\n"
