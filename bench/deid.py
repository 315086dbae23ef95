"""`make eval-deid`: how much of what identifies somebody is found, beside Presidio, in one run.

Without ``--data``: the held-out rows of the development data (every fifth, which the judge's weights have not seen),
clean clinical prose, and generated documents whose names and layouts no training sees. With ``--data``: every row of
every ``*.jsonl`` in that folder, with the shipped weights. ``deid_parts.score`` defines each figure.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deid_parts import report
from deid_parts.clean_prose import clean_prose
from deid_parts.generated import CORPORA, generated
from deid_parts.measure import Result, measure
from deid_parts.ours import WeightsMissing, make_patterns, make_recogniser
from deid_parts.profiles import profile_of
from deid_parts.rows import read
from deid_parts.score import Row
from deid_parts.sides import Ours, Peer, Side
from flow_parts import machine
from peers.presidio import MODEL, Mode, PeerMissing, PresidioPeer
from ringfence.recognize import TEMPLATES

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "bench" / "results"
PEERS: tuple[tuple[str, Mode], ...] = (("Presidio, regex", "regex"), ("Presidio + spaCy", "spacy"))
"""Name and mode of each."""
PER_KIND = 60
"""Generated documents of each kind and language."""
USAGE = 2
"""Exit status where there is nothing to measure, as argparse has it."""

Corpora = dict[str, list[Row]]


def main() -> int:
    """Read, measure, print, write; the exit status."""
    options = _parser().parse_args()
    errors = Console(stderr=True)
    corpora = _given(options.data, errors) if options.data else _own(options.per_kind, errors)
    if options.only:
        corpora = {
            stem: rows for stem, rows in corpora.items() if any(part in stem for part in options.only.split(","))
        }
    corpora = {stem: rows[: options.limit] for stem, rows in corpora.items() if rows}
    if not corpora:
        errors.print(f"nothing to measure: no row in {options.data or SHARED / 'deid'}", highlight=False)
        return USAGE
    facts, began = machine.describe(), time.monotonic()
    try:
        with _sides(options, errors) as sides:
            results = _measure(corpora, sides, options.policy, errors)
    except WeightsMissing as missing:
        errors.print(str(missing), highlight=False, soft_wrap=True)
        return USAGE
    ours = {stem: by_side[sides[0].name] for stem, by_side in results.items()}
    if options.json:
        print(json.dumps(report.as_json(ours)))
        return 0
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": _command(),
        "weights": _weights(options),
        "peers": _peer_versions(),
        "seconds": round(time.monotonic() - began, 1),
    }
    _print(results, ours, facts, options)
    if not options.data and not options.no_write and not options.only:
        _write(options.out, facts, results, ours)
    return 0


def _given(folder: Path, errors: Console) -> Corpora:
    """Every file of a folder that somebody named; what cannot be read of it is said, the rest counts."""
    corpora: Corpora = {}
    if not folder.exists():
        errors.print(f"{folder}: no such folder", highlight=False)
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.jsonl")):
        corpora[path.stem] = _rows(path, errors, held_out=False)
    return corpora


def _own(per_kind: int, errors: Console) -> Corpora:
    """What is measured by default."""
    corpora: Corpora = {}
    for path in sorted((SHARED / "deid").glob("*.jsonl")):
        corpora[path.stem] = _rows(path, errors, held_out=True)
    prose = SHARED / "routing" / "mmlu_dev.csv.gz"
    if prose.exists():
        corpora["clean_prose"] = clean_prose(prose)
    if not corpora:
        errors.print("the development data is not there: generated documents alone", highlight=False)
    return corpora | {stem: generated(stem, per_kind) for stem in CORPORA}


def _rows(path: Path, errors: Console, *, held_out: bool) -> list[Row]:
    try:
        corpus = read(path, held_out=held_out)
    except OSError as error:
        errors.print(f"{path.name}: {error.strerror}; left out", highlight=False)
        return []
    for line in corpus.bad[:20]:
        errors.print(f"{line}; left out", highlight=False, markup=False, soft_wrap=True)
    if len(corpus.bad) > 20:
        errors.print(f"{path.name}: {len(corpus.bad)} lines left out", highlight=False)
    return corpus.rows


@contextmanager
def _sides(options: argparse.Namespace, errors: Console) -> Iterator[list[Side]]:
    held_out = options.data is None and not options.shipped
    sides: list[Side] = [Ours(report.OURS, partial(make_recogniser, held_out=held_out))]
    if options.patterns:
        sides = [Ours(report.OURS, make_patterns, patterns_only=True)]
    with ExitStack() as stack:
        if not options.json and not options.alone:
            if not options.patterns:
                sides.append(Ours("ringfence, patterns alone", make_patterns, patterns_only=True))
            for name, mode in PEERS:
                try:
                    sides.append(Peer(name, stack.enter_context(PresidioPeer(mode))))
                except (PeerMissing, RuntimeError) as error:
                    errors.print(f"{name} is not measured: {error}", highlight=False, soft_wrap=True)
        yield sides


def _measure(corpora: Corpora, sides: list[Side], policy: str | None, errors: Console) -> report.Results:
    results: dict[str, dict[str, Result]] = {}
    with _progress(errors) as progress:
        for side in sides:
            task = progress.add_task(side.name, total=sum(map(len, corpora.values())))
            tick: Callable[[], None] = partial(progress.advance, task)
            for stem, rows in corpora.items():
                results.setdefault(stem, {})[side.name] = measure(rows, side, profile_of(stem, policy), tick)
    return results


def _progress(errors: Console) -> Progress:
    """A bar on the terminal; nothing where standard error is none."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


