"""LoRA adapters, calls that open of themselves, what an engine is started with."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from fakes.engine_kinds import prompt
from fakes.random_extras import write_random_adapter, write_random_bert
from fakes.random_gguf import BYTES_FROM, write_random_gguf
from ringfenced import errors
from ringfenced.model import Finish, FinishReason, TextDelta, Tool, ToolCallDelta

pytestmark = pytest.mark.llama

ENDLESS = {"logit_bias": tuple((token, -1e9) for token in range(BYTES_FROM))}


async def say(client, adapter="", tokens=24):
    with client.start(prompt("hi", tokens_max=tokens, **ENDLESS), confidential=True, adapter=adapter) as run:
        said = []
        while not isinstance(event := await run.take(), Finish):
            said.append(event.text)
        return "".join(said)


@pytest.fixture
async def adapted(launch, random_gguf, tmp_path):
    """An engine with an adapter that changes the model and one that does not."""
    changing = write_random_adapter(tmp_path / "changing.gguf")
    idle = write_random_adapter(tmp_path / "idle.gguf", scale=0.0)
    named = ("--adapter", f"changing={changing}", "--adapter", f"idle={idle}")
    return (await launch("worker", "--threads", "1", "--model", random_gguf, *named)).client


async def test_an_adapter_changes_the_answer_and_one_of_zeros_does_not(adapted):
    assert adapted.description.adapters == ("changing", "idle")
    plain = await say(adapted)
    assert await say(adapted, "idle") == plain
    assert await say(adapted, "changing") != plain


async def test_answers_with_several_adapters_are_those_that_each_has_alone(adapted):
    """Steps take turns; a batch has one adapter."""
    asked = ("", "changing", "idle", "changing", "")
    alone = {adapter: await say(adapted, adapter) for adapter in set(asked)}
    assert await asyncio.gather(*(say(adapted, adapter) for adapter in asked)) == [alone[adapter] for adapter in asked]


async def test_an_adapter_that_the_engine_does_not_have_is_a_defect(adapted):
    with pytest.raises(errors.Internal):
        await say(adapted, "unknown")
    await say(adapted, tokens=1)


async def test_an_engine_does_not_start_with_what_it_cannot_load(random_gguf, tmp_path):
    bert = write_random_bert(tmp_path / "bert.gguf")
    foreign = write_random_adapter(tmp_path / "foreign.gguf", width=32)
    for arguments, why in (
        (("--model", random_gguf, "--adapter", f"a={foreign}"), "adapter"),
        (("--model", random_gguf, "--embeddings"), "embedding"),
        (("--model", random_gguf, "--cache-type", "q8_0", "--flash-attention", "off"), "flash attention"),
        (("--model", bert, "--embeddings", "--tensor-split", ",".join("1" * 99)), "devices"),
    ):
        command = (sys.executable, "-P", "-m", "ringfenced.engines.worker", "--socket", tmp_path / "s", *arguments)
        process = await asyncio.create_subprocess_exec(*map(str, command), stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        assert process.returncode == 1
        assert why in said.decode()


@pytest.mark.parametrize(
    "arguments",
    [("--cache-type", "bf16"), ("--cache-type", "q8_0"), ("--flash-attention", "on"), ("--flash-attention", "off")],
    ids=" ".join,
)
async def test_the_cache_is_kept_as_asked(launch, tmp_path, arguments):
    wide = write_random_gguf(tmp_path / "wide.gguf", width=128)  # quantised caches have blocks of 32
    client = (await launch("worker", "--threads", "1", "--model", wide, *arguments)).client
    assert await say(client, tokens=5)


MARK = "<tool_call>"
WEATHER = Tool("weather", "", '{"type": "object", "properties": {"city": {"enum": ["Rome"]}}, "required": ["city"]}')


async def test_a_call_that_the_model_opens_itself_is_bound_from_there(launch, tmp_path):
    """The bias makes the model open a call with its first token; what follows keeps to the tool's schema."""
    model = write_random_gguf(tmp_path / "words.gguf", words=(MARK,))
    client = (await launch("worker", "--threads", "1", "--model", model)).client
    mark = BYTES_FROM + 257
    asked = prompt("x", tools=(WEATHER,), tokens_max=300, temperature=0.0, logit_bias=((mark, 50.0),))
    events = []
    with client.start(asked, confidential=True) as run:
        while not isinstance(event := await run.take(), Finish):
            events.append(event)
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert calls[0].name == "weather"
    first = "".join(piece.arguments_json for piece in calls if piece.index == 0)
    assert json.loads(first) == {"city": "Rome"}
    assert not any(isinstance(event, TextDelta) and event.text.strip() for event in events)
    assert event.reason in {FinishReason.TOOL_CALLS, FinishReason.LENGTH}


async def test_text_that_calls_nothing_is_text(launch, random_gguf):
    client = (await launch("worker", "--threads", "1", "--model", random_gguf)).client
    with client.start(prompt("x", tools=(WEATHER,), tokens_max=20, **ENDLESS), confidential=True) as run:
        while isinstance(event := await run.take(), TextDelta):
            pass
    assert event.reason is FinishReason.LENGTH


async def test_an_answer_of_a_form_may_be_a_call_instead(launch, random_gguf):
    """Bound from the first token on, to the form or to a call."""
    client = (await launch("worker", "--threads", "1", "--model", random_gguf)).client
    for seed in range(4):
        asked = prompt(
            "x", tools=(WEATHER,), schema='{"enum": ["yes", "no"]}', temperature=1.5, seed=seed, tokens_max=120
        )
        said, calls = "", ""
        with client.start(asked, confidential=False) as run:
            while not isinstance(event := await run.take(), Finish):
                if isinstance(event, TextDelta):
                    said += event.text
                elif event.index == 0:
                    calls += event.arguments_json
        if calls:
            assert not said
            assert json.loads(calls) == {"city": "Rome"}
        else:
            assert json.loads(said) in {"yes", "no"}
