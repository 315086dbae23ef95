"""Probes ask a plain port, which tells health and nothing else."""

from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fakes.agent import agent, folder
from fakes.site import free_port


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
