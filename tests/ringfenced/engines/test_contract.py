"""What every engine must do, asked of each over a real socket of a real process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import replace

import pytest

from ringfenced import errors
from ringfenced.engines.client import EngineClient
from ringfenced.model import Finish, FinishReason, Image, Message, Prompt, Role, Sampling, Text, TextDelta


def prompt(text, **sampling):
    return Prompt((Message(Role.USER, (Text(text),)),), sampling=Sampling(**sampling))


async def read(run):
    """Everything of a run: its deltas, its finish."""
    deltas = []
    while isinstance(event := await run.take(), TextDelta):
        deltas.append(event)
    assert isinstance(event, Finish)
    return deltas, event


class Scripted:
    """The engine without a model; a token each millisecond."""

    module = "scripted"
    arguments = ("--interval-ms", "1", "--context", "512")

    def long(self, tokens):
        """A prompt whose answer has that many tokens."""
        return prompt(f'/script {{"tokens": {tokens}}}')


class Llama:
    """llama.cpp with the random model."""

    module = "worker"
    arguments = ("--threads", "1")

    def long(self, tokens):
        """A prompt whose answer has that many tokens: none of those that would end it may be drawn."""
        return prompt("go on", tokens_max=tokens, logit_bias=tuple((token, -1e9) for token in range(3)))


@pytest.fixture(params=[Scripted(), pytest.param(Llama(), marks=pytest.mark.llama)], ids=["scripted", "llama"])
def kind(request, random_gguf):
    if isinstance(request.param, Llama):
        request.param.arguments = ("--threads", "1", "--model", random_gguf)
    return request.param


@pytest.fixture
def start(kind, launch):
    async def begin(*arguments, **options):
        return await launch(kind.module, *kind.arguments, *arguments, **options)

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


async def test_tools_and_pictures_an_engine_cannot_read_are_refused(launch, random_gguf):
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
