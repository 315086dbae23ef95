"""The engine's own part, in front of something that looks like vLLM, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from fakes.vllm_maker import FakeHost
from ringfence.v1 import engine_pb2
from ringfenced import errors
from ringfenced.engines import frames
from ringfenced.engines.client import EngineClient
from ringfenced.engines.server import EngineServer
from ringfenced.engines.vllm.backend import Limits, VllmBackend
from ringfenced.engines.vllm.work import Refusal
from ringfenced.model import Finish, FinishReason, Message, Prompt, Role, Sampling, Text, TextDelta, Tool, ToolCallDelta


def prompt(text="x", *, schema="", tools=(), **sampling):
    return Prompt((Message(Role.USER, (Text(text),)),), tools=tools, json_schema=schema, sampling=Sampling(**sampling))


async def read(client, asked, **options):
    with client.start(asked, **{"confidential": True, **options}) as run:
        events = []
        while not isinstance(event := await run.take(), Finish):
            events.append(event)
        return events, event


@pytest.fixture
async def serve(tmp_path):
    """Serve a host; return it, its backend and a client of it."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())

        async def start(host, *, sequences=2, queue=4):
            server = EngineServer()
            backend = VllmBackend(server, host, Limits(host.facts.context_tokens_max, sequences, queue), tasks)
            path = tmp_path / "s"
            serving = tasks.create_task(server.serve(path, backend))
            while not path.exists():  # noqa: ASYNC110  # it listens in the next round
                await asyncio.sleep(0)
            client = await EngineClient.connect(path, model="m")
            stack.callback(serving.cancel)
            stack.callback(client.close)
            return backend, client

        yield start


async def test_an_answer_is_passed_on_token_by_token(serve):
    _, client = await serve(FakeHost())
    events, finish = await read(client, prompt())
    assert "".join(event.text for event in events) == "an answer"
    assert finish.reason is FinishReason.LENGTH
    assert finish.usage.completion_tokens == len("an answer")
    assert finish.usage.logprob_min == pytest.approx(-0.5)


async def test_the_token_that_ends_an_answer_is_no_part_of_it(serve):
    host = FakeHost()
    host.ends_with = "stop"
    _, client = await serve(host)
    events, finish = await read(client, prompt())
    assert "".join(event.text for event in events) == "an answer"
    assert (finish.reason, finish.usage.completion_tokens) == (FinishReason.STOP, len("an answer"))


async def test_a_stop_string_ends_the_generation_in_vllm_too(serve):
    host = FakeHost()
    host.text = b"one two three" * 100
    _, client = await serve(host)
    events, _ = await read(client, prompt(stop=("two",)))
    assert "".join(event.text for event in events) == "one "
    await asyncio.sleep(0)
    assert host.running == 0


@pytest.mark.parametrize("ended", ["abort", "error", "something new"])
async def test_an_answer_that_vllm_gives_up_is_a_failure(serve, ended):
    host = FakeHost()
    host.ends_with = ended
    _, client = await serve(host)
    with pytest.raises(errors.Internal):
        await read(client, prompt())


@pytest.mark.parametrize(
    ("asked", "reason"), [(prompt(), "bad_sampling"), (prompt(schema='{"type": "object"}'), "bad_schema")]
)
async def test_what_vllm_refuses_is_refused_for_the_likeliest_reason(serve, asked, reason):
    host = FakeHost()
    host.error = Refusal()
    _, client = await serve(host)
    with pytest.raises(errors.InvalidRequest) as caught:
        await read(client, asked)
    assert caught.value.reason == reason


async def test_no_more_run_than_there_are_places(serve):
    host = FakeHost()
    host.step_s = 0.001
    _, client = await serve(host, sequences=2, queue=10)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(read(client, prompt()))
    assert host.most_running == 2
    assert len(host.generations) == 8


async def test_cancelled_and_late_ones_free_their_place_in_vllm(serve):
    host = FakeHost()
    host.text, host.step_s = b"x" * 200, 0.01
    backend, client = await serve(host, sequences=1)
    with client.start(prompt(), confidential=True) as run:
        assert isinstance(await run.take(), TextDelta)
    with pytest.raises(errors.DeadlineExceeded):
        await read(client, prompt(), deadline_ms=30)
    async with asyncio.timeout(2):
        while host.running or backend.load().running:  # noqa: ASYNC110  # nobody tells us
            await asyncio.sleep(0.001)


