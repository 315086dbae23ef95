"""What is cut in two is read together, wherever the halves stand; ordinary requests are not."""

import json

import pytest

from ringfence.v1 import egress_pb2, types_pb2
from ringfence_agent import joined
from ringfence_agent.decode import decode

FIRST, SECOND = "The social security number: 524-7", "1-6038 was given at the desk."
WHOLE = "524-71-6038"


def together(build):
    payload = egress_pb2.EgressPayload()
    payload.messages.add(role=types_pb2.ROLE_USER).parts.add(text="Why?")
    build(payload)
    return list(joined.texts(decode(payload.SerializeToString(), frozenset())))


def say(payload, text, role=types_pb2.ROLE_USER):
    payload.messages.add(role=role).parts.add(text=text)


def two_messages(payload):
    say(payload, FIRST)
    say(payload, SECOND)


def an_answer_between(payload):
    say(payload, FIRST)
    say(payload, "Go on.", types_pb2.ROLE_ASSISTANT)
    say(payload, SECOND)


def descriptions(payload):
    payload.tools.add(name="one", description=FIRST)
    payload.tools.add(name="two", description=SECOND)


def message_and_description(payload):
    say(payload, FIRST)
    payload.tools.add(name="one", description=SECOND)


def message_and_stop(payload):
    say(payload, FIRST)
    payload.sampling.stop.append("1-6038")


def ids(payload):
    message = payload.messages.add(role=types_pb2.ROLE_ASSISTANT)
    for piece in ("524-7", "1-6038"):
        message.tool_calls.add(id=piece, name="f", arguments_json="{}")


def constants(payload):
    payload.response_format.json_schema = json.dumps({"a": {"const": FIRST}, "b": {"const": SECOND}})


def inputs(payload):
    payload.Clear()
    payload.embedding_inputs.extend([FIRST, SECOND])


def arguments(payload):
    message = payload.messages.add(role=types_pb2.ROLE_ASSISTANT)
    for piece in ("524", "71", "6038"):
        message.tool_calls.add(id="1", name="f", arguments_json=json.dumps({"p": piece}))


@pytest.mark.parametrize(
    "build",
    [
        inputs,
        two_messages,
        an_answer_between,
        descriptions,
        message_and_description,
        message_and_stop,
        ids,
        constants,
        arguments,
    ],
)
def test_two_halves_are_read_together_whatever_fields_they_stand_in(build):
    assert any(WHOLE in text for text in together(build))


def figures(payload):
    payload.messages[0].parts.add(json=json.dumps({"values": [[140, 4.1, 102], ["12", "18", "7"]], "sum": "37"}))


def conversation(payload):
    say(payload, "Take three tablets of 5 mg daily for two to four weeks.")
    say(payload, "Blood pressure was 120/80, heart rate 72.", types_pb2.ROLE_ASSISTANT)
    say(payload, "What does an HbA1c of 7.2 say about the last three months?")
    payload.tools.add(name="dose", description="Computes a dose.", parameters_json_schema='{"type":"object"}')
    payload.sampling.stop.extend(["\n", "END"])


def broken(payload):
    say(payload, "{" * 5000)
    say(payload, "[1, 2")


@pytest.mark.parametrize("build", [figures, conversation, broken])
def test_ordinary_requests_give_nothing_more_to_scan(build):
    assert together(build) == []
