"""`make bench-recognize`: what recognising costs, beside Presidio, in one run: CPU time on one core.

Each side runs in a child process of its own, one thread, on one core, and says its own CPU time (`peers/child.py`).
Presidio runs with its pattern recognisers alone and with a small spaCy pipeline that is trained on the rows that
Ringfence's tagger is trained on (`peers/train_spacy.py`); without either its rows are missing, and the result says so.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from flow_parts import machine
from flow_parts.record import Record
from peers.child import Child
from peers.ours import Ours
from peers.presidio import MODEL, PeerMissing, PresidioPeer
from recognize_parts import measure
from recognize_parts.nasty import KINDS
from recognize_parts.rows import lines, markdown, table
from ringfence.recognize.tagger import WEIGHTS

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured."""

    repetitions: int
    """Of everything but the strings that are made to be slow."""
    notes: int
    """Different notes."""
    rounds: int
    """Over the notes, in each repetition."""
    nasty_sizes: tuple[int, ...]
    """Of the strings that are made to be slow, in characters."""
    fuzz: int
    """Strings of the fuzzer."""
    timeout_s: float
    """The longest that a peer may take for one text."""
    size_kb_max: int
    """The largest text."""
    peer_kinds: int
    """How many kinds of slow strings a peer is tried with."""


FULL = Length(
    repetitions=5,
    notes=40,
    rounds=10,
    nasty_sizes=(16_384, 65_536, 262_144),
    fuzz=150,
    timeout_s=90.0,
    size_kb_max=4000,
    peer_kinds=len(KINDS),
)
QUICK = Length(
    repetitions=1,
    notes=10,
    rounds=3,
    nasty_sizes=(16_384, 32_768, 65_536),
    fuzz=10,
    timeout_s=10.0,
    size_kb_max=160,
    peer_kinds=14,
)


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    length = QUICK if options.quick else FULL
    console = Console(width=None if sys.stdout.isatty() else 150)
    began, facts, record = time.monotonic(), machine.describe(), Record()
    with contextlib.ExitStack() as stack, console.status("starting") as status:
        say: Callable[[str], None] = status.update if console.is_terminal else lambda _: None
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, peers = _ours(stack, record, cache, options.weights), _peers(stack, record)
        for repetition in range(length.repetitions):
            say(f"repetition {repetition + 1} of {length.repetitions}")
            _repetition(record, ours, peers, length, cache=cache, extra=_extra(options.weights))
        measure.custom(record, cache, repetitions=length.repetitions, count=length.notes, repeat=length.rounds, say=say)
        for side, child in ours.items():
            measure.nasty(record, side, child, sizes=length.nasty_sizes, fuzz=length.fuzz, seed=options.seed, say=say)
        _worst_for_peers(record, ours, peers, length, say)
    facts |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": _command(options),
        "repetitions": length.repetitions,
        "seconds": round(time.monotonic() - began, 1),
        "peers": _peer_facts(),
    }
    console.print(table(record, f"Recognising: CPU time on one core of {facts['cpu']}"))
    for note in record.notes:
        console.print(note, highlight=False)
    if not options.no_write:
        _write(options.out, facts, record)
        console.print(f"written to {options.out}/recognize-{str(facts['date'])[:10]}.json and .md")


def _ours(stack: contextlib.ExitStack, record: Record, cache: Path, weights: Path | None) -> dict[str, Child]:
    sides: dict[str, Child] = {"patterns": stack.enter_context(Ours("patterns", cache))}
    if not (weights or WEIGHTS).exists():
        record.notes.append("The tagger's weights are not there; only the patterns are measured.")
        return sides
    sides["gazetteer"] = stack.enter_context(Ours("gazetteer", cache))
    sides["tagger"] = stack.enter_context(Ours("tagger", cache, *_extra(weights)))
    sides["all"] = stack.enter_context(Ours("all", cache, *_extra(weights)))
    return sides


def _extra(weights: Path | None) -> list[str]:
    return ["--weights", str(weights)] if weights else []


