"""Whether an answer is the document that was asked for."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.schema import evaluate, parsed
from ringfenced.model import ToolCall

SCHEMA = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


def test_a_document_that_keeps_to_the_schema_is_flawless():
    assert evaluate(case('{"n": 1}', json_schema=SCHEMA)).score == 1


@pytest.mark.parametrize(
    "text", ['{"n": "one"}', "{}", '{"n": 1', "", '```json\n{"n": 1}\n```', '{"n": NaN}', "[" * 10**5]
)
def test_anything_else_falls_short_and_the_reason_has_nothing_of_it(text):
    opinion = evaluate(case(text, json_schema=SCHEMA))
    assert opinion.score == 0
    assert opinion.reason == "the answer is no JSON document" or opinion.reason.startswith(
        "the answer does not keep to its schema: "
    )


def test_there_is_nothing_to_say_without_a_schema_or_of_calls_alone():
    assert evaluate(case("text")) is None
    assert evaluate(case("", json_schema=SCHEMA, calls=[ToolCall("1", "f", "{}")])) is None


@given(st.recursive(st.integers() | st.text(), st.lists))
def test_a_document_is_read_as_it_is(document):
    assert parsed(json.dumps(document)) == document


@given(st.text())
def test_what_is_none_is_one_error_without_the_text(text):
    with contextlib.suppress(json.JSONDecodeError):
        json.loads(text)
        return
    with pytest.raises(ValueError, match=r"^not JSON$") as caught:
        parsed(text)
    assert caught.value.__cause__ is None
