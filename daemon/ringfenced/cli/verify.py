"""Is this egress log whole, in order and the one that was signed? One file, for an auditor to read and to run alone.

    python3 ringfence-verify.py --log DIR --key log.pub [--checkpoint OLD]... [--witness VKEY]...

It needs Python 3.11 and its standard library, nothing else. The checks, in this order:

1. ``signature``: the newest checkpoint bears the log's key (C2SP signed-note, tlog-checkpoint; RFC 8032).
2. ``entries``: each is canonical JSON (docs/egress-log.md), so that one statement has one form.
3. ``order``: `seq` counts up from 0 without a gap, and times never go back.
4. ``root``: the Merkle root over the entries is the one that was signed; entries after it are not covered yet.
5. ``kept checkpoint``, one for each that the auditor kept: its tree is the beginning of this one (RFC 6962).
6. ``witness``, one for each that was named: it cosigned a checkpoint whose tree is the beginning of this one.
7. ``pairing``: each outcome closes one open intent, of its permit; a restart first closes what it finds open.
8. ``single use``: no permit was used by two intents (invariant 5).
9. ``floor``: nothing left under RESTRICTED or no label (invariant 4), no provider answered what began under lockdown.
10. ``fields``: permits, commitments, outcomes, lockdowns and changes of keys have the form that they must have.

With a key and an older checkpoint this detects truncation, edits, reordering and forks (invariant 10). It cannot tell
that something was sent without any entry. Memory grows by 16 bytes an intent, and by nothing else.
"""

from __future__ import annotations

import argparse
import binascii
import hashlib
import json
import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VERSION: Final = 1  # of the entries that are understood; fields that are unknown here are no problem
TOLD_MAX: Final = 3  # problems of one check that are told; the rest is counted
NOTE_CHARS_MAX: Final = 128 * 1024  # C2SP signed-note asks for room for 16 signatures of up to 5 kB, in base64


class Invalid(ValueError):
    """A key, a checkpoint or a file of the log is not what it should be."""


# ── Ed25519, verified (RFC 8032, section 5.1) ────────────────────────────────────────────────────────────────────────

Point = tuple[int, int, int, int]
"""(X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z. Time may tell what is computed here: nothing is secret."""
_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_NEUTRAL: Final[Point] = (0, 1, 1, 0)


