"""The emergency stop, from the command to the last byte: within a second, on every path, across restarts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from fakes import provider as standin
from fakes.site import _spawn, site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

PUBLIC = {"label": Label(Level.PUBLIC), "model": "gpt"}
STREAMS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand(short_folder):
    """A site of this module's own: it is restarted."""
    async with site(short_folder) as made:
        yield made


@dataclass
class Stream:
    """One answer on its way from the provider to a caller."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    last_s: float = 0.0
    """When the last piece came."""
    ended: str = ""
    """The error's reason."""

    async def run(self, client):
        try:
            async for event in client.generate("word", **PUBLIC):
                if event.WhichOneof("event") == "text":
                    self.last_s = time.monotonic()
                    self.began.set()
        except RingfenceCallError as error:
            self.ended = error.reason


def talk_for_ever(provider):
    """Let the provider send a piece every 20 ms, and never end."""
    pieces = [piece for _ in range(3000) for piece in (standin.chunk({"content": "tok "}), 0.02)]
    provider.on_request = None
    provider.script[:] = [[standin.head(200, "Content-Type: text/event-stream"), *pieces]]


async def command(stand, *arguments):
    """Run `ringfence` in a process of its own, as an operator does."""
    options = ("--target", f"localhost:{stand.port}", "--certs", str(stand.folder), "--as", "operator")
    code = "from ringfenced.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", code, *options, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()


async def leaves(stand):
    """Whether a question comes to the provider."""
    try:
        return bool((await stand.client().generate_text("word", **PUBLIC)).text)
    except RingfenceCallError:
        return False


async def until_leaves(stand):
    async with asyncio.timeout(60):
        while not await leaves(stand):  # noqa: ASYNC110 - processes tell no event
            await asyncio.sleep(0.05)


async def test_the_last_byte_comes_within_a_second_of_the_command(stand):
    """Streams break off with a reason, the provider's connections are closed, and local work goes on."""
    talk_for_ever(stand.provider)
    client = stand.client()
    streams = [Stream() for _ in range(STREAMS)]
    local = stand.client().generate_text('/script {"tokens": 300, "interval_steps": 5}', model="house")
    async with asyncio.TaskGroup() as group:
        working = group.create_task(local)
        for stream in streams:
            group.create_task(stream.run(client))
        for stream in streams:
            await stream.began.wait()
        said = await command(stand, "lockdown", "on", "--reason", "drill")
        returned_s = time.monotonic()
    assert "nothing leaves" in said
    assert [stream.ended for stream in streams] == ["lockdown"] * STREAMS
    assert max(stream.last_s for stream in streams) - returned_s < 1.0
    assert time.monotonic() - returned_s < 30
    assert working.result().text.count("tok") == 300
    outcomes = [entry for entry in stand.entries() if entry["kind"] == "outcome"]
    assert [entry["reasons"] for entry in outcomes[-STREAMS:]] == [["lockdown"]] * STREAMS


async def test_nothing_new_leaves_and_the_daemon_knows_at_once(stand):
    connections = stand.provider.connections
    async with stand.client("operator") as client:
        (model,) = [model for model in await client.models() if model.name == "gpt"]
        assert "locked down" in model.failure
    assert not await leaves(stand)
    assert (await stand.client().generate_text("hello", model="house")).text
    assert stand.provider.connections == connections


async def test_it_survives_restarts_of_both(stand):
    for name in ("agent", "daemon"):
        process = getattr(stand, name)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await stand.start_agent()
    stand.daemon = await _spawn(stand.folder, "daemon", "ringfenced", stand.folder / "daemon.toml")
    async with asyncio.timeout(120):
        while "nothing leaves" not in await status(stand):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.2)
    assert not await leaves(stand)


async def status(stand):
    with contextlib.suppress(AssertionError):
        return await command(stand, "lockdown", "status")
    return ""


async def test_the_order_is_lifted_and_everything_leaves_again(stand):
    stand.provider.script[:] = [standin.answer("Hello", " there")]
    assert "allowed" in await command(stand, "lockdown", "off", "--reason", "drill over")
    await until_leaves(stand)
    orders = [entry for entry in stand.entries() if entry["kind"] == "lockdown"]
    assert [(entry["on"], entry["why"], len(entry["confirmed"])) for entry in orders] == [
        (1, "drill", 1),
        (0, "drill over", 1),
    ]


async def test_a_file_that_somebody_touches_on_the_agents_host_does_the_same(stand):
    """Without the daemon; and it is an order like any other to whoever looks."""
    talk_for_ever(stand.provider)
    stream = Stream()
    async with asyncio.TaskGroup() as group:
        group.create_task(stream.run(stand.client()))
        await stream.began.wait()
        (stand.folder / "log" / "lockdown").touch()
        touched_s = time.monotonic()
    assert stream.ended == "lockdown"
    assert stream.last_s - touched_s < 1.0
    assert "by hand" in await command(stand, "lockdown", "status")
    stand.provider.script[:] = [standin.answer("Hello", " there")]
    await command(stand, "lockdown", "off", "--reason", "over")
    await until_leaves(stand)