def _print(
    results: report.Results, ours: dict[str, Result], facts: dict[str, object], options: argparse.Namespace
) -> None:
    console = Console(width=None if sys.stdout.isatty() else 170)
    rows = "all rows" if options.data else "held-out rows"
    console.print(
        report.table(
            results, f"de-identification: {facts['cores']} cores ({facts['cpu']}); {rows}; weights: {facts['weights']}"
        )
    )
    console.print(report.by_group(ours), highlight=False, markup=False, soft_wrap=True)
    for note in report.notes(ours):
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    if options.misses:
        for stem, result in ours.items():
            console.print(f"\n[bold]{stem}[/]: not covered")
            _lines(console, report.frequent(result.misses, examples=options.misses))
            console.print("found where nothing is annotated")
            _lines(console, report.frequent(result.alarms, examples=options.misses))


def _lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _write(folder: Path, facts: dict[str, object], results: report.Results, ours: dict[str, Result]) -> None:
    stem = folder / f"deid-{str(facts['date'])[:10]}"
    told = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    notes = "\n".join(f"- {note}" for note in report.notes(ours))
    parts = ("# De-identification", told, report.markdown(results), "Recall by group:", report.by_group(ours), notes)
    stem.with_suffix(".md").write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    sides = next(iter(results.values()))
    figures = {side: report.as_json({corpus: results[corpus][side] for corpus in results}) for side in sides}
    stem.with_suffix(".json").write_text(json.dumps(facts | {"results": figures}, indent=1) + "\n", encoding="utf-8")
    print(f"written to {stem.parent.name}/{stem.name}.md and .json")


def _weights(options: argparse.Namespace) -> str:
    """Which weights our tagger had."""
    if options.patterns:
        return "none, patterns alone"
    return "shipped" if options.data or options.shipped else "judge's, which have not seen the rows measured"


def _peer_versions() -> dict[str, str]:
    """Versions of the peers and what their pipeline was trained on, where they are there."""
    lock, trained = ROOT / "requirements" / "peers.lock", MODEL / "facts.json"
    pinned = lock.read_text("utf-8") if lock.exists() else ""
    versions = dict(re.findall(r"^(presidio-analyzer|spacy)==(\S+)", pinned, re.MULTILINE))
    return versions | ({"spaCy pipeline": " ".join(trained.read_text("utf-8").split())} if trained.exists() else {})


def _command() -> str:
    return " ".join(["bench/deid.py", *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Score recognisers on annotated text.")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of *.jsonl, or one such file; without it: held-out rows and generated documents",
    )
    parser.add_argument("--json", action="store_true", help="ours alone, one JSON object on standard output")
    parser.add_argument("--policy", choices=sorted(TEMPLATES), help="for every file, whatever its name")
    parser.add_argument("--alone", action="store_true", help="without peers")
    parser.add_argument("--patterns", action="store_true", help="ours is the patterns alone")
    parser.add_argument(
        "--shipped", action="store_true", help="the shipped weights on held-out rows, which they have seen"
    )
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N examples of each kind of error")
    parser.add_argument("--only", help="parts of file names, separated by commas; writes nothing")
    parser.add_argument("--limit", type=int, help="rows of each file")
    parser.add_argument("--per-kind", type=int, default=PER_KIND, help="generated documents of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the tables go")
    parser.add_argument("--no-write", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
