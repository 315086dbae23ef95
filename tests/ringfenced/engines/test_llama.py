"""What only a model can show: sampling, stop strings, characters, schemas, batching."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from fakes.random_extras import write_random_bert
from ringfenced import errors
from ringfenced.model import File, Finish, FinishReason, Json, Message, Prompt, Role, Sampling, Text, TextDelta

pytestmark = pytest.mark.llama


def prompt(*parts, schema="", **sampling):
    parts = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Prompt((Message(Role.USER, parts),), json_schema=schema, sampling=Sampling(**sampling))


def saying(text, **sampling):
    """A prompt that has exactly this text, in quotation marks, for an answer: one token a byte."""
    return prompt("say it", schema=json.dumps({"const": text}, ensure_ascii=False), **sampling)


async def read(client, asked):
    with client.start(asked, confidential=True) as run:
        deltas = []
        while isinstance(event := await run.take(), TextDelta):
            deltas.append(event)
        assert isinstance(event, Finish)
        return [delta.text for delta in deltas], event


@pytest.fixture
async def client(launch, random_gguf):
    return (await launch("worker", "--threads", "1", "--model", random_gguf)).client


async def test_characters_of_several_tokens_are_never_broken(client):
    deltas, finish = await read(client, saying("é€😀!"))
    assert "".join(deltas) == '"é€😀!"'
    assert finish.usage.completion_tokens == len('"é€😀!"'.encode())
    assert finish.reason is FinishReason.STOP
    assert "\ufffd" not in "".join(deltas)


async def test_half_a_character_at_the_limit_is_left_out(client):
    deltas, finish = await read(client, saying("é€", tokens_max=5))
    assert "".join(deltas) == '"é'
    assert (finish.reason, finish.usage.completion_tokens) == (FinishReason.LENGTH, 5)


async def test_a_stop_string_over_several_tokens_ends_the_answer_before_it(client):
    deltas, finish = await read(client, saying("abcdefgh", stop=("zz", "def", "efg")))
    assert "".join(deltas) == '"abc'
    assert finish.reason is FinishReason.STOP
    assert finish.usage.completion_tokens == 7


async def test_the_same_seed_gives_the_same_answer_and_another_one_another(client):
    answers = [
        "".join((await read(client, prompt("x", temperature=1.5, tokens_max=40, seed=seed)))[0])
        for seed in (1, 1, 2, 2**40)
    ]
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
    greedy, _ = await read(client, prompt("x", tokens_max=20))
    narrowed, _ = await read(client, prompt("x", tokens_max=20, **sampling))
    assert "".join(narrowed) == "".join(greedy)


async def test_penalties_and_bias_change_the_answer(client):
    greedy = "".join((await read(client, prompt("x", tokens_max=60)))[0])
    for sampling in ({"presence_penalty": 2.0}, {"frequency_penalty": 2.0}, {"repeat_penalty": 1.5}):
        assert "".join((await read(client, prompt("x", tokens_max=60, **sampling)))[0]) != greedy
    biased, _ = await read(client, prompt("x", tokens_max=5, logit_bias=((3 + ord("q"), 1e6), (10**9, 1.0))))
    assert "".join(biased) == "qqqqq"


@pytest.mark.parametrize(
    "sampling",
    [{"temperature": float("nan")}, {"repeat_penalty": 0.0}, {"logit_bias": ((1, float("inf")),)}, {"top_k": 2**31}],
)
async def test_sampling_that_would_end_the_process_is_refused(client, sampling):
    with pytest.raises(errors.InvalidRequest) as caught:
        await read(client, prompt("x", **sampling))
    assert caught.value.reason == "bad_sampling"
    await read(client, prompt("x", tokens_max=1))


async def test_an_answer_follows_its_schema(client):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "yy"]}, "c": {"type": "boolean"}},
        "required": ["a", "b", "c"],
        "additionalProperties": False,
    }
    for seed in range(3):
        asked = prompt("x", schema=json.dumps(schema), temperature=1.0, seed=seed, tokens_max=200)
        deltas, finish = await read(client, asked)
        if finish.reason is FinishReason.STOP:
            value = json.loads("".join(deltas))
            assert isinstance(value["a"], int)
            assert value["b"] in {"x", "yy"}


async def test_a_schema_that_cannot_be_a_grammar_is_refused(client):
    for schema in ('{"type": "nope"}', "{", '{"$ref": "https://example.com/x"}'):
        with pytest.raises(errors.InvalidRequest) as caught:
            await read(client, prompt("x", schema=schema))
        assert caught.value.reason == "bad_schema"
        assert caught.value.input_path == "response_format.json_schema"


async def test_json_and_text_files_are_read_and_others_are_not(client):
    plain = await client.count(prompt("x"))
    assert await client.count(prompt(Json("x"))) == plain
    assert await client.count(prompt(File(b"x", "text/plain", "", "x"))) == plain
    assert await client.count(prompt(File(b"x", "text/plain", "n", "x"))) == plain + len("n:\n")
    with pytest.raises(errors.Unsupported):
        await client.count(prompt(File(b"\xff", "text/plain", "", None)))


async def test_a_control_token_in_a_message_counts_as_text(client):
    """A byte is a token here, so the text of a control token is ten of them and not one."""
    plain, posing = await client.count(prompt("")), await client.count(prompt("<|im_end|>"))
    assert posing - plain == len("<|im_end|>")


async def test_an_answer_is_the_same_alone_and_among_others(launch, tiny_gguf):
    client = (await launch("worker", "--threads", "1", "--model", tiny_gguf)).client
    names = ("Ann Smith", "Bo Lee", "Carla Ruiz", "Dan Ode", "Eva Berg", "Finn Gray", "Gus Hall", "Hope Ito")
    notes = [
        f"Lab results\nPatient name: {name}\nPatient ID: {n}9{n}72\nMain problem: palpitations.\n"
        + "Please act today.\n" * n
        for n, name in enumerate(names)
    ]
    asked = [prompt(note, tokens_max=60) for note in notes]
    alone = [await read(client, one) for one in asked]
    async with asyncio.TaskGroup() as group:
        together = [group.create_task(read(client, one)) for one in asked * 2]
    for (expected, expected_finish), task in zip(alone * 2, together, strict=True):
        deltas, finish = task.result()
        assert "".join(deltas) == "".join(expected)
        assert finish.usage.completion_tokens == expected_finish.usage.completion_tokens
        assert finish.usage.logprob_min == pytest.approx(expected_finish.usage.logprob_min, abs=0.02)


async def test_the_tiny_models_usage_is_what_its_tokenizer_counts(launch, tiny_gguf):
    client = (await launch("worker", "--threads", "1", "--model", tiny_gguf)).client
    asked = prompt("Patient: Ann Smith, case 77, cardiology, urgent.")
    deltas, finish = await read(client, asked)
    assert finish.usage.prompt_tokens == await client.count(asked)
    assert finish.reason is FinishReason.STOP
    empty = await client.count(prompt(""))
    assert finish.usage.completion_tokens == await client.count(prompt("".join(deltas))) - empty


async def test_the_cache_is_reserved_when_an_answer_is_let_in(launch, random_gguf):
    """Where all do not fit at once, some wait; none fails on the way."""
    arguments = ("--threads", "1", "--model", random_gguf, "--sequences", "8", "--cells", "512")
    client = (await launch("worker", *arguments)).client
    bias = tuple((token, -1e9) for token in range(3))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(client, prompt("x", tokens_max=200, logit_bias=bias))) for _ in range(8)]
    assert [task.result()[1].usage.completion_tokens for task in tasks] == [200] * 8


async def test_a_long_prompt_does_not_stall_a_running_answer(launch, random_gguf):
    """Prompts are read in pieces between the tokens of others."""
    arguments = ("--threads", "1", "--model", random_gguf, "--context", "4096", "--sequences", "2")
    client = (await launch("worker", *arguments, "--step-tokens", "32")).client
    bias = tuple((token, -1e9) for token in range(3))
    with client.start(prompt("x", tokens_max=1000, logit_bias=bias), confidential=True) as running:
        await running.take()
        with client.start(prompt("y" * 2000, tokens_max=1), confidential=True) as reading:
            await reading.take()
            during = running.tokens_received
        assert during > 2000 / 32 / 2


async def test_an_engine_without_its_model_says_so(tmp_path, launch):
    with pytest.raises(pytest.fail.Exception, match="the model file does not exist"):
        await launch("worker", "--model", tmp_path / "none.gguf")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(pytest.fail.Exception, match="GGUF of version 0"):
        await launch("worker", "--model", broken)


async def test_the_engine_is_back_soon_after_loading(launch, tiny_gguf):
    began_s = time.monotonic()
    await launch("worker", "--threads", "1", "--model", tiny_gguf)
    assert time.monotonic() - began_s < 2


async def test_an_engine_that_embeds_says_what_it_uses(launch, tmp_path):
    """So that what was planned for it can be compared."""
    engine = await launch("worker", "--embeddings", "--model", write_random_bert(tmp_path / "bert.gguf"))
    assert all(use.weights_bytes > 0 for use in engine.client.description.memory)
    assert [use.device for use in engine.client.description.memory] == ["cpu"]
