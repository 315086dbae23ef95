"""The doctor in a whole site: daemon, agent, provider, log and witness are real."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from fakes.site import site as open_site

pytestmark = pytest.mark.journey

PROGRAM = "import sys; from ringfenced.cli import main; main()"


@pytest.fixture
async def site():
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder) as made:
        yield made
    shutil.rmtree(folder)


async def doctor(site, name):
    """What the doctor says: check to state and words."""
    where = ["--target", f"localhost:{site.port}", "--certs", str(site.folder), "--as", name]
    files = ["--config", str(site.folder / "daemon.toml"), "--agent-config", str(site.agent_file)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, *where, "doctor", *files, "--json"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    lines = [json.loads(line) for line in said.splitlines()]
    return {line["check"]: (line["state"], line["told"]) for line in lines}


async def test_a_site_that_is_well_and_one_that_is_not(site):
    operator = await doctor(site, "operator")
    assert operator["daemon"][0] == "ok"
    assert operator["daemon: agent"][0] == "ok"
    assert operator["provider's gpt"] == ("ok", "open, as the agent tells")
    assert operator["configuration and policy"][0] == "ok"
    assert operator["certificate agent's listen.certificate"][0] == "ok"
    assert operator["disk of the egress log"][0] in {"ok", "warning"}
    auditor = await doctor(site, "auditor")
    assert auditor["egress log"][0] == "ok"
    assert auditor["witness"][0] == "ok"
    assert auditor["clock and log"][0] == "ok"

    site.agent.terminate()
    await site.agent.wait()
    for _ in range(20):
        left = await doctor(site, "operator")
        if left["daemon: agent"][0] == "error":
            break
    assert left["daemon: agent"][0] == "error"
    assert left["provider's gpt"][0] == "warning"