def _add(one: Point, two: Point) -> Point:
    """The sum of two points; also of a point and itself (RFC 8032, section 5.1.4)."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _encoded(point: Point) -> bytes:
    """A point's one encoding."""
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(data: bytes) -> Point | None:
    """The point that `data` encodes; None where there is none (RFC 8032, section 5.1.3)."""
    number = int.from_bytes(data, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    x = x if x & 1 == odd else -x % _P
    point = (x, y % _P, 1, x * y % _P)
    return point if v * x * x % _P == u and _encoded(point) == data else None


_BASE: Final = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _NEUTRAL


def ed25519_holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is `key`'s over `message`; of what RFC 8032 leaves open, the stricter.

    S is below the order, a point has one encoding, the equation is the one without the cofactor and is compared as
    bytes, and a key of small order is none, for a signature under it fits many messages.
    """
    point = _decoded(key) if len(key) == 32 else None
    s = int.from_bytes(signature[32:], "little")
    if point is None or len(signature) != 64 or s >= _L:
        return False
    twice = _add(point, point)
    fourfold = _add(twice, twice)
    if _encoded(_add(fourfold, fourfold)) == _encoded(_NEUTRAL):
        return False
    minus = (-point[0] % _P, point[1], 1, -point[3] % _P)
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    table = {1: _BASE, 2: minus, 3: _add(_BASE, minus)}
    found = _NEUTRAL
    for bit in reversed(range(253)):
        found = _add(found, found)
        if which := (s >> bit & 1) | (k >> bit & 1) << 1:
            found = _add(found, table[which])
    return _encoded(found) == signature[:32]


# ── keys and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature) ───────────────────────────────────────

ED25519: Final = b"\x01"  # signature type of a log's key
COSIGNATURE: Final = b"\x04"  # signature type of a witness's key, whose signatures bear a time
_SPKI: Final = bytes.fromhex("302a300506032b6570032100")  # what an Ed25519 key begins with in DER (RFC 8410, 10.1)
_PEM: Final = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_NAME: Final = re.compile(r"[^\s+]{1,255}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that an auditor trusts."""

    name: str
    """Of a log its origin, of a witness its name; empty where the file does not say."""
    kind: bytes
    """`ED25519` or `COSIGNATURE`."""
    raw: bytes
    """The 32 bytes of RFC 8032."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's key signed, or what a witness cosigned."""

    size: int
    """How many entries."""
    root: bytes
    """The Merkle root over them."""
    time_unix_s: int = 0
    """When a witness says that it saw this; 0 where nobody says."""


def read_key(text: str) -> Key:
    """A public key from PEM (SubjectPublicKeyInfo) or a C2SP verifier key (``name+hash+key``); Invalid otherwise."""
    if pem := _PEM.fullmatch(text):
        der = _base64("".join(pem[1].split()))
        if len(der) == len(_SPKI) + 32 and der.startswith(_SPKI):
            return Key("", ED25519, der[len(_SPKI) :])
        raise Invalid("no Ed25519 public key")
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    data = _base64(encoded)
    if not _NAME.fullmatch(name) or key_id(name, data[:1], data[1:]).hex() != digest:
        raise Invalid("neither a PEM public key nor a verifier key whose hash fits")
    if data[:1] not in (ED25519, COSIGNATURE) or len(data) != 33:
        raise Invalid("a key of a kind that needs `ringfence audit verify`; this file knows Ed25519")
    return Key(name, data[:1], data[1:])


def key_id(name: str, kind: bytes, raw: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + raw).digest()[:4]


def open_note(note: str, origin: str, key: Key) -> Checkpoint:
    """The checkpoint of the log `origin` in a signed note, if `key` signed it; Invalid otherwise.

    Signatures of other keys are ignored, and so are lines after the root.
    """
    text, blank, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if len(note) > NOTE_CHARS_MAX or not blank or not signatures.endswith("\n"):
        raise Invalid("no signed note: text, an empty line, signature lines")
    if len(lines) < 3 or lines[0] != origin or not _SIZE.fullmatch(lines[1]) or len(root := _base64(lines[2])) != 32:
        raise Invalid(f"no checkpoint of {origin}")
    for line in signatures.removesuffix("\n").split("\n"):
        dash, name, signed = line.split(" ") if line.count(" ") == 2 else ("", "", "")
        data = _base64(signed)
        if dash != "—":
            raise Invalid("a line under the checkpoint is no signature line")
        if name == key.name and data[:4] == key_id(key.name, key.kind, key.raw):
            start = 12 if key.kind == COSIGNATURE else 4
            seconds = int.from_bytes(data[4:start], "big")
            head = f"cosignature/v1\ntime {seconds}\n" if key.kind == COSIGNATURE else ""
            if not ed25519_holds(key.raw, f"{head}{text}\n".encode(), data[start:]):
                raise Invalid(f"the signature of {name} on this checkpoint is wrong")
            return Checkpoint(int(lines[1]), root, seconds)
    raise Invalid(f"no signature of {key.name}'s key stands on this checkpoint")


def _base64(text: str) -> bytes:
    """Strict base64 (RFC 4648, section 4): one text for one value."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        data = b""
    if binascii.b2a_base64(data, newline=False).decode() != text:
        raise Invalid("keys, hashes and signatures are base64, each in its one form")
    return data


class Roots:
    """The Merkle roots (RFC 6962, section 2.1) of a log at some sizes; holds one hash for each complete subtree."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self.size = 0
        self.at: dict[int, bytes | None] = dict.fromkeys(sizes)  # None for a size that was not reached
        self._peaks: list[bytes] = []
        if 0 in self.at:
            self.at[0] = hashlib.sha256().digest()

    def append(self, entry: bytes) -> None:
        """The next entry."""
        sha256, peaks, index = hashlib.sha256, self._peaks, self.size
        digest = sha256(b"\x00" + entry).digest()
        while index & 1:
            digest = sha256(b"\x01" + peaks.pop() + digest).digest()
            index >>= 1
        peaks.append(digest)
        self.size += 1
        if self.size in self.at:
            root, *others = reversed(peaks)
            for peak in others:
                root = sha256(b"\x01" + peak + root).digest()
            self.at[self.size] = root


Fields = dict[str, Any]
_parse: Final = json.JSONDecoder(parse_float=int, parse_constant=int).decode  # what is not whole is an error
_write: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def read_entry(entry: bytes) -> Fields | None:
    """What an entry says; None unless it comes out the same when written again, and has what every entry has."""
    try:
        text = entry.decode()
        fields = _parse(text)
        if _write(fields) != text or not isinstance(fields, dict) or fields.get("v") != VERSION:
            return None
    except (ValueError, RecursionError):
        return None
    numbers = type(fields.get("seq")) is int and type(fields.get("time_unix_ms")) is int
    return fields if numbers and type(fields.get("kind")) is str else None


_FORMS: Final = {  # what some fields look like as Python writes them; None where they may be left out
    "intent": (("commitment", re.compile("None|'[0-9a-f]{64}'")), ("permit_sha256", re.compile("'.+'"))),
    "outcome": (("attempts", re.compile("None|[0-9]{1,3}")), ("outcome", re.compile("'[a-z_]+'"))),
    "lockdown": (("on", re.compile("[01]")), ("missing", re.compile("None|[1-9][0-9]*"))),
    "key": tuple((name, re.compile("'.+'")) for name in ("provider", "caller", "fingerprint")),
}


class _Walk:
    """What is known after some entries, and what was wrong with them."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self.roots = Roots(sizes)
        self.figures: Counter[str] = Counter()
        self.open_intents: dict[int, tuple[str, bool]] = {}  # permit of each, and whether egress was stopped
        self._permits = [array("Q") for _ in range(256)]  # by first byte: 64 bits of a digest, its intent, and so on
        self._told: dict[str, list[str]] = {}  # the first few problems of each check
        self._counts: Counter[str] = Counter()
        self._stale: frozenset[int] = frozenset()  # intents that were open when the agent started last
        self._stopped, self._newest_unix_ms = False, 0

    def take(self, entry: bytes) -> None:
        """The next entry."""
        index = self.roots.size
        self.roots.append(entry)
        fields = read_entry(entry)
        if fields is None:
            self._problem("entries", f"#{index} is no canonical entry of version {VERSION}")
            return
        if fields["seq"] != index:
            self._problem("order", f"#{index} says it is #{fields['seq']}")
        if fields["time_unix_ms"] < self._newest_unix_ms:
            self._problem("order", f"#{index} is older than the one before it")
        self._newest_unix_ms = max(self._newest_unix_ms, fields["time_unix_ms"])
        for name, form in _FORMS.get(fields["kind"], ()):
            if not form.fullmatch(repr(fields.get(name))):
                self._problem("fields", f"#{index}: {name} has not the form that it must have")
        self._look(index, fields)

    def check(self, name: str, well: str) -> Check:
        """The check of that name; `well` is said where nothing was wrong."""
        told, untold = "; ".join(self._told.get(name, ())), self._counts[name] - TOLD_MAX
        return Check(name, not told, told + (f"; and {untold} more" if untold > 0 else "") or well)

    def _look(self, index: int, fields: Fields) -> None:
        """What an entry changes, by its kind; kinds that a later version adds stand alone."""
        self.figures[fields["kind"]] += 1
        if self._stale and fields["kind"] in ("intent", "refusal"):
            self._go_on(index)
        match fields["kind"]:
            case "intent":
                self._intent(index, fields)
            case "outcome":
                self._outcome(index, fields)
            case "start":
                self._stale = frozenset(self.open_intents)
            case "lockdown" if not fields.get("missing"):  # an order that waits for more operators changes nothing yet
                self._stopped = fields.get("on") == 1

    def _intent(self, index: int, fields: Fields) -> None:
        digest = hashlib.sha256((permit := str(fields.get("permit_sha256", ""))).encode()).digest()
        self._permits[digest[0]].extend((int.from_bytes(digest[:8], "big"), index))
        self.open_intents[index] = permit, self._stopped
        level = label.get("level") if isinstance(label := fields.get("label"), dict) else None
        if level not in ("PUBLIC", "INTERNAL", "CONFIDENTIAL"):
            what = "RESTRICTED" if level == "RESTRICTED" else "no label that says whether it might"
            self._problem("floor", f"#{index} left under {what}")
        self.figures["bytes out"] += _count(fields, "bytes_out")

    def _outcome(self, index: int, fields: Fields) -> None:
        intent = fields.get("intent")
        permit, was_stopped = self.open_intents.pop(intent, (None, False)) if type(intent) is int else (None, False)
        if permit is None:
            self._problem("pairing", f"#{index} is the outcome of no open intent")
        elif permit != fields.get("permit_sha256"):
            self._problem("pairing", f"#{index} is about another permit than its intent #{intent}")
        if was_stopped and fields.get("outcome") == "answered":
            self._problem("floor", f"#{index}: a provider answered intent #{intent}, which began under lockdown")
        self.figures["bytes in"] += _count(fields, "bytes_in")

    def _go_on(self, index: int) -> None:
        """The agent does new work: what the run before left open must be closed by now."""
        for intent in sorted(self._stale & self.open_intents.keys()):
            self._problem("pairing", f"#{index} follows a restart that never closed intent #{intent}")
        self._stale = frozenset()

    def single_use(self) -> None:
        """Look for permits that two intents used; once, after the last entry."""
        for bucket in self._permits:
            first: dict[int, int] = {}
            for digest, index in zip(bucket[::2], bucket[1::2], strict=True):
                if (used := first.setdefault(digest, index)) != index:
                    self._problem("single use", f"#{index} uses the permit of #{used} again")

    def _problem(self, check: str, text: str) -> None:
        self._counts[check] += 1
        if self._counts[check] <= TOLD_MAX:
            self._told.setdefault(check, []).append(text)


def _count(fields: Fields, name: str) -> int:
    """A figure of an entry; 0 where it has none."""
    return fields[name] if type(fields.get(name)) is int else 0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    name: str
    """Which; see the list at the top."""
    ok: bool
    """Whether it holds."""
    said: str
    """What was found, with figures."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    checks: tuple[Check, ...]
    """In the order of the list at the top."""
    figures: Mapping[str, int]
    """Entries by kind, bytes that left, what is not covered or not closed yet."""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)