async def test_salts_keep_prefixes_apart_and_confidential_ones_have_their_own(serve):
    host = FakeHost()
    _, client = await serve(host)
    for confidential, salt in ((False, b"a"), (False, b"a"), (False, b"b"), (False, b""), (True, b"a"), (True, b"a")):
        await read(client, prompt(), cache_salt=salt, confidential=confidential)
    salts = [generation.salt for generation in host.generations]
    assert salts[:4] == [b"a".hex(), b"a".hex(), b"b".hex(), None]
    assert len(set(salts)) == 5


async def test_an_unknown_adapter_is_refused(serve):
    host = FakeHost(adapters=["one"])
    _, client = await serve(host)
    await read(client, prompt(), adapter="one")
    assert host.generations[0].adapter == "one"
    with pytest.raises(errors.Internal):
        await read(client, prompt(), adapter="two")


async def test_a_long_prompt_is_read_aside_and_can_be_cancelled_there(serve):
    host = FakeHost()
    host.facts = host.facts.__class__(
        **{name: getattr(host.facts, name) for name in host.facts.__slots__} | {"context_tokens_max": 10**6}
    )
    _, client = await serve(host)
    long = prompt("x" * 20_000, tokens_max=2)
    assert await client.count(long) > 20_000
    _, finish = await read(client, long)
    assert finish.usage.prompt_tokens > 20_000
    with client.start(long, confidential=True) as run:
        run.cancel()
        assert isinstance(await run.take(), Finish)


async def test_a_daemon_that_hangs_up_leaves_nothing_running(serve, tmp_path):
    host = FakeHost()
    host.text, host.step_s = b"x" * 200, 0.01
    backend, client = await serve(host, sequences=1)
    other = await EngineClient.connect(tmp_path / "s", model="m")
    lost = [other.start(prompt(), confidential=True) for _ in range(3)]
    await lost[0].take()
    other.close()
    async with asyncio.timeout(2):
        while host.running or backend.load().waiting_interactive:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.001)
    host.step_s = 0
    await read(client, prompt(tokens_max=2))


async def test_calls_in_the_models_own_form_become_calls(serve):
    host = FakeHost()
    host.text = b'<tool_call>\n{"name": "pick", "arguments": {"n": 1}}\n</tool_call>'
    _, client = await serve(host)
    events, finish = await read(client, prompt(tools=(Tool("pick", "", '{"type": "object"}'),)))
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert calls[0].name == "pick"
    assert json.loads("".join(call.arguments_json for call in calls)) == {"n": 1}
    assert finish.reason is FinishReason.LENGTH


async def test_texts_are_embedded_together(serve):
    host = FakeHost(dimensions=2)
    _, client = await serve(host)
    assert client.description.embedding_dimensions == 2
    embedded = await client.embed(["ab", "abcd"])
    assert [list(vector) for vector in embedded.vectors] == [[2.0, 0.0], [4.0, 0.0]]
    assert embedded.usage.prompt_tokens == 6
    with pytest.raises(errors.Unsupported):
        await read(client, prompt())
    with pytest.raises(errors.ContextExceeded):
        await client.embed(["a", "x" * 1100])
    host.error = Refusal()
    with pytest.raises(errors.Internal):
        await client.embed(["a"])


async def test_while_it_sleeps_requests_wait(serve, tmp_path):
    host = FakeHost()
    backend, client = await serve(host)
    reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
    await tell(reader, writer, engine_pb2.EngineCommand(sleep=engine_pb2.EngineSleep()))
    assert backend.load().asleep
    run = client.start(prompt(), confidential=True)
    async with asyncio.timeout(2):
        while not backend.load().waiting_interactive:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.001)
    await tell(reader, writer, engine_pb2.EngineCommand(wake=engine_pb2.EngineWake()))
    assert isinstance(await run.take(), TextDelta)
    host.can_sleep = False
    await tell(reader, writer, engine_pb2.EngineCommand(sleep=engine_pb2.EngineSleep()))
    assert not backend.load().asleep
    run.cancel()
    writer.close()
    await writer.wait_closed()


async def tell(reader, writer, command):
    """Send a command; wait for the description that answers it."""
    writer.write(frames.encode(command.SerializeToString()))
    while True:
        length = int.from_bytes(await reader.readexactly(4), "little")
        frame = engine_pb2.EngineFrame.FromString(await reader.readexactly(length))
        if frame.HasField("description"):
            return
