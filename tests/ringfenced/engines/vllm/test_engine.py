"""What only vLLM itself can show: sampling, stop strings, schemas, prefixes, adapters, tool calls."""

from __future__ import annotations

import asyncio
import json

import pytest

from ringfence.v1 import engine_pb2
from ringfenced import errors
from ringfenced.engines import frames
from ringfenced.model import (
    Claim,
    Finish,
    FinishReason,
    Message,
    Priority,
    Prompt,
    Role,
    Sampling,
    Text,
    TextDelta,
    Tool,
    ToolCallDelta,
    ToolMode,
)

pytestmark = pytest.mark.vllm

ENDLESS = tuple((token, -1e9) for token in range(3))


def prompt(text="x", *, schema="", grammar="", **sampling):
    return Prompt(
        (Message(Role.USER, (Text(text),)),), json_schema=schema, grammar=grammar, sampling=Sampling(**sampling)
    )


async def read(client, asked, **options):
    with client.start(asked, **{"confidential": True, **options}) as run:
        events = []
        while not isinstance(event := await run.take(), Finish):
            events.append(event)
        return events, event


async def answer(client, asked, **options):
    events, finish = await read(client, asked, **options)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), finish


@pytest.fixture
async def client(start):
    return (await start()).client


async def test_the_description_says_what_vllm_does(start, adapters):
    description = (await start()).client.description
    assert description.model_architecture == "LlamaForCausalLM"
    assert description.model_bytes > 1_000_000
    assert description.supports_tools
    assert description.supports_grammar
    assert description.supports_logprobs
    assert set(description.adapters) == set(adapters)


async def test_the_same_seed_gives_the_same_answer_and_another_one_another(client):
    seeds = (1, 1, 2, 2**64 - 1)
    answers = [(await answer(client, prompt(temperature=1.5, tokens_max=40, seed=seed)))[0] for seed in seeds]
    assert answers[0] == answers[1]
    assert len(set(answers)) == 3


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 2.0, "top_k": 1},
        {"temperature": 2.0, "top_p": 0.0},
        {"temperature": 2.0, "min_p": 1.0},
        {"temperature": 0.0, "seed": 3},
    ],
)
async def test_every_way_to_take_the_likeliest_token_takes_it(client, sampling):
    greedy, _ = await answer(client, prompt(tokens_max=20))
    assert (await answer(client, prompt(tokens_max=20, **sampling)))[0] == greedy


async def test_penalties_and_bias_change_the_answer(client):
    greedy, _ = await answer(client, prompt(tokens_max=60))
    for sampling in ({"presence_penalty": 2.0}, {"frequency_penalty": 2.0}, {"repeat_penalty": 1.5}):
        assert (await answer(client, prompt(tokens_max=60, **sampling)))[0] != greedy
    biased, _ = await answer(client, prompt(tokens_max=5, logit_bias=((_token("q"), 1e6), (10**9, 1.0))))
    assert biased == "qqqqq"


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": float("nan")},
        {"temperature": 2.5},
        {"repeat_penalty": 0.0},
        {"logit_bias": ((1, float("inf")),)},
        {"top_k": 2**31},
        {"frequency_penalty": 3.0},
    ],
)
async def test_sampling_that_vllm_does_not_take_is_refused_and_ends_nothing(client, sampling):
    with pytest.raises(errors.InvalidRequest) as caught:
        await read(client, prompt(**sampling))
    assert caught.value.reason == "bad_sampling"
    await read(client, prompt(tokens_max=1))


async def test_an_answer_that_the_model_ends_does_not_count_the_token_that_ends_it(client):
    text, finish = await answer(client, prompt(tokens_max=9, logit_bias=((_token("a"), 1e4), (0, 1e5))))
    assert (text, finish.reason, finish.usage.completion_tokens) == ("", FinishReason.STOP, 0)


async def test_characters_of_several_tokens_are_never_broken(client):
    asked = prompt(schema=json.dumps({"const": "é€😀!"}, ensure_ascii=False))
    events, finish = await read(client, asked)
    text = "".join(event.text for event in events)
    assert json.loads(text) == "é€😀!"
    assert "\ufffd" not in text
    assert finish.reason is FinishReason.STOP


async def test_a_stop_string_over_several_tokens_ends_the_answer_before_it(client):
    asked = prompt(schema=json.dumps({"const": "abcdefgh"}), stop=("zz", "def", "efg"))
    text, finish = await answer(client, asked)
    assert (text, finish.reason) == ('"abc', FinishReason.STOP)
    assert finish.usage.completion_tokens == 7
    await read(client, prompt(tokens_max=1))


async def test_an_answer_follows_its_schema(client):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "yy"]}, "c": {"type": "boolean"}},
        "required": ["a", "b", "c"],
        "additionalProperties": False,
    }
    ended = 0
    for seed in range(3):
        asked = prompt(schema=json.dumps(schema), temperature=1.0, seed=seed, tokens_max=200)
        text, finish = await answer(client, asked)
        if finish.reason is FinishReason.STOP:
            value = json.loads(text)
            assert isinstance(value["a"], int)
            assert value["b"] in {"x", "yy"}
            ended += 1
    assert ended


async def test_an_answer_follows_its_grammar(client):
    text, finish = await answer(client, prompt(grammar='root ::= ("yes" | "no") " " [0-9]'))
    assert text[:-1] in {"yes ", "no "}
    assert text[-1].isdigit()
    assert finish.reason is FinishReason.STOP


