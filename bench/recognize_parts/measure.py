"""What is measured: each function puts one repetition's values into a record."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from flow_parts.process import rss_mb
from flow_parts.record import Record
from flow_parts.stats import ratios
from peers.child import THREADS, Child
from peers.ours import Ours
from recognize_parts.custom import written
from recognize_parts.nasty import KINDS, Kind, exponent, fuzzed
from recognize_parts.texts import document, forms, notes

Say = Callable[[str], None]
"""Tells a person what is going on."""

FRESH = Path(__file__).with_name("fresh.py")
SIZES_KB = (10, 40, 160, 640, 1000, 4000)
"""Of the texts whose cost should grow with their size and no faster."""
NASTY_TIMEOUT_S = 20.0
"""What takes longer, on the clock, is not tried with longer strings."""
STEEP = 1.1
"""A power beyond it is measured once more, since the clock flickers."""
TOLD_SIZE = 65_536
"""Of the strings that are made to be slow: the size whose cost is told."""
PEER_SIZES = (2_048, 4_096, 8_192)
"""The same for peers, for whom longer ones take minutes."""
WORST_CHARS = 67_000
"""Of the string that is worst for Presidio."""
FLOOR_S = 0.0002
"""Below this a time is the clock's rather than the scan's."""


def note(record: Record, side: str, child: Child, *, count: int, repeat: int) -> None:
    """CPU time for a note and for a form: the median over different notes, each the least of its rounds."""
    for quantity, texts in (("note_ms", notes(count)), ("forms_ms", forms(count))):
        record.add(quantity, side, statistics.median(child.cpu_s(texts, repeat=repeat)) * 1000)


def growth(record: Record, side: str, child: Child, *, timeout_s: float, size_kb_max: int) -> None:
    """CPU time by size, until a text is refused or takes too long, and the power that fits."""
    sizes, seconds = [], []
    for size_kb in (size for size in SIZES_KB if size <= size_kb_max):
        answer = child.answer(document(size_kb * 1000), timeout_s=timeout_s)
        if answer.refused:
            record.notes.append(f"{side}: a text of {size_kb} KB is refused ({answer.refused}).")
            break
        record.add(f"size {size_kb} KB", side, answer.cpu_s * 1000)
        sizes.append(size_kb)
        seconds.append(answer.cpu_s)
    if len(sizes) > 1:
        record.add("exponent", side, exponent(sizes, seconds))


def nasty(record: Record, side: str, child: Child, *, sizes: tuple[int, ...], fuzz: int, seed: int, say: Say) -> None:
    """The worst of all kinds, and of `fuzz` strings that the fuzzer makes from `seed` on, each at all `sizes`."""
    strings = {"nasty": dict(KINDS), "fuzzed": {f"fuzzed {seed + n}": fuzzed(seed + n) for n in range(fuzz)}}
    for quantity, kinds in strings.items():
        powers, times = dict[str, float](), dict[str, float]()
        for name, kind in kinds.items():
            say(f"{side}: {name}")
            powers[name], times[name] = _power(child, kind, sizes)
        if powers:
            _told(record, quantity, side, powers, times)


def _told(record: Record, quantity: str, side: str, powers: dict[str, float], times: dict[str, float]) -> None:
    steepest, slowest = max(powers, key=powers.__getitem__), max(times, key=times.__getitem__)
    record.add(f"{quantity} exponent", side, powers[steepest])
    record.add(f"{quantity} ms", side, times[slowest] * 1000)
    record.notes.append(
        f"{side}: steepest {quantity} string: {steepest} ({powers[steepest]:.2f}); slowest: {slowest} "
        f"({times[slowest] * 1000:.0f} ms for {TOLD_SIZE // 1024} KB)."
    )


def _power(child: Child, kind: Kind, sizes: tuple[int, ...]) -> tuple[float, float]:
    """The power that a kind's cost grows with, and its cost at `TOLD_SIZE`; a steep one is measured once more."""
    power, seconds = _grown(child, kind, sizes, rounds=2)
    if power > STEEP and max(seconds) < NASTY_TIMEOUT_S:
        again, more = _grown(child, kind, sizes, rounds=5)
        power, seconds = min(power, again), [min(pair) for pair in zip(seconds, more, strict=False)]
    return power, seconds[min(sizes.index(TOLD_SIZE), len(seconds) - 1)]


