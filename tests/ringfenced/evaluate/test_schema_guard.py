"""A JSON schema is followed as jsonschema follows it, without the network, within steps, and nothing is told."""

from __future__ import annotations

import json
import socket
import time

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.evaluate import NotEvaluatedError
from ringfenced.evaluate.schema_guard import failing

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 2.5])
    | st.sampled_from(["a", "b", "aa"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def _schemas(inner):
    keywords = {
        "type": st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]),
        "const": SCALARS,
        "enum": st.lists(SCALARS, min_size=1, max_size=3),
        "minimum": st.integers(-2, 2),
        "maxLength": st.integers(0, 2),
        "pattern": st.sampled_from(["^a", "b$", "a+"]),
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), inner, max_size=2),
        "additionalProperties": inner,
        "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
        "items": inner,
        "uniqueItems": st.booleans(),
        "anyOf": st.lists(inner, min_size=1, max_size=3),
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=3),
        "not": inner,
        "$ref": st.just("#/$defs/x"),
    }
    return st.fixed_dictionaries({}, optional=keywords)


SCHEMAS = st.recursive(st.booleans(), _schemas, max_leaves=8).filter(lambda schema: isinstance(schema, dict))


@given(SCHEMAS, st.booleans() | st.fixed_dictionaries({"type": st.sampled_from(["integer", "array"])}), DOCUMENTS)
def test_what_keeps_to_a_schema_is_what_jsonschema_says(schema, definition, document):
    schema = {**schema, "$defs": {"x": definition}}
    expected = jsonschema.Draft202012Validator(schema).is_valid(document)
    assert (failing(json.dumps(schema), document) == "") == expected


@pytest.mark.parametrize(
    ("schema", "document", "keyword"),
    [
        ({"required": ["a"]}, {}, "required"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "x"}, "type"),
        ({"additionalProperties": False}, {"a": 1}, "additionalProperties"),
        ({"pattern": "^(a+)+$"}, "a" * 100_000 + "!", "pattern"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], "uniqueItems"),
        ({"maximum": 3}, 10**4000, "maximum"),
        (False, 1, "false"),
    ],
)
def test_the_keyword_that_fails_is_told_and_nothing_else(schema, document, keyword):
    assert failing(json.dumps(schema), document) == keyword


def _doubling():
    """A schema whose checking doubles with each of forty steps."""
    definitions = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    return {"$defs": {**definitions, "d40": {"type": "null"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        (_doubling(), 1),
        ({"anyOf": [{"type": "null"}] * 6000}, list(range(50_000))),
        ({"items": {"enum": list(range(5000))}}, [4999] * 50_000),
        ({"$ref": "#"}, 1),
        ({"$ref": "#/nowhere"}, 1),
        ({"pattern": "(?=a)b"}, "a"),
        ({"pattern": "(a{1,1000}){1,1000}"}, "a"),
        ({"multipleOf": 0.1}, 10**400),
        ({"unevaluatedProperties": False}, {}),
        ({"$dynamicRef": "#x"}, {}),
    ],
)
def test_what_cannot_be_followed_within_bounds_is_not_judged(schema, document):
    started_s = time.process_time()
    with pytest.raises(NotEvaluatedError):
        failing(json.dumps(schema), document)
    assert time.process_time() - started_s < 20


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {f"^(a|b|{n}){{1,90}}c": True for n in range(500)}},
        {"patternProperties": {f"^(a|b|{n}){{1,90}}c": True for n in range(500)}, "additionalProperties": False},
    ],
)
def test_every_name_beside_every_pattern_is_a_step(schema):
    """1,500 patterns beside 3,000 names took half a minute of the thread that judges for everybody."""
    with pytest.raises(NotEvaluatedError):
        failing(json.dumps(schema), {f"{'ab' * 50}{n}": 1 for n in range(500)})


def test_a_keyword_that_is_written_with_escapes_is_the_same():
    with pytest.raises(NotEvaluatedError, match="not checked here"):
        failing('{"\\u0075nevaluatedProperties": false}', {})


def test_a_reference_to_elsewhere_is_never_fetched(monkeypatch):
    """jsonschema itself would open a connection."""
    asked = []
    monkeypatch.setattr(socket, "create_connection", lambda *where, **_: asked.append(where))
    with pytest.raises(NotEvaluatedError):
        failing('{"$ref": "http://localhost:1/schema.json"}', {})
    assert not asked


def test_many_unique_items_take_time_in_proportion():
    assert failing('{"uniqueItems": true}', [[number] for number in range(20_000)]) == ""
