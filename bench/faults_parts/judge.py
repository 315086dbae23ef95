"""What must hold after a fault, judged by a reader that shares nothing with the agent but the documented log format.

sent            every body that reached the provider is covered by an intent of its own (by its commitment) that
stands in the log on disk, and was durable before the provider had the body; with an archive, so
was its record. The same body may arrive as often as one send is tried
acknowledged    every entry that a proof or an `Admitted` told of stands where it was said, byte for byte, and was
durable before it was told
typed           every call ended with an event or a documented status while the agent ran
restart         the agent starts again, takes a send, and ends well; or refuses with a documented exit code
whole           the log verifies (``ringfence audit verify``), begins with every checkpoint that was seen, and has no
intent left open
lockdown        is on where it was acknowledged as on
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from faults_parts.trace import Disk
from faults_parts.workloads import Record, Told
from ringfenced.cli import verify
from ringfenced.cli.archivefiles import records_of
from ringfenced.cli.exits import Failure

ORIGIN = "site.example/egress"
DOCUMENTED = frozenset({0, 3, 78})
"""Exit codes of the agent (``ringfence_agent.__main__``)."""
ATTEMPTS_MAX = 2
"""How often the agent tries one send, unless its file says otherwise (``attempts_max``)."""
TYPED = frozenset({"sent", "refused", "failed", "done", "cancelled", "FAILED_PRECONDITION"})
"""How a call may end while the agent runs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, where it stands on disk."""

    raw: bytes
    said: Mapping[str, Any]
    path: str
    end: int
    """Where in its file it ends, its newline included."""


def entries(log: Path) -> list[Entry]:
    """The whole entries of a log, as far as they go."""
    found: list[Entry] = []
    for path in sorted(log.glob("entries-*.ndjson")):
        end = 0
        for line in path.read_bytes().splitlines(keepends=True):
            end += len(line)
            try:
                said = json.loads(line)
            except ValueError:
                return found
            if not line.endswith(b"\n") or said.get("seq") != len(found):
                return found
            found.append(Entry(line[:-1], said, str(path), end))
    return found


def sent(
    received: Iterable[tuple[float, bytes]],
    on_disk: list[Entry],
    salt_key: bytes,
    disk: Disk | None,
    archive: Path | None,
) -> Iterator[str]:
    """What is wrong with what left.

    Args:
        received: when the provider had which body.
        on_disk: the log.
        salt_key: of the commitments.
        disk: what was durable when; None where the files are not as the agent left them.
        archive: the archive's folder, where there is one.
    """
    unused = [entry for entry in on_disk if entry.said["kind"] == "intent"] * ATTEMPTS_MAX
    for at_s, body in received:
        covering = [entry for entry in unused if _commitment(entry, salt_key, body) == entry.said["commitment"]]
        if not covering:
            yield "sent: a body reached the provider, and no intent in the log covers it"
            continue
        durable = [entry for entry in covering if disk is None or entry.end <= disk.durable(entry.path, at_s)]
        unused.remove((durable or covering)[0])
        if not durable:
            yield f"sent: intent {covering[0].said['seq']} was not durable when its body reached the provider"
        if archive is not None and not _archived(archive, covering[0].said["seq"]):
            yield f"sent: the archive holds no record of intent {covering[0].said['seq']}, whose body left"


def acknowledged(record: Record, on_disk: list[Entry], disk: Disk | None) -> Iterator[str]:
    """What of the acknowledged is lost, or was told too early."""
    told = [(at_s, index, raw) for at_s, index, raw, _ in record.proven]
    for at_s, index, raw in [*told, *((at_s, index, b"") for at_s, index in record.admitted)]:
        if index >= len(on_disk):
            yield f"acknowledged: entry {index} was told of, and the log has {len(on_disk)}"
        elif raw and on_disk[index].raw != raw:
            yield f"acknowledged: entry {index} is another than the one that was told of"
        elif not raw and on_disk[index].said["kind"] != "intent":
            yield f"acknowledged: entry {index} is no intent"
        elif disk is not None and on_disk[index].end > disk.durable(on_disk[index].path, at_s):
            yield f"acknowledged: entry {index} was told of before it was durable"


def typed(told: Iterable[Told], *, died: bool) -> Iterator[str]:
    """Calls that ended in a way that nobody documented."""
    for one in told:
        gone = died and one.end in ("UNAVAILABLE", "nothing", "CANCELLED")
        if one.end not in TYPED and not gone:
            yield f"typed: {one.what} ended with {one.end}: {one.detail}"


def whole(log: Path, record: Record, key: Ed25519PublicKey, *, closed: bool) -> Iterator[str]:
    """What `audit verify` says against the log."""
    notes = {note for _, _, _, note in record.proven if note}
    kept = [(str(number), note) for number, note in enumerate(sorted(notes))]
    try:
        newest = (log / "checkpoint").read_text()
        report = verify.verify((entry.raw for entry in entries(log)), newest, kept, key, ORIGIN)
    except (OSError, Failure) as error:
        yield f"whole: {error}"
        return
    yield from (f"whole: {check.name}: {check.said}" for check in report.checks if not check.ok)
    if closed and report.figures["not closed yet"]:
        yield f"whole: {report.figures['not closed yet']} intents were left open"


def log_key(path: Path) -> Ed25519PublicKey:
    """The log's public key."""
    key = load_pem_public_key(path.read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    return key


def _commitment(entry: Entry, salt_key: bytes, body: bytes) -> str:
    """docs/egress-log.md's formula."""
    nonce = bytes.fromhex(entry.said["nonce_sha256"])
    salt = hmac.digest(salt_key, b"ringfence payload salt v1\n" + nonce, "sha256")
    return hashlib.sha256(b"ringfence payload v1\n" + salt + body).hexdigest()


def _archived(archive: Path, index: int) -> bool:
    """Whether the archive has a whole record of an intent."""
    try:
        return any(True for _ in records_of(archive, index))
    except Failure:
        return False
