"""A month as one HTML page that needs nothing else: no scripts, no fonts, no pictures from elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.auditing.charts import bar, columns, short
from ringfenced.cli.auditing.figures import Figures
from ringfenced.cli.auditing.markup import Markup, element
from ringfenced.cli.auditing.sheets import Sheet
from ringfenced.cli.tables import MICRO
from ringfenced.cli.verify import Report

ROWS_SHOWN: Final = 25
"""Of each table; the CSV files have all of it."""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""Were there a mistake in escaping, a browser would still load and run nothing."""

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; border-bottom: 2px solid #1a1a1a; padding-bottom: .2rem; }
p { margin: .35rem 0; } .note { color: #555; font-size: .9em; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2em, 1fr)); gap: .75rem; margin: 1.2rem 0; }
dl div { border: 1px solid #bbb; padding: .55rem .7rem; display: flex; flex-direction: column;
  justify-content: space-between; }
dt { font-size: .8rem; color: #444; } dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; padding: .22rem .55rem; border-bottom: 1px solid #ddd; vertical-align: top;
  overflow-wrap: break-word; }
th { border-bottom: 1px solid #1a1a1a; font-size: .82rem; vertical-align: bottom; }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.time { white-space: nowrap; } td.picture { width: 7rem; } th.picture { width: 7rem; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 11px; fill: #333; }
svg.bar { width: 6.9rem; height: .7rem; margin-top: .3rem; }
.solid { fill: #33557a; } .hatched { fill: url(#stripes); stroke: #8a2b2b; stroke-width: 1; }
.stripe { stroke: #8a2b2b; stroke-width: 1.6; } .axis { stroke: #999; stroke-width: 1; }
.verdict { border: 2px solid #1a1a1a; padding: .6rem .9rem; margin: 1.2rem 0; font-weight: 600; }
.verdict.bad { border-style: double; border-width: 6px; }
@media print { body { font-size: 10.5px; margin: 0; max-width: none; } h2 { break-after: avoid; }
  tr, svg, dl div { break-inside: avoid; } thead { display: table-header-group; } @page { margin: 15mm; } }
"""

_HEADS: Final = {
    "bytes_out": "bytes out",
    "bytes_in": "bytes in",
    "cost_microcredits": "credits",
    "level_before": "level before",
    "before_deidentification": "before de-identification",
}
_FIGURES: Final = frozenset(
    {"sent", "refused", "answered", "failed", "bytes_out", "bytes_in", "cost_microcredits", "count",
     "before_deidentification", "entry"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Title:
    """What stands at the page's head."""

    month: str
    """For example ``2026-11``."""
    origin: str
    """The log's name."""
    made: str
    """When the page was made."""
    version: str
    """Of the program that made it."""


def page(title: Title, figures: Figures, sheets: Sequence[Sheet], verified: Report | None) -> str:
    """The whole page.

    Args:
        title: whose month it is.
        figures: the month.
        sheets: its tables.
        verified: what a verification of the log came to; None where none was made.
    """
    found = {sheet.name: sheet for sheet in sheets}
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"Egress {title.month}: {title.origin}"),
        element("style", Markup(_STYLE)),
    )
    body = element(
        "body",
        element("h1", f"What left the site in {title.month}"),
        element("p", f"Egress log {title.origin}, {_span(figures)}. Times are UTC.", class_="note"),
        _verdict(verified),
        _totals(figures),
        *_pictures(found["days"]),
        *_section("To whom", found["destinations"], "bytes_out"),
        *_section("Under which label", found["labels"], "bytes_out"),
        *_section("For which departments", found["departments"], "bytes_out"),
        *_section("For which callers", found["callers"], "bytes_out", _PSEUDONYMS),
        *_section("What was found", found["findings"], "before_deidentification", _FINDINGS),
        *_section("What was refused, and why", found["refusals"], "count", _REASONS),
        *_section("How requests ended", found["outcomes"], "count"),
        *_section("Lockdowns, keys, starts", found["events"], "", _left_out(figures)),
        *_checks(verified),
        element("p", f"Made {title.made} by ringfence {title.version}.", class_="note"),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


_PSEUDONYMS: Final = "Callers are pseudonyms; the daemon's operators can say whose."
_FINDINGS: Final = (
    "Before de-identification: what the daemon found. Sent: what the agent found in what left, which the provider was "
    "cleared for. Refused: what the agent found in what it did not let out."
)
_REASONS: Final = (
    "A refusal with several reasons counts under each. docs/errors.md and docs/egress-log.md explain them."
)


def _span(figures: Figures) -> str:
    """Which entries."""
    if figures.first is None:
        return "no entries"
    return f"entries #{figures.first:,} to #{figures.last:,} ({figures.entries:,})"


def _verdict(verified: Report | None) -> Markup:
    """Whether the log was found whole."""
    if verified is None:
        text = "Not verified: no public key was given. What stands here is what the log says, unchecked."
        return element("p", text, class_="verdict bad")
    if verified.ok:
        return element(
            "p", "The log was verified: it is whole, in order, and the one that was signed.", class_="verdict"
        )
    return element("p", "THE LOG IS NOT WHOLE. What stands here cannot be relied on; see below.", class_="verdict bad")


def _totals(figures: Figures) -> Markup:
    """The figures that everybody asks for."""
    total = figures.total
    cells = [
        ("requests sent", f"{total.sent:,}"),
        ("refused", f"{total.refused:,}"),
        ("answered", f"{total.answered:,}"),
        ("failed or unknown", f"{total.failed:,}"),
        ("bytes that left", _bytes(total.bytes_out)),
        ("bytes of answers", _bytes(total.bytes_in)),
        ("credits", _credits(total.cost_microcredits)),
    ]
    if figures.unreadable:
        cells.append(("unreadable entries", f"{figures.unreadable:,}"))
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in cells))


def _pictures(days: Sheet) -> tuple[Markup, ...]:
    """Days at a glance."""
    if not days.rows:
        return ()
    names = [str(row[0])[8:] for row in days.rows]
    out, refused = ([int(row[days.columns.index(name)]) for row in days.rows] for name in ("bytes_out", "refused"))
    charts = [columns("Bytes that left, by day", names, out, unit="B")]
    parts = [element("h2", "By day"), element("p", "Bytes that left"), *charts]
    if any(refused):
        parts += [element("p", "Refusals"), columns("Refusals, by day", names, refused, hatched=True)]
    return tuple(parts)


def _section(title: str, sheet: Sheet, weight: str, note: str = "") -> tuple[Markup, ...]:
    """A table with its title; the heaviest rows, and where the rest is.

    Args:
        title: its heading.
        sheet: the table.
        weight: the column that is also shown as a bar; empty for none.
        note: a sentence under the heading.
    """
    parts = [element("h2", title)]
    if note:
        parts.append(element("p", note, class_="note"))
    if not sheet.rows:
        return (*parts, element("p", "Nothing."))
    shown = [column for column in sheet.columns if column != "contract" or any(row[3] for row in sheet.rows)]
    parts.append(_table(sheet, shown, weight))
    if len(sheet.rows) > ROWS_SHOWN:
        rest = f"{len(sheet.rows) - ROWS_SHOWN:,} more rows are in {sheet.name}.csv."
        parts.append(element("p", rest, class_="note"))
    return tuple(parts)


def _table(sheet: Sheet, shown: Sequence[str], weight: str) -> Markup:
    """The rows that are shown."""
    rows = sheet.rows[:ROWS_SHOWN]
    at = sheet.columns.index(weight) if weight else 0
    most = max((int(row[at]) for row in rows), default=0) if weight else 0
    heads = [element("th", _HEADS.get(name, name), class_="figure" if name in _FIGURES else "text") for name in shown]
    lines = []
    for row in rows:
        cells = [_cell(name, row[sheet.columns.index(name)]) for name in shown]
        if weight:
            cells.append(element("td", bar(int(row[at]), most), class_="picture"))
        lines.append(element("tr", *cells))
    if weight:
        heads.append(element("th", _HEADS.get(weight, weight), class_="picture"))
    return element("table", element("thead", element("tr", *heads)), element("tbody", *lines))


def _cell(name: str, value: str | int) -> Markup:
    """A cell in its column's way."""
    if name == "cost_microcredits":
        return element("td", _credits(int(value)), class_="figure")
    if name == "time":
        return element("td", str(value)[:19].replace("T", " "), class_="time")
    if name in _FIGURES:
        return element("td", f"{value:,}", class_="figure")
    return element("td", value)


def _checks(verified: Report | None) -> tuple[Markup, ...]:
    """What was verified."""
    if verified is None:
        return ()
    rows = [
        element("tr", element("td", "ok" if each.ok else "FAILED"), element("td", each.name), element("td", each.said))
        for each in verified.checks
    ]
    return (element("h2", "Verification"), element("table", element("tbody", *rows)))


def _left_out(figures: Figures) -> str:
    """How many events are not told."""
    return f"{figures.events_left_out:,} more are left out here and in the file." if figures.events_left_out else ""


def _credits(microcredits: int) -> str:
    """An amount in credits, to the hundredth; the files have every digit."""
    return f"{microcredits / MICRO:,.2f}"


def _bytes(value: int) -> str:
    """A number of bytes, short."""
    return f"{short(value)}B" if " " in short(value) else f"{value} B"
