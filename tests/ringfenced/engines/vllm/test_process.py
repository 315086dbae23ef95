"""What happens to the processes: vLLM's, when one of them or the engine dies, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from ringfenced import errors
from ringfenced.engines.vllm.tether import descendants
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text, TextDelta

pytestmark = pytest.mark.vllm


def long(tokens=400):
    bias = tuple((token, -1e9) for token in range(3))
    return Prompt((Message(Role.USER, (Text("go on"),)),), sampling=Sampling(tokens_max=tokens, logit_bias=bias))


def named(pid):
    """A process's name, as vLLM sets it; empty once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    fields = dict(line.partition(":\t")[::2] for line in status.splitlines())
    return "" if fields["State"].startswith("Z") else fields["Name"]


async def gone(processes, *, within_s):
    began_s = time.monotonic()
    while any(map(named, processes)):  # the kernel tells nobody but their parents
        assert time.monotonic() - began_s < within_s, [named(pid) for pid in processes]
        await asyncio.sleep(0.005)
    return time.monotonic() - began_s


async def drain(run):
    while not isinstance(await run.take(), Finish):
        pass


def print_as(pid, text):
    """Write to a process's standard error, as it would itself."""
    if named(pid).startswith("VLLM::"):
        Path(f"/proc/{pid}/fd/2").write_bytes(text)


def shared_memory():
    return {path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(("psm_", "r"))}


async def test_the_death_of_vllms_core_ends_the_engine_and_leaves_nothing(launch_vllm):
    """Workers are left for seconds where nobody sees to it."""
    before = shared_memory()
    engine = await launch_vllm()
    processes = descendants(engine.process.pid)
    core = next(pid for pid in processes if named(pid).startswith("VLLM::EngineCor"))
    assert any(named(pid).startswith("VLLM::Worker") for pid in processes)
    run = engine.client.start(long(), confidential=True)
    await run.take()
    os.kill(core, signal.SIGKILL)
    killed_s = time.monotonic()
    with pytest.raises(errors.Unavailable):
        await drain(run)
    told_s = time.monotonic() - killed_s
    async with asyncio.timeout(5):
        assert await engine.process.wait() == 70
    await gone(processes, within_s=2)
    assert told_s < 0.5  # 0.1 on a quiet machine
    assert shared_memory() <= before
    assert not engine.path.with_suffix(".vllm").exists()


async def test_a_killed_engine_takes_all_of_vllm_with_it(launch_vllm):
    engine = await launch_vllm()
    processes = descendants(engine.process.pid)
    runs = [engine.client.start(long(), confidential=True) for _ in range(3)]
    assert isinstance(await runs[0].take(), TextDelta)

    engine.process.send_signal(signal.SIGSTOP)
    with (
        engine.client.start(long(), confidential=True, deadline_ms=50) as stopped,
        pytest.raises(errors.DeadlineExceeded),
    ):
        await asyncio.wait_for(drain(stopped), 1)
    engine.process.send_signal(signal.SIGKILL)
    for run in runs:
        with pytest.raises(errors.Unavailable):
            await drain(run)
    await engine.client.wait_closed()
    await gone(processes, within_s=2)


async def test_an_engine_says_nothing_once_it_is_ready_and_leaves_when_it_is_told(launch_vllm):
    engine = await launch_vllm()
    processes = descendants(engine.process.pid)
    said = await _available(engine.process.stderr)
    assert b"Traceback" not in said
    with engine.client.start(long(3), confidential=True) as run:
        await drain(run)
    for pid in processes:
        print_as(pid, b"something of a request\n")
    assert await _available(engine.process.stderr) == b""
    runs = [engine.client.start(long(), confidential=True) for _ in range(6)]
    await runs[0].take()
    engine.client.shut_down()
    for run in runs:
        with pytest.raises(errors.Unavailable):
            await drain(run)
    async with asyncio.timeout(5):
        assert await engine.process.wait() == 0
    await gone(processes, within_s=2)


async def test_a_folder_without_a_model_is_told_of(launch_vllm, tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"config\.json"):
        await launch_vllm("--model", str(tmp_path))


async def test_a_model_of_embeddings_embeds_and_answers_nothing(launch_vllm):
    engine = await launch_vllm("--embeddings")
    description = engine.client.description
    assert description.supports_embeddings
    assert description.embedding_dimensions == 128
    embedded = await engine.client.embed(["one text", "another", "one text"])
    first, second, third = embedded.vectors
    assert len(first) == 128
    assert first == pytest.approx(third, abs=1e-4)
    assert first != pytest.approx(second, abs=1e-2)
    assert embedded.usage.prompt_tokens == len("one textanotherone text") - 1  # "th" is one token
    with pytest.raises(errors.Unsupported), engine.client.start(long(1), confidential=True) as run:
        await run.take()
    with pytest.raises(errors.ContextExceeded):
        await engine.client.embed(["x" * 1100])


async def _available(stream):
    """What can be read without waiting for more."""
    said = b""
    while True:
        try:
            async with asyncio.timeout(0.2):
                data = await stream.read(65536)
        except TimeoutError:
            return said
        if not data:
            return said
        said += data
