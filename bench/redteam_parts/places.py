"""Every place of a payload that can hold a text, and what stands round it."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from ringfence.v1 import egress_pb2, types_pb2

Put = Callable[[egress_pb2.EgressPayload, str], object]
"""Puts a text somewhere."""
ASKED = (
    "What does a ward clerk do?",
    "Please summarise the guideline on anticoagulation in five sentences.",
    "How do I choose a channel for a router?",
    "Explain the difference between interest and inflation.",
)


def plain(rng: Random) -> egress_pb2.EgressPayload:
    """A payload that may leave."""
    payload = egress_pb2.EgressPayload()
    said(payload, rng.choice(ASKED))
    return payload


def said(payload: egress_pb2.EgressPayload, text: str, role: types_pb2.Role.ValueType = types_pb2.ROLE_USER) -> None:
    """One more message."""
    payload.messages.add(role=role).parts.add(text=text)


def _file(payload: egress_pb2.EgressPayload, text: str) -> None:
    payload.messages[0].parts.add().file.MergeFrom(
        types_pb2.File(data=text.encode("utf-8", "replace"), media_type="text/plain", name="note.txt")
    )


def _named_file(payload: egress_pb2.EgressPayload, text: str) -> None:
    payload.messages[0].parts.add().file.MergeFrom(
        types_pb2.File(data=b"see there", media_type="text/plain", name=text)
    )


def _media_type(payload: egress_pb2.EgressPayload, text: str) -> None:
    payload.messages[0].parts.add().file.MergeFrom(types_pb2.File(data=b"see", media_type=f"text/{text}", name="n"))


def _picture(payload: egress_pb2.EgressPayload, text: str) -> None:
    payload.messages[0].parts.add().image.MergeFrom(
        types_pb2.Image(data=text.encode("utf-8", "replace"), media_type="image/png")
    )


def _binary(payload: egress_pb2.EgressPayload, text: str) -> None:
    payload.messages[0].parts.add().file.MergeFrom(
        types_pb2.File(data=text.encode("utf-8", "replace"), media_type="application/pdf", name="n")
    )


def _call(payload: egress_pb2.EgressPayload, name: str, arguments: str, call_id: str = "call1") -> None:
    payload.messages.add(role=types_pb2.ROLE_ASSISTANT).tool_calls.add(id=call_id, name=name, arguments_json=arguments)


def _escaped(text: str) -> str:
    """A JSON string of nothing but escapes."""
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'


def _part(document: Callable[[str], str]) -> Put:
    return lambda payload, text: payload.messages[0].parts.add(json=document(text))


PLACES: dict[str, Put] = {
    "a message of the user": said,
    "a message of the system": lambda payload, text: said(payload, text, types_pb2.ROLE_SYSTEM),
    "a message of the assistant": lambda payload, text: said(payload, text, types_pb2.ROLE_ASSISTANT),
    "a tool's answer": lambda payload, text: said(payload, text, types_pb2.ROLE_TOOL),
    "a further part": lambda payload, text: payload.messages[0].parts.add(text=text),
    "a speaker's name": lambda payload, text: setattr(payload.messages[0], "name", text),
    "the id of a tool call": lambda payload, text: _call(payload, "look_up", "{}", text),
    "the id that an answer names": lambda payload, text: setattr(payload.messages[0], "tool_call_id", text),
    "the name of a call": lambda payload, text: _call(payload, text, "{}"),
    "arguments of a call": lambda payload, text: _call(payload, "look_up", json.dumps({"note": text})),
    "arguments, escaped": lambda payload, text: _call(payload, "look_up", f'{{"note":{_escaped(text)}}}'),
    "arguments, as a key": lambda payload, text: _call(payload, "look_up", json.dumps({text: 1})),
    "a tool's name": lambda payload, text: payload.tools.add(name=text),
    "a tool's description": lambda payload, text: payload.tools.add(name="f", description=text),
    "a tool's schema": lambda payload, text: payload.tools.add(
        name="f", parameters_json_schema=json.dumps({"type": "object", "description": text})
    ),
    "a tool's schema, as a constant": lambda payload, text: payload.tools.add(
        name="f", parameters_json_schema=json.dumps({"properties": {"a": {"enum": ["x", {"const": text}]}}})
    ),
    "the tool to call": lambda payload, text: (
        (
            payload.tools.add(name="f"),
            payload.tool_choice.MergeFrom(types_pb2.ToolChoice(mode=types_pb2.ToolChoice.MODE_REQUIRED, name=text)),
        )
    ),
    "the answer's schema": lambda payload, text: setattr(
        payload.response_format, "json_schema", json.dumps({"type": "object", "title": text})
    ),
    "the answer's schema, as a property": lambda payload, text: setattr(
        payload.response_format, "json_schema", json.dumps({"properties": {text: {"type": "string"}}})
    ),
    "the name of the answer's schema": lambda payload, text: payload.response_format.MergeFrom(
        types_pb2.ResponseFormat(json_schema="{}", name=text)
    ),
    "where to stop": lambda payload, text: payload.sampling.stop.append(text),
    "a text file": _file,
    "a file's name": _named_file,
    "a file's media type": _media_type,
    "a picture": _picture,
    "a file that is no text": _binary,
    "a JSON part": _part(lambda text: json.dumps({"note": text})),
    "a JSON part, escaped": _part(lambda text: f'{{"note":{_escaped(text)}}}'),
    "a JSON part, under a key that comes twice": _part(lambda text: f'{{"a":{_escaped(text)},"a":"x"}}'),
    "a JSON part, as a key": _part(lambda text: json.dumps({text: None})),
    "a JSON part, forty deep": _part(lambda text: "[" * 40 + json.dumps(text) + "]" * 40),
    "JSON in JSON": _part(lambda text: json.dumps({"payload": json.dumps({"note": text})})),
    "JSON in JSON in JSON": _part(lambda text: json.dumps({"p": json.dumps({"q": json.dumps([text])})})),
    "a text that is JSON": lambda payload, text: said(payload, f'{{"note": {_escaped(text)}}}'),
    "a text to embed": lambda payload, text: payload.embedding_inputs.append(text),
    "the second text to embed": lambda payload, text: payload.embedding_inputs.extend(["ward", text]),
}
"""Name to place."""


def put(place: str, text: str, rng: Random) -> bytes:
    """A payload with `text` in `place`; texts to embed stand alone."""
    payload = egress_pb2.EgressPayload() if "embed" in place else plain(rng)
    PLACES[place](payload, text)
    return payload.SerializeToString()
