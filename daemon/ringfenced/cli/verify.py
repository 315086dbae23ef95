"""Is this egress log whole, in order and the one that was signed? Pure: entries and checkpoints in, a report out.

The checks, in the order in which they are told:

1. ``signature``: the newest checkpoint bears the log's key.
2. ``entries``: each is canonical JSON (docs/egress-log.md), so that one statement has one form.
3. ``order``: `seq` counts up from 0 without a gap, and times never go back.
4. ``root``: the Merkle root over the entries is the one that was signed; entries after it are not covered yet.
5. ``kept checkpoint``, one for each that the auditor kept: its tree is the beginning of this one (RFC 6962).
6. ``pairing``: each outcome names one earlier intent, of the same permit, once; an agent that started again first
   closed what it had left open.
7. ``single use``: no permit was used by two intents (invariant 5).
8. ``floor``: nothing left under RESTRICTED (invariant 4).

With a key and an older checkpoint this detects truncation, edits, reordering and forks (invariant 10). It cannot tell
that the agent sent something without any entry: that is for the network to show.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import Checkpoint, ProofError, Tree, leaf_hash, open_checkpoint

VERSION: Final = 1
"""The entries' version that is understood."""

TOLD_MAX: Final = 3
"""How many problems of one check are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    name: str
    """Which; see the module's list."""
    ok: bool
    """Whether it holds."""
    said: str
    """What was found, with figures."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    checks: tuple[Check, ...]
    """In the order of the module's list."""
    figures: Mapping[str, int]
    """Entries by kind, bytes that left, what is not covered or not closed yet."""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)


def verify(
    entries: Iterable[bytes], newest: str, kept: Sequence[tuple[str, str]], key: Ed25519PublicKey, origin: str
) -> Report:
    """Check a log.

    Args:
        entries: the exact bytes of each, from the first on; more may follow than `newest` covers.
        newest: signed checkpoint of the log as it is now.
        kept: name and text of each older checkpoint that the auditor kept.
        key: the log's public key.
        origin: the log's name, which stands on each of its checkpoints.
    """
    walk = _Walk()
    for entry in entries:
        walk.take(entry)
    signature, checkpoint = _opened("signature", newest, key, origin)
    checks = [
        signature,
        walk.check("entries", f"{walk.tree.size} entries, each canonical JSON"),
        walk.check("order", f"{walk.tree.size} entries in sequence, times never go back"),
        _root(walk.tree, checkpoint),
        *(_kept(walk.tree, name, note, key, origin) for name, note in kept),
        walk.check("pairing", f"{walk.figures['intent']} intents, {walk.figures['outcome']} outcomes"),
        walk.check("single use", f"{len(walk.permits)} permits, each used once"),
        walk.check("floor", "nothing left under RESTRICTED"),
    ]
    walk.figures["not covered yet"] = max(0, walk.tree.size - (checkpoint.size if checkpoint else 0))
    walk.figures["not closed yet"] = len(walk.open_intents)
    return Report(tuple(checks), dict(walk.figures))