def verify(
    entries: Iterable[bytes],
    newest: str,
    kept: Sequence[tuple[str, str]],
    key: Any,
    origin: str,
    *,
    witnesses: Sequence[Key] = (),
    cosigned: str = "",
) -> Report:
    """Check a log.

    Args:
        entries: the exact bytes of each, from the first on; more may follow than `newest` covers.
        newest: signed checkpoint of the log as it is now.
        kept: name and text of each older checkpoint that the auditor kept.
        key: the log's public key: its 32 bytes, or an object whose `public_bytes_raw()` gives them.
        origin: the log's name, which stands on each of its checkpoints.
        witnesses: each must have cosigned.
        cosigned: the checkpoint with their lines; empty for `newest`.
    """
    own = Key(origin, ED25519, key if isinstance(key, bytes) else key.public_bytes_raw())
    signed = [("root", newest, own), *((f"kept checkpoint {name}", note, own) for name, note in kept)]
    signed += [(f"witness {witness.name}", cosigned or newest, witness) for witness in witnesses]
    opened = [_opened(note, origin, by) for _, note, by in signed]
    walk = _Walk([checkpoint.size for checkpoint in opened if isinstance(checkpoint, Checkpoint)])
    for entry in entries:
        walk.take(entry)
    walk.single_use()
    size, intents = walk.roots.size, walk.figures["intent"]
    covered = opened[0].size if isinstance(opened[0], Checkpoint) else 0
    walk.figures["not covered yet"] = max(0, size - covered)
    walk.figures["not closed yet"] = len(walk.open_intents)
    signature = opened[0] if isinstance(opened[0], str) else f"{origin}, {covered} entries"
    checks = [
        Check("signature", isinstance(opened[0], Checkpoint), signature),
        walk.check("entries", f"{size} entries, each canonical JSON"),
        walk.check("order", f"{size} entries in sequence, times never go back"),
        *(_begins(name, checkpoint, walk.roots) for (name, _, _), checkpoint in zip(signed, opened, strict=True)),
        walk.check("pairing", f"{intents} intents, {walk.figures['outcome']} outcomes"),
        walk.check("single use", f"{intents} permits, each used once"),
        walk.check("floor", "nothing left under RESTRICTED or lockdown"),
        walk.check("fields", "each has its form"),
    ]
    return Report(tuple(checks), dict(walk.figures))


