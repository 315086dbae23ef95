"""What was measured, as sections of rows: for a terminal and for a file. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from flow_parts.report import figure as ranged
from flow_parts.stats import summarise


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound that was set beforehand; never lowered."""

    bound: float
    """The value."""
    at_least: bool
    """Whether it is a least value rather than a greatest."""

    def met(self, value: float) -> bool:
        """Whether a value keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    label: str
    """What was measured."""
    values: tuple[Sequence[float], ...]
    """A column's values each, one for each repetition."""
    aims: tuple[Aim | None, ...] = ()
    """Of the columns, where there is one."""

    def cells(self) -> list[str]:
        """Label, figures, aims."""
        return [self.label, *(figure(values) for values in self.values), self.judged()]

    def judged(self) -> str:
        """The aims, and whether each is met."""
        told = []
        for values, aim in zip(self.values, self.aims, strict=False):
            whole = summarise(values)
            if aim is not None and whole is not None:
                told.append(f"{aim} {'met' if aim.met(whole.median) else '**missed**'}")
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class Section:
    """One table."""

    title: str
    """What it is about."""
    columns: tuple[str, ...]
    """Of the figures, with their units."""
    rows: tuple[Row, ...]
    """In order."""


def figure(values: Sequence[float]) -> str:
    """Median and range; the value alone where there is one."""
    whole = summarise(values)
    text = ranged(whole)
    return text.partition(" ")[0] if whole is not None and whole.count == 1 else text


def tables(sections: Sequence[Section]) -> list[Table]:
    """For a terminal."""
    made = []
    for section in sections:
        table = Table(title=section.title, title_justify="left")
        table.add_column("what")
        for name in section.columns:
            table.add_column(name, justify="right")
        table.add_column("aim")
        for row in section.rows:
            table.add_row(*(cell.replace("**", "") for cell in row.cells()))
        made.append(table)
    return made


def markdown(sections: Sequence[Section]) -> str:
    """The same for a file."""
    out: list[str] = []
    for section in sections:
        out += [f"## {section.title}", "", f"| what | {' | '.join(section.columns)} | aim |"]
        out.append(f"|---|{'---:|' * len(section.columns)}---|")
        out += [f"| {' | '.join(row.cells())} |" for row in section.rows]
        out.append("")
    return "\n".join(out)


def missed(sections: Sequence[Section]) -> list[str]:
    """The rows that miss an aim."""
    return [f"{section.title}: {row.label}" for section in sections for row in section.rows if "**" in row.judged()]
