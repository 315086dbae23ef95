"""Probes ask a plain port, which tells health and nothing else."""

from __future__ import annotations

import asyncio

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fakes.agent import agent, folder
from fakes.site import free_port
from ringfence.watchdog import Pulse
from ringfence_agent import build, config


async def test_the_plain_port_tells_health_alone(tmp_path):
    port = free_port()
    file = folder(tmp_path, "https://localhost:1/v1")
    file.write_text(file.read_text().replace("[listen]", f'[listen]\nhealth = "127.0.0.1:{port}"'))
    async with agent(file), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/ringfence.v1.Egress/ListProviders")(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_watchdog_is_told_of_a_log_that_failed(tmp_path):
    """Its service manager starts it again then; nothing else would let it write."""
    settings, digest = config.load(folder(tmp_path, "https://localhost:1/v1"))
    told = []
    changed = asyncio.Event()

    def tell(problem):
        told.append(problem)
        if problem != told[0]:
            changed.set()

    async with build.running(settings, digest, build.prepare(settings), structlog.get_logger(), Pulse(0.05, tell)):
        while not told:  # noqa: ASYNC110 - it is told by itself
            await asyncio.sleep(0.01)
        log = settings.log.directory / "entries-000000.ndjson"
        log.rename(log.with_name("taken-away"))
        async with asyncio.timeout(10):
            await changed.wait()
    assert told[0] == ""
    assert told[-1].startswith("the log: ")
