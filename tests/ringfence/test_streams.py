"""A stream that is left half read keeps nothing: neither its call nor what was asked."""

import asyncio
import gc
import weakref
from contextlib import asynccontextmanager

import grpc.aio
import pytest

from ringfence.streams import reading


@pytest.fixture
def without_cycles():
    """Nothing is collected but by its count of references."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def method(answers):
    """A method that answers with each of `answers`; None waits for ever."""
    ended = asyncio.Event()

    async def answer(_request, _context):
        try:
            for one in answers:
                if one is None:
                    await asyncio.Event().wait()
                yield one
        finally:
            ended.set()

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler("test", {"Read": grpc.unary_stream_rpc_method_handler(answer)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("localhost:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
        yield channel.unary_stream("/test/Read"), ended
    await server.stop(0)


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_call_that_was_left_is_gone_at_once_and_ended_for_the_other_side(without_cycles, count):
    """Whether its reader left at the first answer, at the last, or read to the end."""
    async with method([b"a", b"b"]) as (ask, ended):
        call, read = ask(b"request"), []
        async with reading(call) as answers:
            async for one in answers:
                read.append(one)
                if len(read) == count:
                    break
        assert read == [b"a", b"b"][:count]
        await asyncio.wait_for(ended.wait(), 10)
        kept = weakref.ref(call)
        del call, answers
        await asyncio.sleep(0.05)  # gRPC's own tasks let go of it
        assert kept() is None


async def test_what_its_reader_raises_is_raised_and_the_call_cancelled():
    async with method([b"a", None]) as (ask, ended):
        call = ask(b"request")

        async def read():
            async with reading(call) as answers:
                async for _ in answers:
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await read()
        assert call.cancelled()
        await asyncio.wait_for(ended.wait(), 10)


async def test_who_is_cancelled_while_it_waits_leaves_nothing_running():
    async with method([b"a", None]) as (ask, ended):
        call, begun = ask(b"request"), asyncio.Event()

        async def read():
            async with reading(call) as answers:
                async for _ in answers:
                    begun.set()

        task = asyncio.ensure_future(read())
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert call.cancelled()
        await asyncio.wait_for(ended.wait(), 10)


async def test_the_errors_of_a_call_are_its_own():
    async with grpc.aio.insecure_channel("localhost:1") as nobody:
        call = nobody.unary_stream("/test/Read")(b"request", timeout=5)

        async def read():
            async with reading(call) as answers:
                return [one async for one in answers]

        with pytest.raises(grpc.aio.AioRpcError):
            await read()
