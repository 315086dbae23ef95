"""From a request's sampling to vLLM's SamplingParams, checked for what would end the process. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.gbnf import check_grammar
from ringfenced.engines.llama.grammar import SCHEMA_CHARS_MAX, BadSchema

LOGPROBS_MAX = 20
"""Most likely tokens beside each; OpenAI's bound, and vLLM's usual one."""

_TOP_K_MAX = 2**31 - 1  # a 32-bit integer on the device
_SEED_END = 2**63  # torch.Generator.manual_seed takes no larger one
_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
    "repeat_penalty": (0.0, math.inf),
}
"""What vLLM takes (vllm/sampling_params.py)."""
_NAMES = {"repeat_penalty": "repetition_penalty"}


class BadSampling(ValueError):
    """Sampling that vLLM would not take."""


def params_from_wire(
    wire: types_pb2.Sampling,
    defaults: Mapping[str, Any],
    *,
    tokens_max: int,
    tokens_n: int,
    tells_logprobs: bool = True,
) -> dict[str, Any]:
    """Return the fields of SamplingParams. Stop strings are not among them: they are looked for where text is made.

    Args:
        wire: what the request asks.
        defaults: the model's own, by vLLM's names.
        tokens_max: most tokens of the answer, at least 1.
        tokens_n: size of the vocabulary; a bias on what lies outside has no effect.
        tells_logprobs: whether each drawn token's log-probability is wanted where nobody asks for it.

    Raises:
        BadSampling: a value is not finite or out of its range.
    """
    params: dict[str, Any] = {"temperature": 0.0, **defaults, "max_tokens": tokens_max, **_in_range(wire)}
    if wire.HasField("top_k"):
        params["top_k"] = wire.top_k
    if params.get("top_k", 0) > _TOP_K_MAX or params.get("repetition_penalty", 1.0) <= 0:
        raise BadSampling("top_k or repeat_penalty")
    if params.get("top_p") == 0:  # no set of tokens is so small: the likeliest one
        params |= {"top_p": 1.0, "temperature": 0.0}
    if wire.HasField("seed"):
        params["seed"] = wire.seed % _SEED_END
    if not all(map(math.isfinite, wire.logit_bias.values())):
        raise BadSampling("logit_bias")
    bias = {token: value for token, value in wire.logit_bias.items() if token < tokens_n}
    if bias:
        params["logit_bias"] = bias
    if tells_logprobs or wire.HasField("logprobs"):
        params["logprobs"] = min(wire.logprobs, LOGPROBS_MAX)
    return params


def _in_range(wire: types_pb2.Sampling) -> dict[str, float]:
    found = {}
    for name, (low, high) in _RANGES.items():
        if wire.HasField(name):  # type: ignore[arg-type]  # names of fields
            value = getattr(wire, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise BadSampling(name)
            found[_NAMES.get(name, name)] = value
    return found


def structure_from_wire(wire: types_pb2.ResponseFormat) -> dict[str, str] | None:
    """Return the field of StructuredOutputsParams; None for free text.

    Raises:
        BadSchema: the schema is no JSON, refers to anything outside itself, or is too long.
        BadGrammar: the grammar is none, or goes beyond what `gbnf.py` allows.
    """
    if wire.json_schema:
        _check_schema(wire.json_schema)
        return {"json": wire.json_schema}
    if wire.grammar:
        check_grammar(wire.grammar)
        return {"grammar": wire.grammar}
    return None


def _check_schema(schema: str) -> None:
    if len(schema) > SCHEMA_CHARS_MAX:
        raise BadSchema(f"a schema of more than {SCHEMA_CHARS_MAX} characters")
    try:
        value = json.loads(schema)
        is_closed = all(reference.startswith("#") for reference in _references(value))
    except (ValueError, RecursionError):
        raise BadSchema("a schema that is no JSON") from None
    if not is_closed:
        raise BadSchema("a reference to something outside the schema")
    if not isinstance(value, dict | bool):
        raise BadSchema("no schema")


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
