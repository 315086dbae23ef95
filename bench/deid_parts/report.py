"""The tables: for a terminal, for a file, and the one JSON object. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.table import Table

from deid_parts.measure import Miss, Result
from deid_parts.profiles import not_identifying

Results = Mapping[str, Mapping[str, Result]]
"""Corpus to side to result."""

OURS = "ringfence"
"""The side whose aims are judged."""
HEAD = (
    "corpus", "side", "recall", "any", "chars", "precision", "missed", "leaking", "false alarms", "KB/s", "p50 ms",
    "p99 ms",
)  # fmt: skip
"""Columns: entities covered, touched; characters found; characters right; shares of documents; CPU time."""


class Aim(NamedTuple):
    """What a figure should be."""

    corpus: str
    """The beginning of a corpus's name."""
    figure: str
    """A property of `Tally`."""
    bound: float
    """The figure's bound."""
    at_least: bool
    """Whether it must reach the bound, or not exceed it."""


AIMS = (
    Aim("asq_phi", "recall", 0.99, at_least=True),
    Aim("asq_phi", "precision", 0.90, at_least=True),
    Aim("asq_phi", "documents_missed", 0.0, at_least=False),
    Aim("asq_phi", "false_alarms", 0.05, at_least=False),
    Aim("meddocan", "recall", 0.985, at_least=True),
    Aim("meddocan", "precision", 0.93, at_least=True),
    Aim("presidio_research", "recall", 0.90, at_least=True),
    Aim("clean_prose", "false_alarms", 0.02, at_least=False),
)
"""What it must show on data that nothing was tuned to."""
FIGURES = ("recall", "recall_any", "recall_chars", "precision", "documents_missed", "documents_leaking", "false_alarms")
GROUPS = ("PERSON", "LOC", "ORG", "DATE", "AGE", "CONTACT", "ID", "OTHER")


def met(corpus: str, figure: str, value: float | None) -> bool | None:
    """Whether an aim is met; None where there is none."""
    aim = next((aim for aim in AIMS if corpus.startswith(aim.corpus) and aim.figure == figure), None)
    if aim is None or value is None:
        return None
    return value >= aim.bound if aim.at_least else value <= aim.bound


def as_json(results: Mapping[str, Result]) -> dict[str, dict[str, float | None]]:
    """One side's figures: shares from 0 to 1 (null of nothing), KB/s of CPU time, wall-clock ms of a document."""
    return {
        stem: {
            "recall": _rounded(result.tally.recall),
            "recall_any": _rounded(result.tally.recall_any),
            "precision": _rounded(result.tally.precision),
            "documents_missed": _rounded(result.tally.documents_missed),
            "false_alarms": _rounded(result.tally.false_alarms),
            "kb_per_s": round(result.kb_per_s, 1),
            "p50_ms": _rounded(result.p(0.5)),
            "p99_ms": _rounded(result.p(0.99)),
        }
        for stem, result in results.items()
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 4)  # noqa: PLR0124 - NaN is not itself


def cells(corpus: str, side: str, result: Result, *, first: bool) -> list[str]:
    """One line of the table."""
    tally = result.tally
    figures = [_marked(corpus, side, name, getattr(tally, name)) for name in FIGURES]
    pace = [f"{result.kb_per_s:,.0f}", f"{result.p_cpu(0.5):.2f}", f"{result.p_cpu(0.99):.2f}"]
    return [corpus if first else "", side, *figures, *pace]


def _marked(corpus: str, side: str, figure: str, value: float | None) -> str:
    missed = side == OURS and met(corpus, figure, value) is False
    return f"**{percent(value)}**" if missed else percent(value)


def percent(value: float | None) -> str:
    """``98.1 %``; a dash of nothing."""
    return "-" if value is None else f"{100 * value:.1f} %"


def table(results: Results, heading: str) -> Table:
    """For a terminal."""
    grid = Table(title=heading, title_justify="left", caption="times: CPU; bold: an aim is missed")
    for name in HEAD:
        grid.add_column(name, justify="left" if name in ("corpus", "side") else "right", no_wrap=name == "corpus")
    for corpus, sides in results.items():
        grid.add_section()
        for number, (side, result) in enumerate(sides.items()):
            line = cells(corpus, side, result, first=number == 0)
            grid.add_row(*(f"[bold red]{cell.strip('*')}[/]" if cell.startswith("**") else cell for cell in line))
    return grid


def markdown(results: Results) -> str:
    """The same for a file."""
    out = [f"| {' | '.join(HEAD)} |", "|---|---|" + "---:|" * (len(HEAD) - 2)]
    for corpus, sides in results.items():
        for number, (side, result) in enumerate(sides.items()):
            out.append(f"| {' | '.join(cells(corpus, side, result, first=number == 0))} |")
    return "\n".join(out) + "\n"


def by_group(results: Mapping[str, Result]) -> str:
    """Recall of each group and the documents and policies of each corpus, for one side."""
    out = [
        f"| corpus | documents | entities | without entities | policy | {' | '.join(GROUPS)} |",
        "|---|---:|---:|---:|---|" + "---:|" * len(GROUPS),
    ]
    for corpus, result in results.items():
        tally, policies = result.tally, ", ".join(sorted(result.policies))
        shares = [percent(tally.recall_of(group=group)) for group in GROUPS]
        counts = f"{result.documents} | {tally.entities.total()} | {tally.without_entities}"
        out.append(f"| {corpus} | {counts} | {policies} | {' | '.join(shares)} |")
    return "\n".join(out) + "\n"


def notes(results: Mapping[str, Result]) -> list[str]:
    """Labels that recall counts though the policy does not take them for identifiers, corpus by corpus."""
    out = []
    for corpus, result in results.items():
        labels = {label for label, _ in result.tally.entities}
        for policy in sorted(result.policies):
            if harmless := not_identifying(labels, policy):
                recalls = ", ".join(f"{label} {percent(result.tally.recall_of(label=label))}" for label in harmless)
                out.append(f"{corpus}: recall counts labels that {policy} does not take for identifiers: {recalls}")
    return out


def frequent(misses: Sequence[Miss], kinds: int = 8, examples: int = 3) -> list[str]:
    """The most frequent kinds of `misses`, with examples."""
    counts = Counter(miss.kind for miss in misses)
    return [
        f"{count:5d} {kind}: " + " | ".join([miss.shown for miss in misses if miss.kind == kind][:examples])
        for kind, count in counts.most_common(kinds)
    ]
