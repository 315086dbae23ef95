"""What every engine must do, asked of each over a real socket of a real process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import time
from dataclasses import replace

import jsonschema
import pytest

from fakes.engine_kinds import KINDS, prompt
from ringfenced import errors
from ringfenced.engines.client import EngineClient
from ringfenced.model import (
    Finish,
    FinishReason,
    Image,
    Message,
    Prompt,
    Role,
    Sampling,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolMode,
)


async def read(run):
    """Everything of a run: its deltas, its finish."""
    deltas = []
    while isinstance(event := await run.take(), TextDelta):
        deltas.append(event)
    assert isinstance(event, Finish)
    return deltas, event


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where models are made, once a session."""
    return tmp_path_factory.mktemp("models")


def pytest_generate_tests(metafunc):
    """Ask each engine what it can be asked: `computing` leaves out those without a model, `embedding` those without."""
    asked = metafunc.fixturenames
    if "kind" in asked:
        kinds = [
            kind
            for kind in KINDS
            if (kind.computes or "computing" not in asked) and (kind.embeds or "embedding" not in asked)
        ]
        metafunc.parametrize(
            "kind", [pytest.param(kind, id=kind.name, marks=[pytest.mark.llama] * kind.computes) for kind in kinds]
        )


@pytest.fixture
def computing(kind):
    """An engine whose answers a model makes."""
    return kind


@pytest.fixture
def start(kind, launch, folder):
    async def begin(*arguments, **options):
        return await launch(kind.module, *kind.arguments(folder), *arguments, **options)

    return begin


async def test_an_engine_describes_itself(start):
    engine = await start("--sequences", "3")
    description = engine.client.description
    assert description.engine in {"scripted", "llama.cpp", "vllm"}
    assert description.engine_version
    assert (description.context_tokens_max, description.sequences_max) == (512, 3)


async def test_text_is_streamed_as_it_comes(start, kind):
    client = (await start()).client
    with client.start(kind.long(100), confidential=True) as run:
        deltas, finish = await read(run)
    assert len(deltas) > 1
    assert finish.usage.completion_tokens == 100
    assert sum(delta.tokens for delta in deltas) in range(95, 101)
    assert 0 < finish.usage.time_to_first_token_us < finish.usage.duration_us
    assert finish.usage.logprob_min < 0


async def test_a_reader_that_comes_late_gets_everything_at_once(start, kind):
    """Coalescing: one piece holds what was ready."""
    client = (await start()).client
    with client.start(kind.long(20), confidential=True) as eager:
        deltas, _ = await read(eager)
    with client.start(kind.long(20), confidential=True) as run:
        while run.tokens_received < 19 or client.running:  # noqa: ASYNC110  # nothing wakes us: nobody takes
            await asyncio.sleep(0.005)
        first = await run.take()
        assert isinstance(first, TextDelta)
        assert first.text == "".join(delta.text for delta in deltas)
        assert isinstance(await run.take(), Finish)


async def test_usage_is_what_the_tokenizer_counts(start):
    client = (await start()).client
    asked = prompt("three words here", tokens_max=2)
    counted = await client.count(asked)
    with client.start(asked, confidential=True) as run:
        _, finish = await read(run)
    assert finish.usage.prompt_tokens == counted > 0
    assert finish.usage.completion_tokens == 2
    assert finish.reason is FinishReason.LENGTH


async def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(start):
    client = (await start()).client
    asked = prompt("a b " * 400)
    counted = await client.count(asked)
    with client.start(asked, confidential=True) as run, pytest.raises(errors.ContextExceeded) as caught:
        await run.take()
    assert caught.value.numbers == {"prompt_tokens": counted, "context_tokens_max": 512}
    assert f"{counted} tokens" in caught.value.message
    assert "512" in caught.value.message


async def test_cancelling_frees_the_slot_within_50_ms(start, kind):
    """The shortest of a few times: the machine may be busy with something else."""
    client = (await start("--sequences", "1")).client
    times_s = []
    for _ in range(3):
        running = client.start(kind.long(400), confidential=True)
        assert isinstance(await running.take(), TextDelta)
        with client.start(kind.long(1), confidential=True) as waiting:
            cancelled_s = time.monotonic()
            running.cancel()
            running.cancel()
            await waiting.take()
            times_s.append(time.monotonic() - cancelled_s)
        finish = await running.take()
        assert isinstance(finish, Finish)
        assert 0 < finish.usage.completion_tokens < 400
    assert min(times_s) < 0.05


