"""Whoever shows a certificate of another authority is refused, and writes nothing into our log."""

from __future__ import annotations

import json

import pytest

from fakes.certs import write_fresh
from fakes.site import unwell
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.tls import Identity

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


async def test_a_stranger_gets_no_answer_and_cannot_fill_the_log(site, tmp_path):
    """gRPC's core would write two lines for each try; every line of the daemon's log is still the daemon's own."""
    write_fresh(tmp_path)
    stranger = Identity(tmp_path / "operator.pem", tmp_path / "operator.key", site.folder / "ca.pem")
    for _ in range(3):
        async with AsyncClient(f"localhost:{site.port}", stranger) as client:
            with pytest.raises(RingfenceCallError):
                await client.health()
    assert not unwell(await site.client("operator").health())
    for line in site.lines():
        assert json.loads(line)["event"]
