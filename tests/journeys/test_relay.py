"""The agent on a host of its own: the daemon's socket leads there through systemd's own relay, as the units have it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from fakes.site import free_port
from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level

pytestmark = pytest.mark.journey

PROXY = shutil.which("/usr/lib/systemd/systemd-socket-proxyd")
ACTIVATE = shutil.which("systemd-socket-activate")


@contextlib.asynccontextmanager
async def relay(folder, port):
    """What ringfence-relay.socket and .service do, for an agent at that port."""
    command = (ACTIVATE, "--listen", f"{folder}/agent.sock", PROXY, f"127.0.0.1:{port}")
    with (folder / "relay.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*map(str, command), stdout=log, stderr=log)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def site():
    if not (ACTIVATE and PROXY):
        pytest.skip("systemd is not installed (Debian: apt install systemd)")
    folder, port = Path(tempfile.mkdtemp(prefix="rf-")), free_port()

    def elsewhere(name):
        """Before the agent starts: it listens on TCP, as on its own host."""
        file = folder / "agent.toml"
        if name == "agent":
            file.write_text(file.read_text().replace(f"unix:{folder}/agent.sock", f"127.0.0.1:{port}"))
        return ()

    async with relay(folder, port), open_site(folder, launcher=elsewhere) as made:
        yield made
    shutil.rmtree(folder)


async def ask(site, text):
    return await site.client().generate_text(text, label=Label(Level.PUBLIC), quality_min=0.9)


async def test_what_leaves_goes_through_the_relay_and_comes_back_with_its_proof(site):
    answer = await ask(site, "Which organ pumps blood?")
    assert "pumps" in answer.text
    assert answer.receipt.egress
    assert [entry["kind"] for entry in site.entries() if entry["kind"] == "intent"] == ["intent"]
    long = "Which\norgan\npumps\nblood?\n" * 4000  # in one piece: it is the echo that is cut at spaces
    assert len((await ask(site, long)).text) > 90_000


async def test_an_agent_that_was_away_is_found_again(site):
    site.agent.terminate()
    await site.agent.wait()
    with pytest.raises(RingfenceCallError):
        await ask(site, "Which organ pumps blood?")
    await site.start_agent()
    async with asyncio.timeout(60):
        while True:  # gRPC tries again a second or two after the relay last found nobody
            try:
                answer = await ask(site, "Which organ pumps blood?")
                break
            except RingfenceCallError:
                await asyncio.sleep(0.1)
    assert "pumps" in answer.text