async def test_a_waiting_run_can_be_cancelled(start, kind):
    client = (await start("--sequences", "1")).client
    with client.start(kind.long(400), confidential=True) as running:
        await running.take()
        waiting = client.start(kind.long(1), confidential=True)
        waiting.cancel()
        finish = await waiting.take()
        assert finish.usage.completion_tokens == 0
        assert finish.usage.logprob_min is None


async def test_leaving_the_block_cancels(start, kind):
    client = (await start("--sequences", "1")).client
    with client.start(kind.long(400), confidential=True) as run:
        await run.take()
    async with asyncio.timeout(0.3):  # the long one alone takes longer on either engine's clock
        with client.start(kind.long(1), confidential=True) as following:
            await read(following)
    assert run.tokens_received < 400


async def test_a_cancelled_reader_loses_nothing(start, kind):
    client = (await start()).client
    with client.start(kind.long(40), confidential=True) as whole:
        expected, _ = await read(whole)
    with client.start(kind.long(40), confidential=True) as run:
        texts = []
        while True:
            try:
                async with asyncio.timeout(0.0005):
                    event = await run.take()
            except TimeoutError:
                continue
            if isinstance(event, Finish):
                break
            texts.append(event.text)
    assert "".join(texts) == "".join(delta.text for delta in expected)


async def test_a_daemon_that_hangs_up_frees_its_slots(start, kind):
    engine = await start("--sequences", "1")
    other = await EngineClient.connect(engine.path)
    lost = other.start(kind.long(400), confidential=True)
    await lost.take()
    with engine.client.start(kind.long(1), confidential=True) as waiting:
        other.close()
        with pytest.raises(errors.Unavailable):
            await read(lost)
        async with asyncio.timeout(0.3):
            await read(waiting)


async def test_the_deadline_ends_a_running_and_a_waiting_run(start, kind):
    client = (await start("--sequences", "1")).client
    began_s = time.monotonic()
    with (
        client.start(kind.long(400), confidential=True, deadline_ms=20) as running,
        client.start(kind.long(400), confidential=True, deadline_ms=10) as waiting,
    ):
        with pytest.raises(errors.DeadlineExceeded):
            await read(waiting)
        with pytest.raises(errors.DeadlineExceeded):
            await read(running)
    assert 0.019 < time.monotonic() - began_s < 0.3
    with client.start(kind.long(1), confidential=True) as following:
        await read(following)


async def test_more_runs_than_slots_wait_and_more_than_the_queue_holds_are_refused(start, kind):
    client = (await start("--sequences", "1", "--queue", "2")).client
    runs = [client.start(kind.long(50), confidential=True) for _ in range(5)]
    for run in runs[:3]:
        _, finish = await read(run)
        assert finish.usage.completion_tokens == 50
    for run in runs[3:]:
        with pytest.raises(errors.Overloaded) as caught:
            await run.take()
        assert caught.value.retry_after_ms


async def test_a_reader_that_is_too_slow_ends_its_run_and_frees_the_slot(start, kind):
    client = (await start("--sequences", "1", buffer_chars_max=50)).client
    with (
        client.start(kind.long(400), confidential=True) as slow,
        client.start(kind.long(1), confidential=True) as other,
    ):
        await read(other)
        with pytest.raises(errors.Overloaded) as caught:
            await slow.take()
        assert caught.value.reason == "slow_reader"
        assert slow.tokens_received < 400


