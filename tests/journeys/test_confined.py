"""A site whose daemon refuses to serve if a way out works: it serves, and the kernel says how it is held."""

from __future__ import annotations

import asyncio
import json
import resource
from pathlib import Path

import pytest

from fakes.enclosed import lacking
from fakes.site import START_S
from fakes.site import site as open_site

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(bool(lacking()), reason=lacking()),
]

CONFINE = """
[confine]
required = true
self_test = "enforce"
"""


def status(pid):
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_daemon_that_is_shut_in_serves(short_folder, workers):
    """Its engine and its workers are held as it is, and more."""
    folder = short_folder / str(workers)
    folder.mkdir()
    async with open_site(folder, workers=workers, extra=CONFINE) as site:
        async with asyncio.timeout(START_S):
            while not any('"event":"ready"' in line for line in site.lines()):  # noqa: ASYNC110 - another process's log
                await asyncio.sleep(0.05)
        async with site.client() as client:
            assert (await client.generate_text("hello")).text
        async with site.client("operator") as client:
            health = await client.health()
        (check,) = [check for check in health.checks if check.name == "confinement"]
        assert (check.ok, check.message) == (True, "")
        told = [json.loads(line) for line in site.lines() if '"confined"' in line]
        assert [one["self_test"] for one in told] == ["passed"] * (1 if workers == 1 else 1 + workers)
        held = [site.daemon.pid, *children(site.daemon.pid)]
        assert len(held) == (2 if workers == 1 else 2 + workers)
        for pid in held:
            found = status(pid)
            assert (found["Seccomp"], found["NoNewPrivs"], int(found["CapEff"], 16)) == ("2", "1", 0)
        # An engine has the filter of who started it, a worker its own and its supervisor's; whoever listens has one
        # more from the time on at which its ports are open.
        filters = sorted(int(status(pid)["Seccomp_filters"]) for pid in held)
        assert filters == ([1, 2] if workers == 1 else [1, 1, 3, 3])


async def test_an_agent_is_held_as_well(short_folder):
    """By default, and without a core dump."""
    (short_folder / "d").mkdir()
    async with open_site(short_folder / "d") as site:
        for pid in (site.daemon.pid, site.agent.pid):
            assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
            assert status(pid)["Seccomp"] == "2"
