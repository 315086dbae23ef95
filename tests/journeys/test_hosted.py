"""What a hosted model is asked for besides text, by whole requests through a real daemon and real llama.cpp engines."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.random_extras import write_random_adapter, write_random_bert
from fakes.random_gguf import write_random_gguf
from fakes.random_projector import png, write_random_projector
from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.llama, pytest.mark.asyncio(loop_scope="session")]

MODELS = """
[[models]]
name = "reader"
path = "reader.gguf"
projector = "mmproj.gguf"
tools = true
adapters = [{ name = "reader-letters", path = "letters.gguf", quality = 0.5 }]
context_tokens = 2048
sequences = 2
threads = 1
[[models]]
name = "vectors"
path = "vectors.gguf"
embeddings = true
context_tokens = 128
threads = 1
[[evaluators]]
name = "strictly"
kind = "judge"
model = "reader"
timeout_ms = 60000
[[evaluators]]
name = "again"
kind = "consistency"
samples = 2
timeout_ms = 60000
[[evaluators]]
name = "sure"
kind = "logprobs"
mean = -0.0001
"""
WARD = {"type": "object", "properties": {"ward": {"enum": ["A1", "B2"]}}, "required": ["ward"]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def node():
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    write_random_gguf(folder / "reader.gguf")
    write_random_projector(folder / "mmproj.gguf")
    write_random_adapter(folder / "letters.gguf")
    write_random_bert(folder / "vectors.gguf")
    async with open_site(folder, extra=MODELS) as made:
        yield made
    shutil.rmtree(folder)


async def text(node, prompt, **options):
    options = {"model": "reader", "sampling": types.Sampling(temperature=0.0, tokens_max=24), **options}
    return await node.client().generate_text(prompt, **options)


async def test_a_tool_that_must_be_called_is(node):
    """The arguments have the form of the tool's schema, whatever sense the model has."""
    tool = types.Tool(name="find_bed", description="free beds of a ward", parameters_json_schema=json.dumps(WARD))
    choice = types.ToolChoice(mode=types.ToolChoice.MODE_REQUIRED, name="find_bed")
    sampling = types.Sampling(temperature=0.0, tokens_max=200)
    answer = await text(node, "Where is a bed free?", tools=[tool], tool_choice=choice, sampling=sampling)
    [call] = answer.tool_calls
    assert call.name == "find_bed"
    assert json.loads(call.arguments_json)["ward"] in {"A1", "B2"}
    assert answer.receipt.decision.target.model == "reader"


async def test_an_answer_keeps_to_a_schema_and_to_a_grammar(node):
    bound = await text(node, "Which ward?", json_schema=json.dumps(WARD), sampling=types.Sampling(tokens_max=200))
    assert json.loads(bound.text)["ward"] in {"A1", "B2"}
    assert (await text(node, "Sure?", grammar='root ::= "yes" | "no"')).text in {"yes", "no"}


async def test_texts_become_vectors_of_length_1_with_a_receipt(node):
    made = await node.client().embed(["free beds", "a ward", "free beds"], model="vectors")
    first, other, again = (list(embedding.values) for embedding in made.embeddings)
    assert math.hypot(*first) == pytest.approx(1.0, abs=1e-4)
    assert first == pytest.approx(again, abs=1e-5)
    assert first != pytest.approx(other, abs=1e-3)
    assert made.usage.prompt_tokens > 0
    assert made.receipt.decision.target.model == "vectors"
    with pytest.raises(RingfenceCallError) as refused:
        await node.client().embed(["word " * 500], model="vectors")
    assert refused.value.reason == "context_exceeded"


async def test_a_picture_is_read_on_site(node):
    """Another picture, another answer; nothing of it reaches the provider."""
    bodies = len(node.provider.bodies)

    def asking(colour):
        picture = types.Part(image=types.Image(data=png(24, 24, colour), media_type="image/png"))
        return [types.Message(role=types.ROLE_USER, parts=[types.Part(text="What is "), picture, types.Part(text="?")])]

    red = await text(node, asking((255, 0, 0)))
    assert (await text(node, asking((255, 0, 0)))).text == red.text
    assert (await text(node, asking((0, 0, 255)))).text != red.text
    assert len(node.provider.bodies) == bodies


async def test_an_adapter_is_a_model_of_its_own(node):
    plain, letters = await text(node, "Dear"), await text(node, "Dear", model="reader-letters")
    assert plain.text != letters.text
    assert letters.receipt.decision.target.model == "reader-letters"
    assert (await text(node, "Dear")).text == plain.text


@pytest.mark.parametrize("evaluator", ["strictly", "again", "sure"])
async def test_a_real_model_judges_is_asked_again_and_says_how_sure_it_was(node, evaluator):
    """The judge keeps to its schema, further answers are drawn, log-probabilities come though no caller asked."""
    answer = await text(
        node,
        "How many are 2 and 2?",
        model="",
        evaluators=[evaluator],
        permission=types.Permission(ladder_length_max=2),
        sampling=types.Sampling(tokens_max=16),
    )
    first = answer.receipt.verdicts[0]
    assert first.target.model == answer.receipt.ran[0].model
    assert first.evaluator == evaluator
    assert 0 <= first.score <= 1
    assert first.good == (len(answer.receipt.ran) == 1)
