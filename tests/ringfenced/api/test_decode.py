"""The door: every bad input is told by its place and never by its value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfenced.api.decode import Limits, decode
from ringfenced.errors import InvalidRequest
from ringfenced.model import File, Json, Priority, Role, Text

SECRET = "Margarete Ellison"


def ask(**fields):
    fields.setdefault("messages", [user(types.Part(text="hello"))])
    return pb.GenerateRequest(**fields)


def user(*parts, **fields):
    return types.Message(role=types.ROLE_USER, parts=parts, **fields)


def value(request, **limits):
    return decode(request, "id", 100.0, None, Limits(**limits))


def refused(request, **limits):
    with pytest.raises(InvalidRequest) as caught:
        value(request, **limits)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)
    return caught.value


def test_a_plain_request_is_a_value():
    request = value(
        ask(
            label=types.Label(level=types.LEVEL_CONFIDENTIAL, categories=[types.CATEGORY_PHI]),
            sampling=types.Sampling(temperature=0, tokens_max=5, stop=["\n", ""]),
            deadline_ms=500,
        )
    )
    assert request.prompt.messages[0].role is Role.USER
    assert request.prompt.messages[0].parts == (Text("hello"),)
    assert request.label == Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
    assert request.prompt.sampling.temperature == 0
    assert request.prompt.sampling.top_p is None
    assert request.prompt.sampling.stop == ("\n",)
    assert request.deadline_s == 100.5


def test_the_sooner_deadline_holds():
    assert decode(ask(deadline_ms=500), "id", 100.0, 0.2, Limits()).deadline_s == 100.2
    assert decode(ask(), "id", 100.0, float("inf"), Limits(seconds_max=60)).deadline_s == 160.0
    assert decode(ask(deadline_ms=90_000), "id", 100.0, None, Limits(seconds_max=60)).deadline_s == 160.0


def test_categories_without_a_level_are_taken_and_say_no_level():
    """They are joined with the caller's default; a label of PUBLIC would take its place."""
    request = value(ask(label=types.Label(categories=[types.CATEGORY_PCI])))
    assert (request.label, request.categories) == (None, frozenset({Category.PCI}))


def test_a_label_that_is_there_and_says_nothing_is_none():
    """Protobuf makes one as soon as somebody looks at the field in some languages."""
    for label in (types.Label(), types.Label(level=types.LEVEL_UNSPECIFIED)):
        request = value(ask(label=label))
        assert (request.label, request.categories) == (None, frozenset())


def test_a_level_that_is_said_is_the_callers_public_too():
    request = value(ask(label=types.Label(level=types.LEVEL_PUBLIC, categories=[types.CATEGORY_PII])))
    assert (request.label, request.categories) == (Label(Level.PUBLIC, frozenset({Category.PII})), frozenset())


@given(st.lists(st.integers(0, 8)))
def test_categories_are_checked_with_a_level_and_without_alike(numbers):
    """What is refused beside a level is refused without one."""

    def taken(level):
        try:
            request = value(ask(label=types.Label(level=level, categories=numbers)))
        except InvalidRequest as error:
            return str(error)
        return request.categories if request.label is None else request.label.categories

    assert taken(types.LEVEL_UNSPECIFIED) == taken(types.LEVEL_INTERNAL)


def test_a_source_is_taken_and_bounded():
    assert value(ask(source="laboratory")).source == "laboratory"
    assert refused(ask(source=SECRET * 99)).input_path == "source"


def test_a_text_file_is_decoded_and_other_files_are_not():
    text = user(types.Part(file=types.File(data="né".encode(), media_type="text/plain", name="a")))
    binary = user(types.Part(file=types.File(data=b"\xff", media_type="application/pdf", name="b")))
    parts = [message.parts[0] for message in value(ask(messages=[text, binary])).prompt.messages]
    assert [part.text for part in parts if isinstance(part, File)] == ["né", None]


def test_json_parts_pass_when_they_parse():
    assert value(ask(messages=[user(types.Part(json='{"a": 1}'))])).prompt.messages[0].parts == (Json('{"a": 1}'),)


