"""What came of a run, as figures, as tables, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from zero_parts.campaign import Outcome
from zero_parts.encodings import ENCODINGS
from zero_parts.places import PLACES

_MB = 1_000_000


def figures(outcome: Outcome) -> dict[str, object]:
    """The whole in a few numbers."""
    planted = [found for encodings in outcome.planted.values() for found in encodings.values()]
    return {
        "scenes": len(outcome.ends),
        "requests": sum(ends.total() for ends in outcome.ends.values()),
        "encodings": len(ENCODINGS),
        "places": len(PLACES),
        "hits": len(outcome.leaks),
        "scenes_not_played": len(outcome.unplayed),
        "writes_searched": outcome.writes,
        "threads_traced": outcome.threads,
        "megabytes_searched": round(sum(outcome.searched.values()) / _MB, 1),
        "calls_unseen": outcome.unseen.total(),
        "scenes_seen_between_processes": outcome.between,
        "planted_and_found": f"{sum(planted)} of {len(planted)}",
        "seconds": round(outcome.seconds, 1),
        "holds": outcome.holds,
    }


def scene_rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """A row a scene: requests, how they ended, hits."""
    for name, ends in outcome.ends.items():
        hits = sum(leak.scene == name for leak in outcome.leaks)
        told = ", ".join(f"{how} {count}" for how, count in ends.most_common())
        yield name, str(ends.total()), told, str(hits)


def place_rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """A row a place: megabytes, hits by encoding, planted and found."""
    for place in PLACES:
        hits = sum(leak.place == place for leak in outcome.leaks)
        found = outcome.planted.get(place)
        planted = f"{sum(found.values())} of {len(found)}" if found else "not possible here"
        yield place, f"{outcome.searched[place] / _MB:.3f}", str(hits), planted


def encoding_rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """A row an encoding: hits, planted and found."""
    for one in ENCODINGS:
        hits = sum(leak.encoding == one.name for leak in outcome.leaks)
        planted = [found[one.name] for found in outcome.planted.values() if one.name in found]
        yield one.name, str(hits), f"{sum(planted)} of {len(planted)}"


_HEADS = {
    "scenes": ("scene", "requests", "how they ended", "hits"),
    "places": ("place", "MB searched", "hits", "planted and found"),
    "encodings": ("encoding", "hits", "planted and found"),
}


def tables(outcome: Outcome) -> dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Each table's head and rows, by name."""
    rows = {"scenes": scene_rows(outcome), "places": place_rows(outcome), "encodings": encoding_rows(outcome)}
    return {name: (_HEADS[name], list(several)) for name, several in rows.items()}


def shown(outcome: Outcome) -> Iterator[Table]:
    """For the terminal; a row with a hit is red."""
    for head, rows in tables(outcome).values():
        table = Table(*head)
        for row in rows:
            table.add_row(*row, style=None if row[head.index("hits")] == "0" else "red")
        yield table


def markdown(facts: Mapping[str, object], outcome: Outcome) -> str:
    """The report."""
    lines = ["# Zero persistence", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]
    for name, (head, rows) in tables(outcome).items():
        lines += [f"## {name.capitalize()}", "", _row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    return "\n".join([*lines, *_problems(outcome)]) + "\n"


def record(facts: Mapping[str, object], outcome: Outcome) -> dict[str, object]:
    """The same for programs."""
    return {
        **facts,
        "ends": {name: dict(ends) for name, ends in outcome.ends.items()},
        "bytes_searched": dict(outcome.searched),
        "hits_told": [asdict(leak) for leak in outcome.leaks],
        "not_played": outcome.unplayed,
        "unseen": dict(outcome.unseen),
        "planted": outcome.planted,
    }


def _problems(outcome: Outcome) -> Iterator[str]:
    problems = [
        *(
            f"{leak.encoding} in {leak.place}, {leak.where}: of {leak.scene or 'a scene unknown'}"
            for leak in outcome.leaks
        ),
        *outcome.unplayed,
        *(f"{why} ({count} times)" for why, count in outcome.unseen.items()),
    ]
    if problems:
        yield from ("## Problems", "", *(f"- {problem}" for problem in problems))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def problems(outcome: Outcome) -> list[str]:
    """What is wrong, a line each."""
    return [line.removeprefix("- ") for line in _problems(outcome)][2:]