@dataclass(slots=True)
class _Walk:
    """What is known after some entries."""

    tree: Tree = field(default_factory=Tree)
    figures: Counter[str] = field(default_factory=Counter)
    permits: dict[str, int] = field(default_factory=dict)
    """Digest of each permit that an intent used, and where."""
    open_intents: dict[int, str] = field(default_factory=dict)
    """Intents without an outcome: where, and the digest of their permit."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """The first few of each check."""
    problem_counts: Counter[str] = field(default_factory=Counter)
    _stale: frozenset[int] = frozenset()
    """Intents that were open when the agent started last."""
    _newest_unix_ms: int = 0

    def take(self, entry: bytes) -> None:
        """The next entry."""
        index = self.tree.size
        self.tree.append(leaf_hash(entry))
        record = _record(entry)
        if record is None:
            self._problem("entries", f"#{index} is no canonical entry of version {VERSION}")
            return
        if record["seq"] != index:
            self._problem("order", f"#{index} says it is #{record['seq']}")
        if record["time_unix_ms"] < self._newest_unix_ms:
            self._problem("order", f"#{index} is older than the one before it")
        self._newest_unix_ms = max(self._newest_unix_ms, record["time_unix_ms"])
        self.figures[record["kind"]] += 1
        match record["kind"]:
            case "intent":
                self._intent(index, record)
            case "outcome":
                self._outcome(index, record)
            case "refusal":
                self._go_on(index)
            case "start":
                self._stale = frozenset(self.open_intents)
            case _:
                pass  # lockdowns, and kinds that a later version adds, stand alone

    def check(self, name: str, well: str) -> Check:
        """The check of that name."""
        if name not in self.problems:
            return Check(name, ok=True, said=well)
        untold = self.problem_counts[name] - len(self.problems[name])
        return Check(name, ok=False, said="; ".join(self.problems[name]) + (f"; and {untold} more" if untold else ""))

    def _intent(self, index: int, record: Mapping[str, Any]) -> None:
        self._go_on(index)
        permit = str(record.get("permit_sha256", ""))
        if permit in self.permits:
            self._problem("single use", f"#{index} uses the permit of #{self.permits[permit]} again")
        self.permits[permit] = index
        self.open_intents[index] = permit
        if _level(record) == "RESTRICTED":
            self._problem("floor", f"#{index} left under RESTRICTED")
        self.figures["bytes out"] += _count(record, "bytes_out")

    def _outcome(self, index: int, record: Mapping[str, Any]) -> None:
        intent = record.get("intent")
        permit = self.open_intents.pop(intent, None) if type(intent) is int else None
        if permit is None:
            self._problem("pairing", f"#{index} is the outcome of no open intent")
        elif permit != record.get("permit_sha256"):
            self._problem("pairing", f"#{index} is about another permit than its intent #{intent}")
        self.figures["bytes in"] += _count(record, "bytes_in")

    def _go_on(self, index: int) -> None:
        """The agent does new work: what the run before left open must be closed by now."""
        for intent in sorted(self._stale & self.open_intents.keys()):
            self._problem("pairing", f"#{index} follows a restart that never closed intent #{intent}")
        self._stale = frozenset()

    def _problem(self, check: str, text: str) -> None:
        self.problem_counts[check] += 1
        told = self.problems.setdefault(check, [])
        if len(told) < TOLD_MAX:
            told.append(text)


def _opened(name: str, note: str, key: Ed25519PublicKey, origin: str) -> tuple[Check, Checkpoint | None]:
    """A checkpoint and the check of its signature."""
    try:
        checkpoint = open_checkpoint(note, origin, key)
    except ProofError as error:
        return Check(name, ok=False, said=str(error)), None
    return Check(name, ok=True, said=f"{origin}, {checkpoint.size} entries"), checkpoint


def _root(tree: Tree, checkpoint: Checkpoint | None) -> Check:
    """Whether the entries are the ones that were signed."""
    if checkpoint is None:
        return Check("root", ok=False, said="not comparable: the checkpoint's signature does not hold")
    if tree.size < checkpoint.size:
        said = f"truncated: the checkpoint covers {checkpoint.size} entries, {tree.size} are there"
        return Check("root", ok=False, said=said)
    if tree.root(checkpoint.size) != checkpoint.root:
        return Check("root", ok=False, said="other entries than these were signed: one was edited, moved or replaced")
    return Check("root", ok=True, said=f"the signed root of {checkpoint.size} entries: {checkpoint.root.hex()}")


def _kept(tree: Tree, name: str, note: str, key: Ed25519PublicKey, origin: str) -> Check:
    """Whether the log still begins with what it was."""
    title = f"kept checkpoint {name}"
    opened, old = _opened(title, note, key, origin)
    if old is None:
        return opened
    if tree.size < old.size:
        said = f"the log went backwards: it had {old.size} entries, {tree.size} are there"
        return Check(title, ok=False, said=said)
    if tree.root(old.size) != old.root:
        return Check(title, ok=False, said=f"forked: the first {old.size} entries are not the ones signed then")
    return Check(title, ok=True, said=f"the first {old.size} entries are the ones signed then")


def _record(entry: bytes) -> dict[str, Any] | None:
    """What an entry says; None where it is not canonical or lacks what every entry has."""
    try:
        record = json.loads(entry, parse_float=_no_float, parse_constant=_no_float)
        again = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    if again != entry or not isinstance(record, dict) or record.get("v") != VERSION:
        return None
    numbers = all(type(record.get(name)) is int for name in ("seq", "time_unix_ms"))
    return record if numbers and isinstance(record.get("kind"), str) else None


def _no_float(_text: str) -> None:
    """Entries have whole numbers only: a fraction has more than one way to be written."""
    raise ValueError("not a whole number")


def _level(record: Mapping[str, Any]) -> object:
    """The level under which something left."""
    label = record.get("label")
    return label.get("level") if isinstance(label, dict) else None


def _count(record: Mapping[str, Any], name: str) -> int:
    """A figure of an entry; 0 where it has none."""
    value = record.get(name)
    return value if type(value) is int else 0
