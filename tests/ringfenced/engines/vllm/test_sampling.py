"""From a request's sampling to vLLM's."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.gbnf import BadGrammar
from ringfenced.engines.llama.grammar import SCHEMA_CHARS_MAX, BadSchema
from ringfenced.engines.vllm.sampling import LOGPROBS_MAX, BadSampling, params_from_wire, structure_from_wire


def params(defaults=None, **sampling):
    bias = sampling.pop("logit_bias", {})
    wire = types_pb2.Sampling(**sampling)
    for token, value in bias.items():
        wire.logit_bias[token] = value
    return params_from_wire(wire, defaults or {}, tokens_max=7, tokens_n=100)


def test_nothing_asked_is_the_likeliest_token_with_its_logprob():
    assert params() == {"temperature": 0.0, "max_tokens": 7, "logprobs": 0}


def test_the_models_own_sampling_counts_where_nothing_else_is_asked():
    defaults = {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.1}
    assert params(defaults)["temperature"] == 0.7
    assert params(defaults, temperature=0.0)["temperature"] == 0.0
    assert params(defaults, repeat_penalty=1.5)["repetition_penalty"] == 1.5
    assert params(defaults)["repetition_penalty"] == 1.1


def test_every_value_gets_vllms_name():
    asked = {"temperature": 1, "top_p": 0.5, "top_k": 3, "min_p": 0.25, "presence_penalty": 1, "seed": 5}
    assert params(**asked, frequency_penalty=-1) == asked | {"frequency_penalty": -1, "max_tokens": 7, "logprobs": 0}


def test_no_set_is_so_small_that_it_has_no_probability_so_the_likeliest_is_taken():
    assert params(top_p=0.0, temperature=2.0)["temperature"] == 0.0


def test_a_bias_outside_the_vocabulary_has_no_effect():
    assert params(logit_bias={99: 1.5, 100: 2.0})["logit_bias"] == {99: 1.5}
    assert "logit_bias" not in params(logit_bias={100: 2.0})


def test_log_probabilities_are_left_out_where_nobody_wants_them():
    def wanted(wire):
        return "logprobs" in params_from_wire(wire, {}, tokens_max=1, tokens_n=1, tells_logprobs=False)

    assert not wanted(types_pb2.Sampling())
    assert wanted(types_pb2.Sampling(logprobs=0))


def test_no_more_likely_tokens_are_told_than_vllm_gives():
    assert params(logprobs=5)["logprobs"] == 5
    assert params(logprobs=1000)["logprobs"] == LOGPROBS_MAX


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": math.nan},
        {"temperature": 2.1},
        {"temperature": -1},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"presence_penalty": 2.1},
        {"frequency_penalty": -2.1},
        {"repeat_penalty": 0},
        {"repeat_penalty": math.inf},
        {"top_k": 2**31},
        {"logit_bias": {1: math.inf}},
    ],
)
def test_what_vllm_would_not_take_is_refused(sampling):
    with pytest.raises(BadSampling):
        params(**sampling)


floats = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty"), floats),
            "repeat_penalty": floats,
            "top_k": st.integers(0, 2**32 - 1),
            "seed": st.integers(0, 2**64 - 1),
            "logit_bias": st.dictionaries(st.integers(0, 2**32 - 1), floats, max_size=3),
        },
    )
)
def test_whatever_is_asked_is_refused_or_in_vllms_ranges(sampling):
    try:
        found = params(**sampling)
    except BadSampling:
        return
    assert 0 <= found["temperature"] <= 2
    assert 0 < found.get("top_p", 1) <= 1
    assert 0 <= found.get("min_p", 0) <= 1
    assert -2 <= found.get("presence_penalty", 0) <= 2
    assert -2 <= found.get("frequency_penalty", 0) <= 2
    assert found.get("repetition_penalty", 1) > 0
    assert found.get("top_k", 0) < 2**31
    assert 0 <= found.get("seed", 0) < 2**63
    assert all(math.isfinite(value) and token < 100 for token, value in found.get("logit_bias", {}).items())


def test_free_text_has_no_structure():
    assert structure_from_wire(types_pb2.ResponseFormat()) is None


def test_a_schema_and_a_grammar_are_passed_on():
    schema = json.dumps({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}})
    assert structure_from_wire(types_pb2.ResponseFormat(json_schema=schema)) == {"json": schema}
    assert structure_from_wire(types_pb2.ResponseFormat(grammar='root ::= "a"')) == {"grammar": 'root ::= "a"'}


@pytest.mark.parametrize(
    "schema",
    [
        *("{", "[1]", "3", '"' * 9, "[" * 100_000),
        *('{"$ref": "http://x/y"}', '{"a": [{"$ref": "file:///etc"}]}'),
        '{"title": "' + "x" * SCHEMA_CHARS_MAX + '"}',
    ],
)
def test_a_schema_that_is_none_or_refers_outside_is_refused(schema):
    with pytest.raises(BadSchema):
        structure_from_wire(types_pb2.ResponseFormat(json_schema=schema))


@pytest.mark.parametrize("grammar", ["root ::= (", "root ::= root root", "x"])
def test_a_grammar_that_is_none_is_refused(grammar):
    with pytest.raises(BadGrammar):
        structure_from_wire(types_pb2.ResponseFormat(grammar=grammar))