async def test_a_killed_engine_ends_its_runs_and_counts_with_unavailable(start, kind):
    engine = await start()
    runs = [engine.client.start(kind.long(400), confidential=True) for _ in range(3)]
    await runs[0].take()
    engine.process.send_signal(signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        counting = group.create_task(_error(engine.client.count(prompt("x"))))
        await asyncio.sleep(0)
        engine.process.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
    assert isinstance(counting.result(), errors.Unavailable)
    for run in runs:
        with pytest.raises(errors.Unavailable) as caught:
            await read(run)
        assert caught.value.retry_after_ms
    assert time.monotonic() - killed_s < 0.3
    await engine.client.wait_closed()
    assert engine.client.is_closed
    with pytest.raises(errors.Unavailable):
        engine.client.start(prompt("x"), confidential=True)


async def _error(awaitable):
    try:
        return await awaitable
    except errors.RingfenceError as error:
        return error


async def test_an_engine_that_hangs_does_not_outlast_the_deadline(start, kind):
    engine = await start()
    engine.process.send_signal(signal.SIGSTOP)
    with (
        engine.client.start(kind.long(5), confidential=True, deadline_ms=50) as run,
        pytest.raises(errors.DeadlineExceeded),
    ):
        async with asyncio.timeout(0.5):
            await run.take()


async def test_shut_down_ends_the_process(start):
    engine = await start()
    engine.client.shut_down()
    async with asyncio.timeout(2):
        assert await engine.process.wait() == 0
        await engine.client.wait_closed()
    engine.client.shut_down()


async def test_many_runs_over_two_connections_all_end_and_leave_every_slot_free(start, kind):
    """A storm of cancels, deadlines and short reads."""
    engine = await start("--sequences", "4", "--queue", "64")
    other = await EngineClient.connect(engine.path)

    async def one(number):
        client = (engine.client, other)[number % 2]
        deadline_ms = (0, 0, 15)[number % 3]
        with (
            client.start(kind.long(30), confidential=True, deadline_ms=deadline_ms) as run,
            contextlib.suppress(errors.DeadlineExceeded, errors.Overloaded),
        ):
            for _ in range(number % 11):
                if isinstance(await run.take(), Finish):
                    return

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(one(number))
    runs = [engine.client.start(kind.long(30), confidential=True) for _ in range(4)]
    for run in runs:
        async with asyncio.timeout(2):
            _, finish = await read(run)
        assert finish.usage.completion_tokens == 30
    other.close()


async def test_pictures_an_engine_cannot_read_are_refused(launch, random_gguf):
    client = (await launch("worker", "--threads", "1", "--model", random_gguf)).client
    picture = Prompt((Message(Role.USER, (Image(b"x", "image/png"),)),))
    with client.start(picture, confidential=True) as run, pytest.raises(errors.Unsupported):
        await run.take()
    with pytest.raises(errors.Unsupported):
        await client.count(picture)


async def test_a_frame_that_cannot_be_read_ends_the_connection_only(start, kind):
    engine = await start()
    reader, writer = await asyncio.open_unix_connection(engine.path)
    writer.write(b"\x05\x00\x00\x00\xff\xff\xff\xff\xff")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with engine.client.start(kind.long(2), confidential=True) as run:
        await read(run)


async def test_a_request_longer_than_a_frame_is_refused_before_it_is_sent(start, kind):
    client = (await start()).client
    with pytest.raises(errors.InvalidRequest, match="shorten"):
        client.start(prompt("x" * 40_000_000), confidential=True)
    assert client.running == 0


async def test_an_answer_of_no_tokens_is_a_finish(start, kind):
    client = (await start()).client
    asked = kind.long(5)
    asked = replace(asked, sampling=replace(asked.sampling, tokens_max=0))
    with client.start(asked, confidential=True) as run:
        deltas, finish = await read(run)
    assert deltas == []
    assert (finish.reason, finish.usage.completion_tokens) == (FinishReason.LENGTH, 0)


# ── what only a model shows ──────────────────────────────────────────────────────────────────────────────────────────


def text_of(deltas):
    return "".join(delta.text for delta in deltas)


async def test_a_stop_string_across_tokens_ends_the_answer_before_it(start, computing):
    client = (await start()).client
    with client.start(computing.saying("abcdefgh", stop=("zz", "def", "efg")), confidential=True) as run:
        deltas, finish = await read(run)
    assert text_of(deltas) == '"abc'
    assert finish.reason is FinishReason.STOP


async def test_no_event_breaks_a_character(start, computing):
    said = "é€😀" * 3
    client = (await start()).client
    with client.start(computing.saying(said), confidential=True) as run:
        deltas, _ = await read(run)
    assert text_of(deltas) == f'"{said}"'
    assert not any("\ufffd" in delta.text for delta in deltas)


async def test_a_seed_gives_the_same_answer_again(start, computing):
    client = (await start()).client
    answers = []
    for seed in (1, 1, 2, 3, 4):
        asked = replace(computing.long(20))
        asked = replace(asked, sampling=replace(asked.sampling, temperature=1.5, seed=seed))
        with client.start(asked, confidential=True) as run:
            answers.append(text_of((await read(run))[0]))
    assert answers[0] == answers[1]
    assert len(set(answers)) > 1


SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["lab", "note"]}, "urgent": {"type": "boolean"}, "n": {"enum": [1, 22]}},
    "required": ["kind", "urgent", "n"],
    "additionalProperties": False,
}


