"""Small egress logs, as an agent could have written them, made from a seed, the same each time.

Each has two checkpoints: an older one, which an auditor kept elsewhere, and the newest, which lies beside the entries.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.translog import Checkpoint, Tree, leaf_hash, sign_checkpoint

ORIGIN = "site.example/egress"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the log's key").digest())
"""The log's key, which a compromised agent has too."""
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"somebody else's key").digest())
SEGMENT_ENTRIES = 5
ENTRIES_MIN = 6
ENTRIES_MAX = 16


@dataclass(frozen=True, slots=True)
class Log:
    """A log and what an auditor has of it."""

    entries: tuple[bytes, ...]
    """Every entry."""
    newest: str
    """The checkpoint over all of them, as it lies beside them."""
    kept: str
    """The older one, which the auditor has elsewhere."""
    kept_size: int
    """How many entries it covers; more than none, and not all."""


@dataclass(frozen=True, slots=True)
class Files:
    """A log's folder, in memory."""

    segments: tuple[bytes, ...]
    """Bytes of each segment, in the order of their numbers."""
    checkpoint: str
    """The newest checkpoint's text."""

    def glob(self, _pattern: str) -> Iterator[Segment]:
        """The segments, as `pathlib.Path.glob` gives them."""
        return (Segment(f"entries-{number:06}.ndjson", data) for number, data in enumerate(self.segments))


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file."""

    name: str
    """Its name."""
    data: bytes
    """Its bytes."""

    def open(self, _mode: str) -> io.BytesIO:
        """As `pathlib.Path.open`."""
        return io.BytesIO(self.data)


def canonical(record: object) -> bytes:
    """The exact bytes of an entry."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(entries: Sequence[bytes], key: Ed25519PrivateKey = KEY, origin: str = ORIGIN) -> str:
    """The checkpoint of exactly these entries."""
    tree = Tree()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return sign_checkpoint(Checkpoint(origin, tree.size, tree.root()), key)


def files(entries: Sequence[bytes], checkpoint: str) -> Files:
    """The folder of a log."""
    parts = [entries[start : start + SEGMENT_ENTRIES] for start in range(0, len(entries), SEGMENT_ENTRIES)]
    return Files(tuple(b"".join(entry + b"\n" for entry in part) for part in parts), checkpoint)


def make(random: Random) -> Log:
    """A log of `ENTRIES_MIN` to `ENTRIES_MAX` entries: starts, requests that overlap, refusals, lockdowns, keys."""
    records: list[dict[str, object]] = []
    open_intents: dict[int, dict[str, object]] = {}
    _add(records, random, "start", agent="0.1.0", cut_bytes=0)
    for _ in range(random.randint(ENTRIES_MIN, ENTRIES_MAX) - 1):
        pick = random.random()
        if open_intents and pick < 0.4:
            index = random.choice(sorted(open_intents))
            _add(records, random, "outcome", **_outcome(random, index, open_intents.pop(index)))
        elif pick < 0.8:
            fields = _intent(random)
            open_intents[_add(records, random, "intent", **fields)] = fields
        elif pick < 0.92:
            _add(records, random, "refusal", permit_sha256=_hex(random), bytes_out=0, reasons=["residual"])
        elif pick < 0.96:
            _add(records, random, "lockdown", on=0, why="all clear, Müller", caller=_hex(random)[:32], confirmed=[])
        else:
            _add(records, random, "key", provider="cloud", caller=_hex(random)[:32], fingerprint=_hex(random)[:16])
    entries = tuple(map(canonical, records))
    size = random.randint(1, len(entries) - 1)
    return Log(entries, signed(entries), signed(entries[:size]), size)


def _add(records: list[dict[str, object]], random: Random, kind: str, **fields: object) -> int:
    """Append an entry; its index."""
    newest = records[-1]["time_unix_ms"] if records else 1_700_000_000_000
    assert isinstance(newest, int)
    records.append(
        {"v": 1, "seq": len(records), "time_unix_ms": newest + random.randint(0, 999), "kind": kind, **fields}
    )
    return len(records) - 1


def _intent(random: Random) -> dict[str, object]:
    return {
        "request_id": f"r-{_hex(random)[:16]}",
        "caller": _hex(random)[:32],
        "department": random.choice(("ward", "billing", "laboratory")),
        "label": {"level": random.choice(("PUBLIC", "INTERNAL")), "categories": random.choice(([], ["PHI"]))},
        "findings": {"PERSON": random.randint(0, 9)},
        "permit_sha256": _hex(random),
        "commitment": _hex(random),
        "provider": "cloud",
        "model": "gpt",
        "bytes_out": random.randint(100, 9999),
    }


def _outcome(random: Random, index: int, intent: dict[str, object]) -> dict[str, object]:
    repeated = {name: intent[name] for name in ("request_id", "department", "permit_sha256", "provider", "bytes_out")}
    ended = {"outcome": random.choice(("answered", "failed")), "bytes_in": random.randint(0, 9999), "attempts": 1}
    return repeated | ended | {"intent": index, "usage": {"prompt_tokens": random.randint(1, 999)}}


def _hex(random: Random) -> str:
    return random.randbytes(32).hex()
