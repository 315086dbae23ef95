"""What an auditor does with a real site's log: search by a caller's identity, export, watch; over real processes."""

import asyncio
import json
import sys

import pytest

from fakes.site import site
from ringfence.client import RingfenceCallError

pytestmark = pytest.mark.journey

CALLER = "spiffe://ringfence.local/caller/ward"


async def ringfence(running, *arguments, name="auditor"):
    """Run the command line against the site's daemon; what it wrote on standard output."""
    connection = ("--target", f"localhost:{running.port}", "--certs", str(running.folder), "--as", name)
    code = "from ringfenced.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", code, *connection, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


async def test_a_real_log_is_searched_by_identity_and_exported(tmp_path, short_folder):
    async with site(short_folder) as running:
        async with running.client() as caller:
            await caller.generate_text("Which form does a transfer need?", model="gpt")
        found = await ringfence(running, "audit", "search", "--caller", CALLER, "--kind", "intent", "--json")
        assert [line["entry"]["department"] for line in found] == ["ward"]
        pseudonym = found[0]["entry"]["caller"]
        assert CALLER not in json.dumps(found)
        same = await ringfence(running, "audit", "search", "--pseudonym", pseudonym, "--since", "1h", "--json")
        assert found[0] in same
        assert await ringfence(running, "audit", "search", "--caller", CALLER + "x", "--json") == []
        assert await ringfence(running, "audit", "search", "--label", "RESTRICTED", "--json") == []
        cursor = str(tmp_path / "siem.cursor")
        export = ("audit", "export", "--format", "ocsf", "--to", "-", "--cursor", cursor)
        events = await ringfence(running, *export)
        assert [event["metadata"]["event_code"] for event in events] == ["start", "intent", "outcome"]
        assert events[1]["actor"]["user"]["uid"] == pseudonym
        assert await ringfence(running, *export) == []
        with pytest.raises(RingfenceCallError):
            async with running.client() as caller:
                [entry async for entry in caller.watch_entries(0)]