@pytest.mark.parametrize(
    ("request_", "path", "reason"),
    [
        (pb.GenerateRequest(), "messages", "messages_empty"),
        (ask(messages=[user()]), "messages", "messages_empty"),
        (ask(messages=[user(types.Part(text=""))]), "messages", "messages_empty"),
        (ask(messages=[types.Message(parts=[types.Part(text="x")])]), "messages[0].role", "invalid_request"),
        (ask(messages=[user(types.Part(text="x")), user(types.Part())]), "messages[1].parts[0]", "invalid_request"),
        (ask(messages=[user(types.Part(json='{"Margarete Ellison": '))]), "messages[0].parts[0].json", "json_invalid"),
        (
            ask(messages=[user(types.Part(file=types.File(data=SECRET.encode() + b"\xff", media_type="text/plain")))]),
            "messages[0].parts[0].file",
            "invalid_utf8",
        ),
        (
            ask(messages=[types.Message(role=types.ROLE_TOOL, parts=[types.Part(text="x")])]),
            "messages[0].tool_call_id",
            "invalid_request",
        ),
        (
            ask(response_format=types.ResponseFormat(json_schema="{")),
            "response_format.json_schema",
            "json_schema_invalid",
        ),
        (
            ask(response_format=types.ResponseFormat(json_schema="7")),
            "response_format.json_schema",
            "json_schema_invalid",
        ),
        (
            ask(response_format=types.ResponseFormat(json_schema='{"type": "Margarete Ellison"}')),
            "response_format.json_schema",
            "json_schema_invalid",
        ),
        (ask(tools=[types.Tool(description="x")]), "tools[0].name", "invalid_request"),
        (
            ask(tools=[types.Tool(name="t", parameters_json_schema='{"type": 3}')]),
            "tools[0].parameters_json_schema",
            "json_schema_invalid",
        ),
        (ask(sampling=types.Sampling(temperature=-1)), "sampling.temperature", "invalid_request"),
        (ask(sampling=types.Sampling(temperature=float("nan"))), "sampling.temperature", "invalid_request"),
        (ask(sampling=types.Sampling(tokens_max=0)), "sampling.tokens_max", "invalid_request"),
        (ask(task=types.Task(name="Patient: Joanna Whitfield")), "task.name", "task_name_invalid"),
        (ask(task=types.Task(quality_min=1.5)), "task.quality_min", "invalid_request"),
        (ask(label=types.Label(level=77)), "label", "invalid_request"),
        (
            ask(permission=types.Permission(cost_microcredits_max=-1)),
            "permission.cost_microcredits_max",
            "invalid_request",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(request_, path, reason):
    error = refused(request_)
    assert (error.input_path, error.reason) == (path, reason)


def test_bounds_are_told_with_the_numbers():
    error = refused(ask(messages=[user(types.Part(text="x" * 11))]), text_chars_max=10)
    assert error.numbers == {"characters": 11, "characters_max": 10}
    assert refused(ask(messages=[user(types.Part(text="x"))] * 3), messages_max=2).reason == "too_many_messages"


@given(st.binary(max_size=300))
def test_any_bytes_that_parse_are_a_value_or_a_typed_error(data):
    request = pb.GenerateRequest()
    try:
        request.ParseFromString(data)
    except Exception:  # noqa: BLE001 - the transport refuses what is no message
        return
    try:
        value(request)
    except InvalidRequest as error:
        assert error.input_path  # noqa: PT017 - either way is good, but an error names its place


@given(st.text(max_size=60), st.sampled_from(["json", "schema"]))
def test_broken_documents_never_travel_in_an_error(text, kind):
    """Whatever the document, no part of it of four letters or more stands in the message."""
    marked = f'{{"Zqxj{text}"'
    part = (
        ask(messages=[user(types.Part(json=marked))])
        if kind == "json"
        else ask(response_format=types.ResponseFormat(json_schema=marked))
    )
    try:
        value(part)
    except InvalidRequest as error:
        assert "Zqxj" not in str(error)  # noqa: PT017 - likewise


def test_what_is_asked_of_a_local_model_is_a_value():
    request = value(
        ask(
            response_format=types.ResponseFormat(grammar='root ::= "x"'),
            sampling=types.Sampling(logprobs=0),
            priority=types.PRIORITY_BATCH,
        )
    )
    assert request.prompt.grammar == 'root ::= "x"'
    assert request.prompt.sampling.logprobs == 0
    assert request.priority is Priority.BATCH
    assert value(ask()).prompt.sampling.logprobs is None
    assert value(ask()).priority is Priority.INTERACTIVE


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"response_format": {"grammar": "x" * 65_537}}, "response_format.grammar"),
        ({"response_format": {"grammar": SECRET, "json_schema": "{}"}}, "response_format.grammar"),
        ({"sampling": {"logprobs": 21}}, "sampling.logprobs"),
        ({"tool_choice": {"mode": "MODE_REQUIRED"}}, "tool_choice"),
        ({"tool_choice": {"name": SECRET}, "tools": [{"name": "f"}]}, "tool_choice.name"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_place(fields, path):
    assert refused(ask(**fields)).input_path == path