@pytest.mark.parametrize("schema", ["{", '{"$ref": "https://example.org/x"}', '{"type": "nonsense"}', "[1]"])
async def test_a_schema_that_is_none_is_refused(client, schema):
    with pytest.raises(errors.InvalidRequest) as caught:
        await read(client, prompt(schema=schema))
    assert caught.value.reason == "bad_schema"
    await read(client, prompt(tokens_max=1))


@pytest.mark.parametrize("grammar", ["root ::= (", "root ::= root root", "nothing"])
async def test_a_grammar_that_is_none_is_refused(client, grammar):
    with pytest.raises(errors.InvalidRequest) as caught:
        await read(client, prompt(grammar=grammar))
    assert caught.value.reason == "bad_grammar"
    await read(client, prompt(tokens_max=1))


async def test_each_token_tells_how_likely_it_was_and_what_else_was(client):
    events, finish = await read(client, prompt(tokens_max=8, logprobs=3, logit_bias=ENDLESS))
    told = [one for event in events for one in event.logprobs]
    assert told
    assert min(one.logprob for one in told) >= finish.usage.logprob_min - 1e-4
    for one in told:
        assert len(one.likeliest) == 3
        assert [other.logprob for other in one.likeliest] == sorted((o.logprob for o in one.likeliest), reverse=True)
        assert one.data


async def test_prefixes_are_shared_within_a_salt_and_never_of_what_is_confidential(client):
    """A block of the cache has 32 tokens, and one token is a byte."""
    asked = prompt("the same beginning " * 8, tokens_max=1)

    async def cached(salt, *, confidential=False):
        _, finish = await answer(client, asked, cache_salt=salt, confidential=confidential)
        return finish.usage.cached_tokens

    assert await cached(b"one", confidential=True) == 0
    assert await cached(b"one") == 0
    assert await cached(b"one") >= 128
    assert await cached(b"two") == 0
    assert await cached(b"one", confidential=True) == 0


async def test_an_adapter_changes_the_answer_and_an_idle_one_does_not(client):
    asked = prompt(tokens_max=20, logit_bias=ENDLESS)
    plain, _ = await answer(client, asked)
    assert (await answer(client, asked, adapter="idle"))[0] == plain
    assert (await answer(client, asked, adapter="strong"))[0] != plain
    with pytest.raises(errors.Internal):
        await read(client, asked, adapter="nobody's")


async def test_a_prompt_that_is_read_aside_is_answered_and_can_be_cancelled(start):
    client = (await start()).client
    long = prompt("a long text " * 1000)
    counted = await client.count(long)
    assert counted > 10_000
    with pytest.raises(errors.ContextExceeded) as caught:
        await read(client, long)
    assert caught.value.numbers["prompt_tokens"] == counted
    with client.start(long, confidential=True) as run:
        run.cancel()
        finish = await run.take()
        assert finish.usage.completion_tokens == 0


async def test_what_somebody_wrote_is_no_control_token(client):
    written = await client.count(prompt("<|im_end|>"))
    meant = await client.count(prompt(""))
    assert written == meant + len("<|im_end|>")


async def test_a_call_that_is_demanded_keeps_to_the_tools_schema(start):
    client = (await start("--context", "1024")).client
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 2]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    asked = Prompt(
        (Message(Role.USER, (Text("call"),)),),
        tools=(Tool("pick", "picks", json.dumps(schema)), Tool("other", "", "")),
        tool_mode=ToolMode.REQUIRED,
        tool_name="pick",
        sampling=Sampling(tokens_max=120),
    )
    events, finish = await read(client, asked)
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert calls[0].name == "pick"
    assert json.loads("".join(call.arguments_json for call in calls)) in ({"n": 1}, {"n": 2})
    assert finish.reason is FinishReason.TOOL_CALLS


async def test_what_nobody_waits_for_runs_behind_what_somebody_does(start):
    client = (await start("--sequences", "1")).client
    order = []

    async def one(name, priority):
        await read(client, prompt(tokens_max=20, logit_bias=ENDLESS), claim=Claim(priority))
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(one("running", Priority.INTERACTIVE))
        await asyncio.sleep(0)
        group.create_task(one("batch", Priority.BATCH))
        await asyncio.sleep(0)
        group.create_task(one("interactive", Priority.INTERACTIVE))
    assert order == ["running", "interactive", "batch"]


async def test_a_daemon_is_told_how_busy_the_engine_is(start):
    client = (await start("--sequences", "1")).client
    runs = [client.start(prompt(tokens_max=60, logit_bias=ENDLESS), confidential=True) for _ in range(3)]
    await runs[0].take()
    async with asyncio.timeout(5):
        while client.load is None or client.load.running != 1 or client.load.waiting_interactive != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for run in runs:
        run.cancel()


async def test_an_engine_that_cannot_sleep_says_that_it_is_awake(start):
    """Processors cannot; `docs/vllm.md` says what can."""
    engine = await start()
    reader, writer = await asyncio.open_unix_connection(engine.path)
    for command in (
        engine_pb2.EngineCommand(sleep=engine_pb2.EngineSleep()),
        engine_pb2.EngineCommand(wake=engine_pb2.EngineWake()),
    ):
        writer.write(frames.encode(command.SerializeToString()))
        length = int.from_bytes(await reader.readexactly(4), "little")
        frame = engine_pb2.EngineFrame.FromString(await reader.readexactly(length))
        assert frame.description.engine == "vllm"
        assert not frame.load.asleep
    writer.close()
    await writer.wait_closed()
    await read(engine.client, prompt(tokens_max=1))


def _token(character):
    return 3 + ord(character)
