"""One refit, in a process of its own: ``python -m ringfenced.site.refit``, started by `site.refitting`.

It reads the outcomes, learns from them, and replaces the file that the workers read. It has no network, dies with the
daemon, is the first that the kernel kills for memory, and runs when nobody else wants the processor. Only here is
scikit-learn imported. On stdin it is given `Task` as JSON; on stdout it says in one line of JSON how it went.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringfenced.engines.confine import ParentGone, confine
from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.fit import fit
from ringfenced.learn.outcome import Outcome
from ringfenced.learn.report import Report, segments_of
from ringfenced.learn.verifier_guard import Chosen, choose
from ringfenced.learn.verifier_prior import SHIPPED, Prior
from ringfenced.site import learnedfile
from ringfenced.store.outcomes_read import read_judged, read_outcomes

NICE: Final = 19
"""Lowest priority (nice(2))."""

JUDGED_MAX: Final = 3000
"""Labelled answers that a verifier is refitted from, the newest: the time for words grows with their third power."""

SEEN_MAX: Final = 1000
"""Other answers that tell it what answers look like here, the newest."""

FEATURES_SHARE: Final = 8
"""One part in so many of the memory is for the features that are read; learning copies them a few times."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one refit is given."""

    parent: int
    """Process that started it."""
    outcomes: str
    """The file of outcomes."""
    learned: str
    """The file to replace."""
    configured: Mapping[str, float]
    """Each model's configured quality, 0 to 1."""
    costs: Mapping[str, float]
    """What an answer of each model is expected to cost, in microcredits, where none is known."""
    version: int
    """Which refit this is."""
    labels: int
    """How many labels there have been so far."""
    memory_bytes: int
    """How much memory it may take."""


def main() -> int:
    """Do what stdin says; 0 where the file was replaced."""
    task = Task(**json.loads(sys.stdin.buffer.read()))
    try:
        confine(task.parent)
    except (ParentGone, OSError):
        return _say(error="confine")
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (task.memory_bytes, task.memory_bytes))
    try:
        return _refit(task)
    except (OSError, sqlite3.Error, MemoryError, ValueError, ArithmeticError) as error:
        return _say(error=type(error).__name__)


def _refit(task: Task) -> int:
    began_s = time.monotonic()
    outcomes = read_outcomes(Path(task.outcomes), bytes_max=task.memory_bytes // FEATURES_SHARE)
    if not outcomes:
        return _say(version=task.version, outcomes=0, seconds=0.0)  # forgotten meanwhile
    learned = fit(outcomes, configured=task.configured, costs=costs_of(outcomes, task.costs), seed=task.version)
    chosen = _verifier(task)
    report = Report(
        version=task.version,
        fitted_at_unix_s=int(time.time()),
        outcomes=len(outcomes),
        labels=task.labels,
        seconds=round(time.monotonic() - began_s, 3),
        segments=segments_of(learned, learned.guard, outcomes, task.configured),
        verifier=chosen.facts,
    )
    learnedfile.write(Path(task.learned), learnedfile.to_bytes(learned, report, chosen.verifier))
    return _say(version=task.version, outcomes=len(outcomes), seconds=round(time.monotonic() - began_s, 3))


def _verifier(task: Task) -> Chosen:
    """What was learned of answers, always from the shipped prior; whatever fails there leaves that one in use."""
    try:
        shipped = Prior.from_bytes(SHIPPED.read_bytes()).cheap
        judged, seen = read_judged(Path(task.outcomes), judged_max=JUDGED_MAX, seen_max=SEEN_MAX)
        return choose(shipped, judged, seen, seed=task.version)
    except (OSError, sqlite3.Error, ValueError, ArithmeticError) as error:
        return Chosen(None, VerifierFacts(why=f"its refit failed ({type(error).__name__}); the next one tries again"))


def costs_of(outcomes: list[Outcome], expected: Mapping[str, float]) -> dict[str, float]:
    """What an answer of each model costs on average, as it was; as expected where it never was asked."""
    costs: dict[str, list[int]] = {}
    for outcome in outcomes:
        costs.setdefault(outcome.model, []).append(outcome.cost_microcredits)
    return {**expected, **{model: float(np.mean(rows)) for model, rows in costs.items()}}


def _say(**said: Any) -> int:
    print(json.dumps(said), flush=True)  # noqa: T201 - for the process that started this one
    return 1 if "error" in said else 0


if __name__ == "__main__":
    sys.exit(main())
