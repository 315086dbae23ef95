"""Permits that do not hold: replayed, altered, too old, too new, for something else, and with more in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from redteam_parts.canaries import KINDS, canary, words
from redteam_parts.places import plain, said
from redteam_parts.way import Attempt, Way
from ringfence.permit import DOMAIN
from ringfence.v1 import egress_pb2, types_pb2

UNKNOWN_FIELD = 121
"""A number that no message of the contract has."""


class SignedWith(NamedTuple):
    """A permit and the key that can sign another."""

    statement: bytes
    signature: bytes
    key: Ed25519PrivateKey

    def again(self, statement: bytes) -> tuple[bytes, bytes]:
        """`statement`, signed."""
        return statement, self.key.sign(DOMAIN + statement)


Bend = Callable[[SignedWith, Random], tuple[bytes, bytes]]


def varint(number: int, spare: int = 0) -> bytes:
    """A number as protobuf writes it, with `spare` bytes more than it takes."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F)
    groups += [0] * spare
    return bytes([group | 0x80 for group in groups[:-1]] + [groups[-1]])


def extra(data: bytes, number: int = UNKNOWN_FIELD) -> bytes:
    """A field of bytes that no message of the contract knows."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def inside(message: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """`message` with `change` done to its first field `number`, which is a message or text itself."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read(message, at)
        kind = tag & 7
        if kind == 2:
            size, at = _read(message, at)
            body, at = message[at : at + size], at + size
            if tag >> 3 == number:
                changed = change(body)
                return message[:start] + varint(tag) + varint(len(changed)) + changed + message[at:]
        elif kind == 0:
            _, at = _read(message, at)
        else:
            at += 4 if kind == 5 else 8
    raise ValueError(f"no field {number}")


