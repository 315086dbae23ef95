"""The measurements in their order, and the sections that they make."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from log_parts.children import measured
from log_parts.growing import Growing, forget_pages
from log_parts.peers import sides
from log_parts.report import Aim, Row, Section
from log_parts.verifying import verified_s

ACK_AIMS = {
    64: (Aim(7_500, at_least=True), Aim(16, at_least=False)),
    256: (Aim(34_600, at_least=True), Aim(12, at_least=False)),
}
"""Rate and p99 in ms that a prototype reached with 426-byte entries on two cores (issue 4)."""
CALLERS = (64, 256)
ACK_COLUMNS = ("per s", "p99, ms", "p50, ms", "CPU, µs")
VERIFY_AIM = Aim(10, at_least=False)
START_AIM = Aim(1, at_least=False)
GROWTH_AIM = Aim(1.5, at_least=False)
"""Memory at the largest size by memory at the smallest; flat, give or take the caches' filling."""


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured."""

    repetitions: int
    """Of the acknowledgements."""
    seconds: float
    """Of each."""
    sizes: tuple[int, ...]
    """Entries of the grown log, rising."""
    verified: int
    """Entries that the verifier reads: one of `sizes`."""


@dataclass(slots=True)
class Measuring:
    """Measures into `values`: name, then quantity, one value for each repetition."""

    length: Length
    folder: Path
    say: Callable[[str], None]
    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def acknowledgements(self) -> None:
        """Every side with every number of callers, another side first in each repetition."""
        names = list(sides())
        for repetition in range(self.length.repetitions):
            turn = repetition % len(names)
            for name in names[turn:] + names[:turn]:
                for callers in CALLERS:
                    self._acks(name, callers, repetition)
            self._acks("appends", 1, repetition)
            self._acks("raw", 1, repetition)

    def grown(self) -> None:
        """One log at every size: starts, memory, proofs, verification."""
        log = self.folder / "log"
        growing = Growing(log)
        for size in self.length.sizes:
            growing.grow(size, self.say)
            self.say(f"{size:,} entries: a start after a stop, proofs")
            forget_pages(log)
            self._keep(f"{size}", measured("reading", log, self.length.seconds))
            if size == self.length.verified:
                self.say(f"{size:,} entries: audit verify")
                self._keep(f"{size}", {"verify_s": verified_s(log, self.folder)})
        self.say("a start that reads everything")
        self._slow_start(log)

    def sections(self) -> list[Section]:
        """What was measured."""
        return [self._ack_section(), self._size_section(), self._single_section()]

    def _acks(self, name: str, callers: int, repetition: int) -> None:
        self.say(f"repetition {repetition + 1} of {self.length.repetitions}: {name}, {callers} callers")
        with scratch(self.folder) as folder:
            self._keep(f"{name}/{callers}", measured("acks", name, callers, self.length.seconds, folder))

    def _slow_start(self, log: Path) -> None:
        """Without its snapshot, at the smallest size: what a start costs where everything is read."""
        small = self.folder / "small"
        Growing(small).grow(self.length.sizes[0], self.say)
        (small / "snapshot").unlink()
        self._keep("slow", measured("reading", small, 0.01))
        shutil.rmtree(log)

    def _keep(self, name: str, found: dict[str, Any]) -> None:
        for quantity, value in found.items():
            self.values[name][quantity].append(float(value))

    def _ack_section(self) -> Section:
        quantities = ("acks_hz", "p99_ms", "p50_ms", "cpu_us")
        rows = []
        for callers in CALLERS:
            for name in sides():
                found = self.values[f"{name}/{callers}"]
                aims = ACK_AIMS[callers] if name == "ours" else ()
                rows.append(Row(f"{name}, {callers} callers", tuple(found[each] for each in quantities), aims))
        rows.append(Row("ours, one who submits thousands", (self.values["appends/1"]["acks_hz"],)))
        rows.append(
            Row("the disk alone, fdatasync after fdatasync", tuple(self.values["raw/1"][q] for q in quantities))
        )
        return Section("Durable acknowledgements of 426-byte entries", ACK_COLUMNS, tuple(rows))

    def _size_section(self) -> Section:
        columns = ("start, s", "memory of the log, MB", "process, MB", "inclusion/s", "newest/s", "consistency/s")
        quantities = ("start_s", "log_mb", "rss_mb", "inclusion_hz", "newest_hz", "consistency_hz")
        rows = [
            Row(f"{size:,} entries", tuple(self.values[f"{size}"][each] for each in quantities), (START_AIM,))
            for size in self.length.sizes
        ]
        return Section("One log as it grows", columns, tuple(rows))

    def _single_section(self) -> Section:
        first, last = self.length.sizes[0], self.length.sizes[-1]
        growth = [self.values[f"{last}"]["rss_mb"][0] / self.values[f"{first}"]["rss_mb"][0]]
        rows = (
            Row(
                f"audit verify, {self.length.verified:,} entries, s",
                (self.values[f"{self.length.verified}"]["verify_s"],),
                (VERIFY_AIM,),
            ),
            Row(f"a process's memory at {last:,} entries by that at {first:,}", (growth,), (GROWTH_AIM,)),
            Row(f"a start that reads all of {first:,} entries, s", (self.values["slow"]["start_s"],)),
        )
        return Section("Once", ("measured",), rows)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A folder for one measurement."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
