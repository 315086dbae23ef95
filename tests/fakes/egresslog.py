"""An egress log as an agent would have written it: entries, checkpoints, files."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ringfence.translog import Checkpoint, Tree, leaf_hash, sign_checkpoint

ORIGIN = "ringfence.example/egress"


def canonical(record):
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry(index, kind, **fields):
    """One entry's bytes; what every entry has is filled in."""
    return canonical({"v": 1, "kind": kind, "seq": index, "time_unix_ms": 1_700_000_000_000 + index, **fields})


def intent(index, permit, level="INTERNAL"):
    label = {"level": level, "categories": ["PHI"]}
    names = {"request_id": f"r{index}", "department": "ward", "provider": "cloud", "model": "gpt"}
    return entry(index, "intent", permit_sha256=permit, bytes_out=100, label=label, **names)


def outcome(index, of, permit):
    return entry(index, "outcome", intent=of, permit_sha256=permit, outcome="answered", bytes_out=100, bytes_in=50)


def refusal(index):
    return entry(index, "refusal", permit_sha256=f"refused{index}", bytes_out=0, reasons=["residual"])


def ordinary():
    """Ten entries: a start, two overlapping requests, a refusal, a restart that closes an intent, one more request."""
    return [
        entry(0, "start", cut_bytes=0),
        intent(1, "a"),
        intent(2, "b"),
        outcome(3, 2, "b"),
        outcome(4, 1, "a"),
        refusal(5),
        intent(6, "c"),
        entry(7, "start", cut_bytes=0),
        outcome(8, 6, "c"),
        intent(9, "d"),
    ]


def signed(entries, key, origin=ORIGIN):
    """The checkpoint of exactly these entries."""
    tree = Tree()
    for each in entries:
        tree.append(leaf_hash(each))
    return sign_checkpoint(Checkpoint(origin, tree.size, tree.root()), key)


def tree_of(entries):
    tree = Tree()
    for each in entries:
        tree.append(leaf_hash(each))
    return tree


def write(directory: Path, entries, note, segment_entries=4):
    """The log's files."""
    directory.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, len(entries), segment_entries)):
        lines = b"".join(each + b"\n" for each in entries[start : start + segment_entries])
        (directory / f"entries-{number:06}.ndjson").write_bytes(lines)
    (directory / "checkpoint").write_text(note)


def write_key(path: Path, key: Ed25519PrivateKey):
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