def _read(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def _flip(part: int) -> Bend:
    def bend(one: SignedWith, rng: Random) -> tuple[bytes, bytes]:
        bits = bytearray(one[part])
        bits[rng.randrange(len(bits))] ^= 1 << rng.randrange(8)
        return (bytes(bits), one.signature) if part == 0 else (one.statement, bytes(bits))

    return bend


def _resized(one: SignedWith, rng: Random) -> tuple[bytes, bytes]:
    cut = rng.randrange(len(one.signature))
    return one.statement, rng.choice((one.signature[:cut], one.signature + rng.randbytes(1), b"", one.signature * 2))


def _low_order(one: SignedWith, rng: Random) -> tuple[bytes, bytes]:
    """A signature of small numbers, which careless verifiers take (RFC 8032, section 5.1.7)."""
    point = rng.choice((bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"))
    return one.statement, point + bytes(32)


def _malleable(one: SignedWith, _rng: Random) -> tuple[bytes, bytes]:
    """The same signature with the group's order added to its second half."""
    order = 2**252 + 27742317777372353535851937790883648493
    half = int.from_bytes(one.signature[32:], "little") + order
    return one.statement, one.signature[:32] + half.to_bytes(32, "little")


BENDS: dict[str, Bend] = {
    "a bit of the statement": _flip(0),
    "a bit of the signature": _flip(1),
    "a signature of another length": _resized,
    "a signature of small order": _low_order,
    "a signature with the order added": _malleable,
    "another key": lambda one, rng: (
        one.statement,
        Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)).sign(DOMAIN + one.statement),
    ),
    "no domain": lambda one, _rng: (one.statement, one.key.sign(one.statement)),
    "another domain": lambda one, _rng: (one.statement, one.key.sign(b"ringfence payload v1\n" + one.statement)),
    "no signature": lambda one, _rng: (one.statement, b""),
    "no statement": lambda one, _rng: one.again(b""),
    "noise": lambda one, rng: one.again(rng.randbytes(rng.randrange(1, 200))),
    "an unknown field": lambda one, rng: one.again(one.statement + extra(rng.randbytes(20))),
    "an unknown field before the others": lambda one, rng: one.again(extra(rng.randbytes(20)) + one.statement),
    "an unknown field in the label": lambda one, rng: one.again(
        inside(one.statement, 4, lambda body: body + extra(rng.randbytes(9)))
    ),
    "an unknown number": lambda one, rng: one.again(
        one.statement + varint(UNKNOWN_FIELD << 3) + varint(rng.getrandbits(60))
    ),
    "an unknown group": lambda one, _rng: one.again(
        one.statement + varint(UNKNOWN_FIELD << 3 | 3) + varint(UNKNOWN_FIELD << 3 | 4)
    ),
    "a known field of another kind": lambda one, rng: one.again(
        one.statement + varint(2 << 3) + varint(rng.getrandbits(40))
    ),
    "a field twice": lambda one, _rng: one.again(
        one.statement + egress_pb2.PermitStatement(department="other").SerializeToString()
    ),
    "a label twice": lambda one, _rng: one.again(
        one.statement
        + egress_pb2.PermitStatement(label=types_pb2.Label(level=types_pb2.LEVEL_PUBLIC)).SerializeToString()
    ),
    "a longer varint": lambda one, rng: one.again(one.statement + varint(15 << 3) + varint(rng.randrange(99), spare=3)),
    "a default said": lambda one, _rng: one.again(one.statement + varint(15 << 3) + b"\x00"),
    "fields in another order": lambda one, _rng: one.again(one.statement[34:] + one.statement[:34]),
}
"""Name to what is done to a signed permit. The last may hold: order says nothing."""
MAY_HOLD = frozenset({"fields in another order"})
_LATE = (-40_000, -32_100, -3_600_000, -86_400_000, 5_000, 60_000, 3_600_000, 10**12)
_LONG = (30_001, 40_000, 3_600_000, 0, -1, -30_000)
_TEXTS = ("request_id", "department", "caller_pseudonym", "decision_reason")


def bent(rng: Random, count: int) -> Iterator[Way]:
    """Permits altered after they were signed, and signed altered."""
    names = [name for name in BENDS if name not in MAY_HOLD]
    for index in range(count):
        name, held = names[index % len(names)], words(rng)
        yield Way("permits altered", f"{name} {index}", (held.value,), (Attempt(_words(held.text()), bend=name),))


def untimely(rng: Random, count: int) -> Iterator[Way]:
    """Permits that have expired, do not hold yet, or hold too long."""
    for index in range(count):
        held = words(rng)
        if index % 2:
            late = rng.choice(_LATE) + rng.randrange(-50, 50)
            changes = {"issued_at_unix_ms": late, "expires_at_unix_ms": late}
        else:
            changes = {"expires_at_unix_ms": rng.choice(_LONG) - 30_000}
        yield Way("permits out of time", f"{index}", (held.value,), (Attempt(_words(held.text()), changes),))


def elsewhere(rng: Random, count: int) -> Iterator[Way]:
    """Permits for another payload, size, provider, model, key; changed before and after signing."""
    for index in range(count):
        held = words(rng)
        changes = rng.choice(
            (
                {"payload_sha256": rng.randbytes(32)},
                {"payload_sha256": b""},
                {"payload_sha256": rng.randbytes(31)},
                {"payload_bytes": rng.randrange(10_000)},
                {
                    "provider": rng.choice(
                        ("other", "Cloud", "cloud ", "https://evil.example", "../cloud", "cloud\r\nHost: x")
                    )
                },
                {"model": rng.choice(("GPT", "gpt-5-mini-2026-01-02", "gpt/../x", "embed", "gpt\n", "*", "g\u200bpt"))},
                {"key_id": rng.choice(("permit2", "", "PERMIT", "../permit", "permit\x00"))},
                {"nonce": rng.randbytes(rng.choice((0, 8, 15, 17, 32)))},
            )
        )
        yield Way("permits for something else", f"{index}", (held.value,), (Attempt(_words(held.text()), changes),))
        honest = {"department": "bank", "request_id": "r1", "cost_microcredits_max": 99, "findings_by_type": {"SSN": 1}}
        name = rng.choice(tuple(honest))
        later = words(rng)
        yield Way(
            "permits for something else",
            f"{index} changed after signing",
            (later.value,),
            (Attempt(_words(later.text()), {name: honest[name]}, unsigned=True),),
        )


def replayed(rng: Random, count: int) -> Iterator[Way]:
    """A permit used again: for the same payload, for another, several times."""
    for index in range(count):
        first, second = words(rng), words(rng)
        clean = plain(rng).SerializeToString()
        if index % 3 == 0:
            attempts: tuple[Attempt, ...] = (Attempt(clean), Attempt(_words(second.text()), permit_of=0))
        elif index % 3 == 1:
            attempts = (Attempt(clean), *(Attempt(clean, permit_of=0),) * 3)
        else:  # what was refused has used its permit up too
            found = canary(rng.choice(KINDS), rng)
            attempts = (
                Attempt(_words(found.text())),
                Attempt(_words(first.text()), permit_of=0),
                Attempt(_words(found.text()), permit_of=0),
            )
        passing = () if index % 3 == 2 else (0,)
        yield Way("permits replayed", f"{index}", (first.value, second.value), attempts, may_pass=passing)


_NAME = re.compile(r"[A-Za-z0-9._-]+")


def worded(rng: Random, count: int) -> Iterator[Way]:
    """Canaries in a permit's own fields, which reach the log; beside an honest payload.

    What is one word of letters and digits may be a department's name or, of letters alone, an id: that remains, and the
    threat model says so.
    """
    for index in range(count):
        held = canary(KINDS[index % len(KINDS)], rng)
        name = (*_TEXTS, "findings_by_type", "provider", "model", "key_id")[index % 8]
        text = rng.choice(
            (
                held.value,
                held.text(),
                f"ward {held.value}",
                held.value.replace(" ", "").replace("-", "."),
                held.text() * 40,
            )
        )
        if name == "department" and _NAME.fullmatch(text):
            text = held.text()
        changes: dict[str, object] = {name: {text: 1} if name == "findings_by_type" else text}
        yield Way(
            "text in the permit",
            f"{name} {index}",
            (held.value,),
            (Attempt(plain(rng).SerializeToString(), changes),),
            in_log=(held.value,),
        )


def lying(rng: Random, count: int) -> Iterator[Way]:
    """Labels that lie: lower than what the payload holds, fewer categories; and RESTRICTED that says so."""
    levels = (types_pb2.LEVEL_PUBLIC, types_pb2.LEVEL_INTERNAL, types_pb2.LEVEL_CONFIDENTIAL)
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        held = canary(kind, rng)
        some = rng.sample(range(1, 7), rng.randrange(3))
        label = types_pb2.Label(level=rng.choice(levels), categories=some)
        before = types_pb2.Label(level=types_pb2.LEVEL_RESTRICTED, categories=range(1, 7))
        findings = {} if rng.random() < 0.5 else {"PERSON": 1}
        yield Way(
            "labels that lie",
            f"{kind} {index}",
            (held.value,),
            (Attempt(_words(held.text()), {"label": label, "label_before": before, "findings_by_type": findings}),),
        )
        marked = words(rng)
        high = types_pb2.Label(
            level=rng.choice((types_pb2.LEVEL_RESTRICTED, types_pb2.LEVEL_CONFIDENTIAL, 0, 7, -1)), categories=some
        )
        yield Way("labels too high", f"{index}", (marked.value,), (Attempt(_words(marked.text()), {"label": high}),))


def _words(text: str) -> bytes:
    payload = egress_pb2.EgressPayload()
    said(payload, text)
    return payload.SerializeToString()
