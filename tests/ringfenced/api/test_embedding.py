"""Texts to embed, from the caller and back."""

from __future__ import annotations

import pytest

from ringfence.labels import PUBLIC, Category, Level
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfenced.api.decode import Limits
from ringfenced.api.embedding import decode_embedding, encode_embedding
from ringfenced.classify import string_leaves
from ringfenced.errors import InvalidRequest
from ringfenced.model import (
    Decision,
    Finish,
    FinishReason,
    Priority,
    Receipt,
    Usage,
    Vectors,
)

SECRET = "Margarete Ellison"


def value(request, **limits):
    return decode_embedding(request, "id", 100.0, 30.0, Limits(**limits))


def test_each_input_is_a_message_and_every_one_is_scanned():
    request = value(
        pb.EmbedRequest(
            model="m",
            inputs=["one", "two"],
            label=types.Label(level=types.LEVEL_CONFIDENTIAL),
            permission=types.Permission(local_only=True),
            priority=types.PRIORITY_BATCH,
            deadline_ms=5000,
            source="laboratory",
        )
    )
    assert request.prompt.embeds
    assert {"one", "two"} <= {text for _, text in string_leaves(request.prompt, request.metadata)}
    assert (request.model, request.source, request.priority) == ("m", "laboratory", Priority.BATCH)
    assert request.label.level is Level.CONFIDENTIAL
    assert request.permission.local_only
    assert request.deadline_s == 105.0


def test_what_is_not_said_takes_the_defaults():
    request = value(pb.EmbedRequest(inputs=["x"]))
    assert (request.label, request.categories) == (None, frozenset())
    assert request.permission.ladder_length_max == 1


def test_a_label_without_a_level_says_none():
    """As in GenerateRequest: the caller's default counts."""
    request = value(pb.EmbedRequest(inputs=["x"], label=types.Label(categories=[types.CATEGORY_PHI])))
    assert (request.label, request.categories) == (None, frozenset({Category.PHI}))


@pytest.mark.parametrize(
    ("inputs", "limits", "path"),
    [
        ([], {}, "inputs"),
        (["x", ""], {}, "inputs[1]"),
        ([SECRET] * 3, {"inputs_max": 2}, "inputs"),
        ([SECRET], {"text_chars_max": 5}, "inputs"),
    ],
)
def test_bad_inputs_are_told_by_their_place(inputs, limits, path):
    with pytest.raises(InvalidRequest) as caught:
        value(pb.EmbedRequest(inputs=inputs), **limits)
    assert caught.value.input_path == path
    assert SECRET not in str(caught.value)


async def test_what_came_of_it_is_one_message():
    decision = Decision(PUBLIC, (), (), "d")

    async def events():
        yield decision
        yield Vectors(((0.5, -0.5), (1.0, 0.0)))
        yield Finish(FinishReason.STOP, Usage(9, 0))
        yield Receipt("r", decision, 5, (), {}, 1, ())

    response = await encode_embedding(events())
    assert [list(one.values) for one in response.embeddings] == [[0.5, -0.5], [1.0, 0.0]]
    assert response.usage.prompt_tokens == 9
    assert response.receipt.cost_microcredits == 5