def _opened(note: str, origin: str, key: Key) -> Checkpoint | str:
    """A checkpoint, or what is wrong with it."""
    try:
        return open_note(note, origin, key)
    except ValueError as error:
        return str(error)


def _begins(name: str, signed: Checkpoint | str, roots: Roots) -> Check:
    """Whether the log begins with what was signed."""
    if isinstance(signed, str):
        return Check(name, ok=False, said=signed)
    root, is_newest = roots.at[signed.size], name == "root"
    if root is None:
        what = "truncated: the checkpoint covers" if is_newest else "the log went backwards: it had"
        return Check(name, ok=False, said=f"{what} {signed.size} entries, {roots.size} are there")
    if root != signed.root:
        what = "one was edited, moved or replaced" if is_newest else "forked"
        return Check(name, ok=False, said=f"the first {signed.size} entries are not the ones signed: {what}")
    when = f" at {signed.time_unix_s} s after 1970" if signed.time_unix_s else ""
    return Check(name, ok=True, said=f"the first {signed.size} entries are the ones signed{when}: {root.hex()}")


def entries_of(log: Path) -> Iterator[bytes]:
    """The entries of a log, in order; a last line without newline is left out, for it is still being written."""
    paths = sorted(log.glob("entries-*.ndjson"))
    for number, path in enumerate(paths):
        if path.name != f"entries-{number:06}.ndjson":
            raise Invalid(f"{log}: segment entries-{number:06}.ndjson is missing")
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield line[:-1]
                elif path != paths[-1]:
                    raise Invalid(f"{path}: ends within an entry, and another segment follows")


def main() -> int:
    """Check a log; 0 if it is whole, 1 if not, 2 if that cannot be said."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--log", type=Path, required=True, metavar="DIR", help="the log's folder, or a copy of it")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="the log's public key, PEM or vkey")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="OLD", help="kept earlier")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="one that must have cosigned")
    given = parser.parse_args()
    try:
        note, cosigned = (given.log / "checkpoint").read_bytes().decode(), given.log / "checkpoint.cosigned"
        key = read_key(given.key.read_bytes().decode())
        report = verify(
            entries_of(given.log),
            note,
            [(path.name, path.read_bytes().decode()) for path in given.checkpoint],
            key.raw,
            key.name or note.partition("\n")[0],
            cosigned=cosigned.read_bytes().decode() if cosigned in given.log.iterdir() else "",
            witnesses=[read_key(text) for text in given.witness],
        )
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for check in report.checks:
        print("ok    " if check.ok else "FAILED", f"{check.name}: {check.said}")
    print(", ".join(f"{name}: {report.figures[name]:,}" for name in sorted(report.figures)))
    if not given.checkpoint and not given.witness:
        print("no older checkpoint was given: a fork or a log that went backwards would not be seen")
    print("the log is whole" if report.ok else "THE LOG IS NOT WHOLE")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