def _grown(child: Child, kind: Kind, sizes: tuple[int, ...], *, rounds: int) -> tuple[float, list[float]]:
    """The power, and the least of `rounds` at each size, up to the first that takes too long."""
    seconds = list[float]()
    for size in sizes:
        text = kind(size)
        least = NASTY_TIMEOUT_S
        for _ in range(rounds):
            least = min(least, child.answer(text, timeout_s=NASTY_TIMEOUT_S).cpu_s)
            if least >= NASTY_TIMEOUT_S:
                break
        seconds.append(max(least, FLOOR_S))
        if least >= NASTY_TIMEOUT_S:
            break
    power = exponent(sizes[: len(seconds)], seconds) if len(seconds) > 1 else float("inf")
    return power, seconds


def worst_for(peer: Child, *, kinds: int, timeout_s: float, say: Say) -> tuple[str, float, float]:
    """The kind that a peer is slowest at: its name, the steepest power of all kinds, seconds at `WORST_CHARS`.

    A kind that runs into `timeout_s` is not tried with longer strings; its time is the limit.
    """
    costs, powers = dict[str, float](), dict[str, float]()
    for name, kind in list(KINDS.items())[:kinds]:
        say(f"Presidio: {name}")
        sizes, seconds = [], []
        for size in PEER_SIZES:
            answer = peer.answer(kind(size), timeout_s=timeout_s)
            sizes.append(size)
            seconds.append(max(answer.cpu_s, FLOOR_S))
            if answer.refused:
                break
        costs[name] = seconds[-1]
        powers[name] = exponent(sizes, seconds) if len(sizes) > 1 else 0.0
    worst = max(costs, key=costs.__getitem__)
    return worst, max(powers.values()), peer.answer(KINDS[worst](WORST_CHARS), timeout_s=timeout_s).cpu_s


CUSTOM = ((0, 0), (100, 0), (10_000, 0), (0, 1_000), (0, 100_000), (10_000, 100_000))
"""Patterns and words of a site."""


def custom(record: Record, cache: Path, *, repetitions: int, count: int, repeat: int, say: Say) -> None:
    """CPU time for a note with a site's own patterns and words, and what most of them cost over few."""
    texts, times = notes(count), dict[tuple[int, int], list[float]]()
    with tempfile.TemporaryDirectory() as folder:
        for patterns, words in CUSTOM:
            name = f"custom {patterns:,} patterns, {words:,} words"
            say(name)
            with Ours("custom", cache, *written(Path(folder), patterns, words)) as child:
                rounds = [statistics.median(child.cpu_s(texts, repeat=repeat)) * 1000 for _ in range(repetitions)]
            times[patterns, words] = rounds
            for value in rounds:
                record.add(name, "custom", value)
    for quantity, many, few in (
        ("patterns grown", (10_000, 0), (100, 0)),
        ("words grown", (0, 100_000), (0, 1_000)),
    ):
        for value in ratios(times[many], times[few]):
            record.add(quantity, "custom", value)


def fresh(record: Record, side: str, cache: Path, *extra: str) -> None:
    """Import, load and first scan in a process of its own, and what is resident then."""
    said: Mapping[str, float] = json.loads(
        subprocess.run(
            [sys.executable, str(FRESH), side, str(cache), *extra],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | dict.fromkeys(THREADS, "1"),  # noqa: TID251 - the launcher of a child process
        ).stdout
    )
    for quantity in ("import_ms", "load_ms", "first_scan_ms", "rss_mb"):
        record.add(quantity, side, said[quantity])


def resident(record: Record, side: str, child: Child) -> None:
    """What is resident in a child."""
    record.add("rss_mb", side, rss_mb(child.pid))
