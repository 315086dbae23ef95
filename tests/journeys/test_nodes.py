"""The node's devices, through the real daemon."""

import contextlib

import grpc
import pytest

from ringfence.client import RingfenceCallError


async def test_an_operator_watches_devices_and_models(site):
    told = []
    async with contextlib.aclosing(site.client("operator").watch_node(100)) as watched:
        async for state in watched:
            told.append(state)
            if len(told) == 3:
                break
    times = [state.at.ToNanoseconds() for state in told]
    assert times == sorted(set(times))
    host = next(device for device in told[-1].devices if device.kind == "cpu")
    assert 0 < host.memory_free_bytes <= host.memory_total_bytes
    assert len(host.cpu_utilisation) > 0
    assert "house" in [model.name for model in told[-1].models]


async def test_watchers_do_not_disturb_each_other(site):
    client = site.client("operator")
    async with (
        contextlib.aclosing(client.watch_node(100)) as fast,
        contextlib.aclosing(client.watch_node(100)) as other,
    ):
        assert (await anext(fast)).devices[0].id == (await anext(other)).devices[0].id == "cpu"
    assert "cpu" in {device.id for device in await client.devices()}


async def test_a_caller_may_not_watch(site):
    async with contextlib.aclosing(site.client().watch_node()) as watched:
        with pytest.raises(RingfenceCallError) as caught:
            await anext(watched)
    assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
