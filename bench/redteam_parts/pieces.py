"""Canaries in pieces: over the fields of a request, over its turns, over requests of one caller or of several."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random

from evasion_parts.families import cut
from evasion_parts.seeds import Seed
from evasion_parts.splits import SPLITS
from redteam_parts.canaries import Canary, canary
from redteam_parts.places import plain, said
from redteam_parts.way import Attempt, Way
from ringfence.v1 import egress_pb2, types_pb2
from ringfenced.egress import encode

SHAPED = ("SSN", "PAN", "IBAN", "PHONE", "EMAIL")
"""Kinds that a reader knows again when the pieces are put together."""


def over_fields(rng: Random, count: int) -> Iterator[Way]:
    """The public list's splits, and those over fields that only a provider's request has."""
    for index in range(count):
        if index % 2:
            split = SPLITS[index // 2 % len(SPLITS)]
            if "metadata" in split.name:  # never leaves
                continue
            held = canary(rng.choice(sorted(split.types)), rng)
            request = split.build(Seed(held.kind, held.value, held.before, held.after), rng)
            payload = egress_pb2.EgressPayload.FromString(encode.payload(request.prompt))
            for at, message in enumerate(payload.messages):
                if not message.parts and not message.tool_calls:
                    del payload.messages[at]
            name, data = split.name, payload.SerializeToString()
        else:
            name, build = FIELDS[index // 2 % len(FIELDS)]
            held = canary(SHAPED[index // 2 // len(FIELDS) % len(SHAPED)], rng)
            payload = plain(rng)
            build(payload, held, cut(held.value.replace(" ", ""), rng))
            data = payload.SerializeToString()
        yield Way("split within a request", f"{held.kind} {name} {index}", (held.value,), (Attempt(data),))


def _messages(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    said(payload, held.before + pieces[0])
    said(payload, pieces[1] + held.after)


def _stops(payload: egress_pb2.EgressPayload, _held: Canary, pieces: list[str]) -> None:
    payload.sampling.stop.extend(pieces)


def _tools(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    payload.tools.add(name="first", description=held.before + pieces[0])
    payload.tools.add(name="second", description=pieces[1] + held.after)


def _names(payload: egress_pb2.EgressPayload, _held: Canary, pieces: list[str]) -> None:
    payload.messages[0].name = pieces[0]
    payload.messages.add(role=types_pb2.ROLE_USER, name=pieces[1]).parts.add(text="Go on.")


def _description_and_message(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    said(payload, held.before + pieces[0])
    payload.tools.add(name="f", description=pieces[1] + held.after)


def _schema(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    payload.response_format.json_schema = json.dumps(
        {"properties": {"a": {"const": held.before + pieces[0]}, "b": {"const": pieces[1]}}}
    )


def _call_ids(payload: egress_pb2.EgressPayload, _held: Canary, pieces: list[str]) -> None:
    message = payload.messages.add(role=types_pb2.ROLE_ASSISTANT)
    for piece in pieces:
        message.tool_calls.add(id=piece, name="f", arguments_json="{}")


def _embedded(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    payload.Clear()
    payload.embedding_inputs.extend([held.before + pieces[0], pieces[1] + held.after])


def _system_and_user(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    said(payload, held.before + pieces[0], types_pb2.ROLE_SYSTEM)
    said(payload, pieces[1] + held.after)


def _answer_and_stop(payload: egress_pb2.EgressPayload, held: Canary, pieces: list[str]) -> None:
    said(payload, held.before + pieces[0])
    payload.sampling.stop.append(pieces[1])


FIELDS: tuple[tuple[str, Callable[[egress_pb2.EgressPayload, Canary, list[str]], None]], ...] = (
    ("messages", _messages),
    ("stop strings", _stops),
    ("descriptions of tools", _tools),
    ("speakers' names", _names),
    ("a message and a description", _description_and_message),
    ("constants of a schema", _schema),
    ("ids of calls", _call_ids),
    ("texts to embed", _embedded),
    ("system and user", _system_and_user),
    ("a message and a stop string", _answer_and_stop),
)
"""Splits over fields of the provider's request."""


def over_requests(rng: Random, count: int) -> Iterator[Way]:
    """The beginning in one request, the end in the next; by the same caller, by another, with others between."""
    for index in range(count):
        held = canary(SHAPED[index % len(SHAPED)], rng)
        pieces = cut(held.value.replace(" ", ""), rng, 2)
        first, last = held.before + pieces[0], pieces[1] + held.after
        callers = ({"caller_pseudonym": "c1"}, {"caller_pseudonym": "c1" if index % 2 else "c2"})
        between = tuple(Attempt(plain(rng).SerializeToString()) for _ in range(index // 10 % 3))
        yield Way(
            "split over requests",
            f"{held.kind} {index}",
            (held.value,),
            (Attempt(_said(first), callers[0]), *between, Attempt(_said(last), callers[1])),
        )


def _said(text: str) -> bytes:
    payload = egress_pb2.EgressPayload()
    said(payload, text)
    return payload.SerializeToString()
