"""Whether the calls of an answer can be made."""

import json

import pytest

from fakes.cases import case
from ringfenced.evaluate.calls import evaluate
from ringfenced.model import Tool, ToolCall, ToolMode

DOSE = Tool("dose", "", json.dumps({"type": "object", "properties": {"mg": {"type": "number"}}, "required": ["mg"]}))
TOOLS = (DOSE, Tool("now", "", ""))


def call(name, arguments):
    return ToolCall("1", name, arguments)


@pytest.mark.parametrize("made", [call("dose", '{"mg": 5}'), call("now", ""), call("now", "{}")])
def test_a_call_that_can_be_made_is_flawless(made):
    assert evaluate(case(calls=[made], tools=TOOLS)).score == 1


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (call("other", "{}"), "a tool is called that there is not"),
        (call("dose", "{"), "no JSON"),
        (call("dose", "[5]"), "no object"),
        (call("dose", '{"mg": "five"}'), "type fails"),
        (call("dose", "{}"), "required fails"),
    ],
)
def test_one_that_cannot_falls_short(made, reason):
    opinion = evaluate(case(calls=[call("now", "{}"), made], tools=TOOLS))
    assert opinion.score == 0
    assert reason in opinion.reason


def test_what_is_demanded_must_be_called():
    assert evaluate(case("text", tools=TOOLS, tool_mode=ToolMode.REQUIRED)).score == 0
    wanted = {"tools": TOOLS, "tool_mode": ToolMode.REQUIRED, "tool_name": "dose"}
    assert evaluate(case(calls=[call("now", "{}")], **wanted)).score == 0
    assert evaluate(case(calls=[call("dose", '{"mg": 1}')], **wanted)).score == 1


def test_there_is_nothing_to_say_where_no_tool_is_called():
    assert evaluate(case("text", tools=TOOLS)) is None
