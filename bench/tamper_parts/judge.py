"""Whether an auditor notices: the verifier itself, with the log's public key and one older checkpoint."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import cast

from ringfenced.cli import verify
from tamper_parts.logs import KEY, ORIGIN, Files, Log, files, make
from tamper_parts.mutations import MUTATIONS, Mutation

PUBLIC = KEY.public_key().public_bytes_raw()
TOLD_MAX = 20
"""Undetected mutations that are told; all are counted."""

# The same few signatures are looked at a million times. The answer is the verifier's own; it is only remembered.
verify.ed25519_holds = lru_cache(maxsize=4096)(verify.ed25519_holds)


@dataclass(slots=True)
class Tally:
    """What came of some mutations."""

    done: Counter[str] = field(default_factory=Counter)
    """By kind; what changed nothing is not among them."""
    detected: Counter[str] = field(default_factory=Counter)
    """By kind."""
    by_kept_alone: Counter[str] = field(default_factory=Counter)
    """By kind: what nothing but the older checkpoint showed."""
    checks: Counter[str] = field(default_factory=Counter)
    """By the check that failed; one mutation may fail several."""
    missed: list[str] = field(default_factory=list)
    """The first few that were not detected: kind and seed."""

    def add(self, other: Tally) -> None:
        """Take in what another process counted."""
        self.done += other.done
        self.detected += other.detected
        self.by_kept_alone += other.by_kept_alone
        self.checks += other.checks
        self.missed = (self.missed + other.missed)[:TOLD_MAX]


def failed(folder: Files, kept: str) -> frozenset[str]:
    """The checks that failed; ``unreadable`` where the files make no log at all."""
    try:
        entries = verify.entries_of(cast("Path", folder))
        report = verify.verify(entries, folder.checkpoint, [("kept", kept)], PUBLIC, ORIGIN)
    except verify.Invalid:
        return frozenset({"unreadable"})
    return frozenset(check.name for check in report.checks if not check.ok)


def tamper(log: Log, mutation: Mutation, random: Random, tally: Tally, seed: str) -> None:
    """Do one thing to a log, and see whether it is noticed."""
    changed = mutation(log, random)
    if changed == files(log.entries, log.newest):
        return
    name = mutation.__name__
    found = failed(changed, log.kept)
    tally.done[name] += 1
    tally.checks.update(found)
    tally.detected[name] += bool(found)
    tally.by_kept_alone[name] += found == {"kept checkpoint kept"}
    if not found and len(tally.missed) < TOLD_MAX:
        tally.missed.append(f"{name}, seed {seed}")


def tamper_log(seed: str, count: int) -> Tally:
    """Make a log, see that it is whole, and do `count` things to it, one at a time."""
    random = Random(seed)
    log = make(random)
    assert not failed(files(log.entries, log.newest), log.kept), seed
    tally = Tally()
    kinds, weights = list(MUTATIONS), list(MUTATIONS.values())
    while tally.done.total() < count:
        tamper(log, random.choices(kinds, weights)[0], random, tally, seed)
    return tally