async def test_an_answer_keeps_to_its_schema(start, computing):
    client = (await start()).client
    for seed in range(3):
        asked = prompt("x", schema=json.dumps(SCHEMA), temperature=1.0, seed=seed, tokens_max=200)
        with client.start(asked, confidential=bool(seed % 2)) as run:
            deltas, finish = await read(run)
        assert finish.reason is FinishReason.STOP
        jsonschema.validate(json.loads(text_of(deltas)), SCHEMA)


async def test_an_answer_keeps_to_its_grammar(start, computing):
    client = (await start()).client
    for seed in range(2):
        asked = prompt("x", grammar='root ::= "é" [0-9]{3} ("x" | "yy")', temperature=1.0, seed=seed)
        with client.start(asked, confidential=True) as run:
            deltas, _ = await read(run)
        assert re.fullmatch("é[0-9]{3}(x|yy)", text_of(deltas))


@pytest.mark.parametrize("grammar", ["root ::= root", "root ::= nothing", 'root ::= "', "(" * 5000])
async def test_a_grammar_that_cannot_be_kept_to_is_refused(start, computing, grammar):
    client = (await start()).client
    with (
        client.start(prompt("x", grammar=grammar), confidential=True) as run,
        pytest.raises(errors.InvalidRequest) as caught,
    ):
        await read(run)
    assert (caught.value.reason, caught.value.input_path) == ("bad_grammar", "response_format.grammar")
    with client.start(computing.long(1), confidential=True) as run:
        await read(run)


async def test_logprobs_are_of_the_tokens_whose_text_they_come_with(start, computing):
    client = (await start()).client
    asked = computing.saying("aé€b", logprobs=3, stop=("€c",))
    with client.start(asked, confidential=True) as run:
        deltas, finish = await read(run)
    told = [one for delta in deltas for one in delta.logprobs]
    assert len(told) == finish.usage.completion_tokens
    for delta in deltas:
        assert b"".join(one.data for one in delta.logprobs).decode() == delta.text
    for one in told:
        likeliest = [other.logprob for other in one.likeliest]
        assert len(likeliest) == 3
        assert sorted(likeliest, reverse=True) == likeliest
        assert one.logprob <= likeliest[0] <= 0
    assert min(one.logprob for one in told) >= finish.usage.logprob_min - 1e-4


async def test_the_likeliest_token_is_the_one_that_a_greedy_answer_takes(start, computing):
    client = (await start()).client
    with client.start(prompt("x", tokens_max=8, temperature=0.0, logprobs=1), confidential=True) as run:
        deltas, _ = await read(run)
    told = [one for delta in deltas for one in delta.logprobs]
    assert told
    assert all(one.likeliest[0].data == one.data for one in told)


WEATHER = Tool("weather", "Tells the weather", '{"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, '
               '"required": ["city"], "additionalProperties": false}')  # fmt: skip
CLOCK = Tool("clock", "", "")


async def calls_in(client, asked):
    """Name and arguments of each call, and the finish."""
    calls, names = {}, {}
    with client.start(asked, confidential=True) as run:
        while not isinstance(event := await run.take(), Finish):
            if isinstance(event, ToolCallDelta):
                names.setdefault(event.index, (event.id, event.name))
                calls[event.index] = calls.get(event.index, "") + event.arguments_json
    return [(*names[index], json.loads(calls[index])) for index in calls], event


