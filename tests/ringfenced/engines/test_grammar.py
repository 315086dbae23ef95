"""JSON Schemas become grammars, or are refused without their text."""

from __future__ import annotations

import json

import pytest

from ringfence.recognize.plugins.labels import ASKED
from ringfence.recognize.plugins.llm_reader import schema as schema_of
from ringfenced.engines.llama.grammar import SCHEMA_CHARS_MAX, BadSchema, schema_to_grammar


def test_a_schema_becomes_a_grammar():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/b"}},
        "required": ["a"],
        "$defs": {"b": {"enum": ["x", "y"]}},
    }
    grammar = schema_to_grammar(json.dumps(schema))
    assert "root ::=" in grammar
    assert '"\\"x\\""' in grammar


def test_what_a_recogniser_asks_by_becomes_a_short_grammar():
    """A bound on how many there may be would be written out, rule by rule."""
    assert schema_to_grammar(json.dumps(schema_of(ASKED))).count("\n") < 20


@pytest.mark.parametrize(
    "schema",
    [
        "",
        "{",
        "[]",
        '"x"',
        '{"type": "nope"}',
        '{"$ref": "https://example.com/schema.json"}',
        '{"properties": {"a": {"items": [{"$ref": "other.json"}]}}, "type": "object"}',
        '{"$ref": "#/$defs/none"}',
        '{"const": "' + "x" * SCHEMA_CHARS_MAX + '"}',
        "[" * 5000,
        json.dumps({"enum": ["\x00" * 10_000] * 5}),
        json.dumps({"type": "string", "pattern": "^Jane Doe(?=x)$"}),
    ],
)
def test_a_schema_that_cannot_be_converted_is_refused(schema):
    with pytest.raises(BadSchema) as caught:
        schema_to_grammar(schema)
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None
