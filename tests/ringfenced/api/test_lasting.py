"""Watchers do not hold up a server that is told to stop."""

import asyncio
import contextlib
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2

from ringfence.v1 import admin_pb2, audit_pb2
from ringfenced.api.lasting import LASTING, Lasting


async def wait_for_ever(_request, context):
    """Writes once, and goes on until somebody ends it."""
    await context.write(b"first")
    await asyncio.Event().wait()


async def wait_a_little(_request, context):
    """Runs past the moment at which the server is told to stop."""
    await context.write(b"first")
    await asyncio.sleep(0.3)
    await context.write(b"last")


async def run_late(_request, _context):
    """Runs into a limit of its own."""
    raise TimeoutError


@contextlib.asynccontextmanager
async def serving(folder):
    """A server with a watcher's method and a request's, and what ends the one kind."""
    lasting = Lasting(frozenset({"/t/Watch", "/t/Late"}))
    server = grpc.aio.server(interceptors=(lasting,))
    methods = {"Watch": wait_for_ever, "Ask": wait_a_little, "Late": run_late}
    handlers = {name: grpc.unary_stream_rpc_method_handler(method) for name, method in methods.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", handlers),))
    server.add_insecure_port(f"unix:{folder}/s")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            yield server, lasting, channel
    finally:  # a server that is collected while it runs takes the process with it
        await server.stop(None)


async def test_a_watcher_ends_at_once_and_a_request_in_its_time(short_folder):
    async with serving(short_folder) as (server, lasting, channel):
        watching, asking = channel.unary_stream("/t/Watch")(b""), channel.unary_stream("/t/Ask")(b"")
        assert (await watching.read(), await asking.read()) == (b"first", b"first")
        told_s = time.monotonic()
        lasting.end()
        await server.stop(20)
        assert time.monotonic() - told_s < 5
        assert await asking.read() == b"last"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watching.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "stopping" in caught.value.details()


async def test_a_limit_of_the_methods_own_is_not_told_as_a_stop(short_folder):
    async with serving(short_folder) as (_server, _lasting, channel):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_stream("/t/Late")(b"").read()
        assert caught.value.code() is grpc.StatusCode.UNKNOWN
        assert "stopping" not in caught.value.details()


async def test_who_leaves_before_is_forgotten(short_folder):
    async with serving(short_folder) as (_server, lasting, channel):
        watching = channel.unary_stream("/t/Watch")(b"")
        await watching.read()
        assert len(lasting._running) == 1
        watching.cancel()
        for _ in range(200):
            if not lasting._running:
                break
            await asyncio.sleep(0.01)
        assert not lasting._running
        lasting.end()


def test_the_names_are_methods_that_stream():
    described = {
        f"/{service.full_name}/{method.name}": method.server_streaming and not method.client_streaming
        for file in (audit_pb2.DESCRIPTOR, admin_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert all(described[name] for name in LASTING)
    assert {name for name in described if "/Watch" in name} == LASTING