async def test_a_tool_that_must_be_called_is_called_with_arguments_of_its_schema(start, computing):
    client = (await start()).client
    ids = set()
    for seed in range(2):
        asked = prompt("x", tools=(WEATHER, CLOCK), tool_mode=ToolMode.REQUIRED, tool_name="weather",
                       temperature=1.0, seed=seed, tokens_max=150)  # fmt: skip
        calls, finish = await calls_in(client, asked)
        assert finish.reason is FinishReason.TOOL_CALLS
        for name, arguments in ((name, arguments) for _, name, arguments in calls):
            assert name == "weather"
            jsonschema.validate(arguments, json.loads(WEATHER.parameters_json_schema))
        ids |= {id_ for id_, _, _ in calls}
    assert len(ids) >= 2
    assert "" not in ids


async def test_tools_that_may_not_be_called_are_not_shown(start, computing):
    client = (await start()).client
    plain = await client.count(prompt("x"))
    hidden = prompt("x", tools=(WEATHER,), tool_mode=ToolMode.NONE, tokens_max=1)
    assert await client.count(hidden) == plain < await client.count(replace(hidden, tool_mode=ToolMode.AUTO))
    with client.start(hidden, confidential=True) as run:
        _, finish = await read(run)
    assert finish.usage.prompt_tokens == plain


async def test_a_conversation_with_calls_and_their_answers_goes_on(start, computing):
    client = (await start()).client
    call = ToolCall("abc123def", "weather", '{"city": "Rome"}')
    turns = (
        Message(Role.USER, (Text("and in Rome?"),)),
        Message(Role.ASSISTANT, (), tool_calls=(call,)),
        Message(Role.TOOL, (Text("sun"),), tool_call_id=call.id),
    )
    asked = Prompt(turns, tools=(WEATHER,), sampling=Sampling(tokens_max=3))
    counted = await client.count(asked)
    with client.start(asked, confidential=True) as run:
        while not isinstance(event := await run.take(), Finish):
            pass
    assert event.usage.prompt_tokens == counted


# ── embeddings ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def embedding(kind, launch, folder):
    return (await launch(kind.module, *kind.embedding_arguments(folder))).client


async def test_embeddings_have_length_1_and_are_the_same_alone_and_in_company(embedding):
    assert embedding.description.supports_embeddings
    texts = ["chest pain", "a note", "chest pain", "x" * 90]
    alone = [(await embedding.embed([text])).vectors[0] for text in texts]
    together, other = await asyncio.gather(embedding.embed(texts), embedding.embed(["something else"] * 20))
    assert len(other.vectors) == 20
    assert together.usage.prompt_tokens > 0
    for vector, expected in zip(together.vectors, alone, strict=True):
        assert len(vector) == embedding.description.embedding_dimensions
        assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-4)
        assert vector == pytest.approx(expected, abs=1e-4)
    assert together.vectors[0] == pytest.approx(together.vectors[2], abs=1e-4)
    assert together.vectors[0] != pytest.approx(together.vectors[1], abs=1e-2)


async def test_an_input_longer_than_the_context_is_told_with_its_place(computing, embedding):
    with pytest.raises(errors.ContextExceeded) as caught:
        await embedding.embed(["short", "long " * 2000])
    assert caught.value.numbers["index"] == 1
    assert caught.value.numbers["prompt_tokens"] > caught.value.numbers["context_tokens_max"]
    assert len((await embedding.embed(["short"])).vectors) == 1


async def test_an_engine_that_answers_embeds_nothing(start, computing):
    client = (await start()).client
    with pytest.raises(errors.Unsupported):
        await client.embed(["x"])


async def test_an_engine_that_embeds_answers_nothing(computing, embedding):
    with embedding.start(prompt("x"), confidential=True) as run, pytest.raises(errors.Unsupported):
        await run.take()


async def test_an_embedding_that_is_given_up_leaves_nothing_behind(embedding):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.001):
            await embedding.embed(["one more"] * 500)
    async with asyncio.timeout(5):
        assert len((await embedding.embed(["x"])).vectors) == 1


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_unloading_under_load_ends_every_run_with_an_error(start, kind):
    engine = await start("--sequences", "2")
    runs = [engine.client.start(kind.long(400), confidential=True) for _ in range(6)]
    await runs[0].take()
    engine.client.shut_down()
    for run in runs:
        with pytest.raises(errors.Unavailable):
            await read(run)
    async with asyncio.timeout(2):
        await engine.process.wait()