def _peers(stack: contextlib.ExitStack, record: Record) -> dict[str, Child]:
    sides: dict[str, Child] = {}
    for mode in ("bare", "regex", "spacy"):
        try:
            sides[mode] = stack.enter_context(PresidioPeer(mode))
        except PeerMissing as missing:
            record.notes.append(f"Presidio ({mode}) is not measured: {missing}.")
    return sides


def _repetition(
    record: Record, ours: dict[str, Child], peers: dict[str, Child], length: Length, *, cache: Path, extra: list[str]
) -> None:
    for side, child in ours.items():
        measure.note(record, side, child, count=length.notes, repeat=length.rounds)
        measure.growth(record, side, child, timeout_s=length.timeout_s, size_kb_max=length.size_kb_max)
    for side, child in peers.items():
        measure.note(record, side, child, count=min(length.notes, 10), repeat=1)
        if not record.get("exponent", side):  # takes a minute; once is enough to see where it stops
            measure.growth(record, side, child, timeout_s=length.timeout_s, size_kb_max=length.size_kb_max)
            measure.resident(record, side, child)
    for side in ("patterns", "all"):
        if side in ours:
            measure.fresh(record, side, cache, *extra)


def _worst_for_peers(
    record: Record, ours: dict[str, Child], peers: dict[str, Child], length: Length, say: Callable[[str], None]
) -> None:
    """The string that Presidio's patterns are slowest at, for both sides."""
    peer = peers.get("bare")
    if peer is None:
        return
    name, power, seconds = measure.worst_for(peer, kinds=length.peer_kinds, timeout_s=length.timeout_s, say=say)
    record.add("worst of Presidio ms", "bare", seconds * 1000)
    record.add("nasty exponent", "bare", power)
    for side, child in ours.items():
        answer = child.answer(KINDS[name](measure.WORST_CHARS))
        record.add("worst of Presidio ms", side, answer.cpu_s * 1000)
    stopped = "; stopped at the limit, so it takes longer" if seconds >= length.timeout_s else ""
    record.notes.append(f"Worst for Presidio's patterns: {name}{stopped}.")


def _peer_facts() -> dict[str, object]:
    facts = MODEL / "facts.json"
    lock = Path(__file__).resolve().parents[1] / "requirements" / "peers.lock"
    pinned = [line.split()[0] for line in lock.read_text().splitlines() if line.startswith(("presidio", "spacy=="))]
    trained = json.loads(facts.read_text()) if facts.exists() else None
    return {"pinned": pinned, "spaCy pipeline": trained, "ringfence": importlib.metadata.version("ringfence")}


def _command(options: argparse.Namespace) -> str:
    """What to type to get this again; where it was written is the reader's own affair."""
    arguments = ["--quick"] if options.quick else []
    if options.seed:
        arguments.append(f"--seed {options.seed}")
    return f'make bench-recognize ARGS="{" ".join(arguments)}"' if arguments else "make bench-recognize"


def _write(folder: Path, facts: dict[str, object], record: Record) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"recognize-{str(facts['date'])[:10]}"
    document = {
        "facts": facts,
        "aims": [
            {"what": f"{line.row.section}: {line.row.label}", "aim": line.row.aim, "met": line.met}
            for line in lines(record)
            if line.row.aim is not None
        ],
        "values": record.values,
        "notes": record.notes,
    }
    stem.with_suffix(".json").write_text(json.dumps(document, indent=1, default=str) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    notes = "\n".join(f"- {note}" for note in record.notes)
    stem.with_suffix(".md").write_text(f"# What recognising costs\n\n{head}\n\n{markdown(record)}\n{notes}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/recognize.py", description="CPU time of the recognisers, and peers'.")
    parser.add_argument("--quick", action="store_true", help="a minute or two, one repetition: shows that it works")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="where the fuzzer begins (0)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the tagger's, instead of the shipped ones")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where JSON and table go")
    return parser


if __name__ == "__main__":
    main()
