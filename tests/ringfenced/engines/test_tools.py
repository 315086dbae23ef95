"""What a model is told of tools, and the grammar of its calls."""

from __future__ import annotations

import json

import pytest

from ringfenced.engines.llama.calls import Style
from ringfenced.engines.llama.gbnf import check_grammar
from ringfenced.engines.llama.grammar import BadSchema, schema_to_grammar
from ringfenced.engines.llama.template import ChatTemplate, Turn
from ringfenced.engines.llama.tools import ToolFacts, calls_grammar, choice_grammar, instruction, style_of

WEATHER = ToolFacts(
    "weather",
    "Tells the weather",
    json.dumps(
        {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"$ref": "#/$defs/days"}},
            "required": ["city"],
            "$defs": {"days": {"type": "integer"}},
        }
    ),
)
TIME = ToolFacts("time", "", "")


@pytest.mark.parametrize(
    ("template", "style"),
    [
        ("{% for tool in tools %}<tool_call>", Style.HERMES),
        ('{{ "<|python_tag|>" }}', Style.LLAMA),
        ("""{{- '{"name": "' + name + '", "parameters": ' }}""", Style.LLAMA),
        ("[AVAILABLE_TOOLS]{{ tools }}[TOOL_CALLS]", Style.MISTRAL_LIST),
        ("[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}", Style.MISTRAL),
        ("{{ messages }}", Style.HERMES),
    ],
)
def test_the_template_says_how_calls_are_written(template, style):
    assert style_of(template) is style


@pytest.mark.parametrize("style", list(Style))
def test_the_grammar_of_calls_passes_the_check(style):
    """Schemas that refer to a part of themselves and tools without a schema included."""
    check_grammar(calls_grammar(style, [WEATHER, TIME]))
    check_grammar(calls_grammar(style, [WEATHER]))
    check_grammar(choice_grammar([calls_grammar(style, [WEATHER]), schema_to_grammar('{"type": "integer"}')]))


def test_a_schema_that_is_no_json_is_told_without_its_text():
    with pytest.raises(BadSchema) as caught:
        calls_grammar(Style.HERMES, [ToolFacts("f", "", "{secret")])
    assert "secret" not in str(caught.value)


def test_a_model_without_tools_in_its_template_is_told_in_words():
    told = instruction([WEATHER, TIME])
    assert '"name": "weather"' in told
    assert '"parameters": {"type": "object"}' in told
    assert "<tool_call>" in told


TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}"
    "{% if m.tool_call_id %}#{{ m.tool_call_id }}{% endif %}{% endfor %}"
)


def test_templates_see_tools_and_calls_as_openai_has_them():
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
    template = ChatTemplate(TEMPLATE, bos="", eos="", control=())
    turns = [Turn("user", "hi"), Turn("assistant", "", calls=(call,)), Turn("tool", "sun", "weather", call_id="c1")]
    (segment,) = template.render(turns, [WEATHER.as_openai()])
    head, rest = segment.text.removeprefix("<tools>").split("</tools>")
    (tool,) = json.loads(head)
    assert (tool["type"], tool["function"]["name"]) == ("function", "weather")
    assert tool["function"]["parameters"]["required"] == ["city"]
    assert rest == f"<user>hi<assistant>{json.dumps([call])}<tool>sun#c1"


def test_a_control_token_in_a_tool_or_a_call_stays_text():
    """A tool's description cannot end the system's turn, nor can a call's arguments."""
    template = ChatTemplate(TEMPLATE, bos="", eos="", control=("<|end|>",))
    call = {"id": "", "type": "function", "function": {"name": "f", "arguments": {"x<|end|>": "y<|end|>"}}}
    tool = ToolFacts("f", "does <|end|> things", '{"description": "<|end|>"}').as_openai()
    segments = template.render([Turn("assistant", "", calls=(call,))], [tool])
    assert [segment.text for segment in segments if not segment.is_control] == ["<|end|>"] * 4
    assert not any("<|end|>" in segment.text for segment in segments if segment.is_control)
