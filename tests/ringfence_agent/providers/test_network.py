"""Connecting to addresses that were looked at."""

import asyncio
import contextlib
import socket
import threading

import httpcore2
import pytest

from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.network import CheckedNetwork

NOBODY = "127.0.0.2"
"""An address of this machine where no test listens."""


@contextlib.asynccontextmanager
async def listening(host="127.0.0.1"):
    """A server that takes connections; gives its port and what it was connected by."""
    came = []

    async def serve(_reader, writer):
        came.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(serve, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], came


def saying(*answers):
    """A resolver that gives these answers, one a time, the last one again."""
    left = list(answers)
    return lambda _host, _port: left.pop(0) if len(left) > 1 else left[0]


@contextlib.contextmanager
def network(*, allow_private=True, look_up):
    made = CheckedNetwork(allow_private=allow_private, look_up=look_up)
    yield made
    made.close()


async def test_a_name_that_leads_inside_is_not_connected_to():
    async with listening() as (port, came):
        inside = saying(["127.0.0.1", "::1"])
        with network(allow_private=False, look_up=inside) as checked, pytest.raises(ProviderError, match="not global"):
            await checked.connect_tcp("provider.example", port)
        assert not came


async def test_a_name_is_looked_up_once_for_a_connection_and_what_was_checked_is_connected_to():
    """Rebinding between check and use finds nothing to rebind: the name is not used again."""
    asked = []

    def rebound(host, _port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [NOBODY]

    async with listening() as (port, _):
        with network(look_up=rebound) as checked:
            stream = await checked.connect_tcp("provider.example", port)
            assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
            await stream.aclose()
    assert asked == ["provider.example"]


async def test_the_next_address_is_tried_where_one_does_not_answer():
    async with listening() as (port, _):
        with network(look_up=saying([NOBODY, "127.0.0.1"])) as checked:
            stream = await checked.connect_tcp("provider.example", port, 5.0)
            assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
            await stream.aclose()


async def test_where_no_address_answers_it_is_unreachable():
    async with listening() as (port, _):
        with network(look_up=saying([NOBODY])) as checked, pytest.raises(ProviderError, match="no address") as raised:
            await checked.connect_tcp("provider.example", port, 5.0)
    assert raised.value.reason == "unreachable"


async def test_an_address_that_swallows_everything_leaves_time_for_the_next():
    """A full backlog answers nothing; it gets half of the time, and the second address the rest."""
    with socket.socket() as silent:
        silent.bind((NOBODY, 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((NOBODY, port))
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
        async with server:
            with network(look_up=saying([NOBODY, "127.0.0.1"])) as checked:
                stream = await checked.connect_tcp("provider.example", port, 0.6)
                assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
                await stream.aclose()
        for filler in fillers:
            filler.close()


async def test_a_resolver_that_hangs_costs_its_time_limit_and_no_more():
    hanging = threading.Event()
    with network(look_up=lambda _host, _port: hanging.wait(20) or []) as checked:
        with pytest.raises(ProviderError, match="resolver") as raised:
            await checked.connect_tcp("provider.example", 443, 0.05)
        hanging.set()
    assert raised.value.reason == "unreachable"


async def test_a_name_without_an_address_is_unreachable():
    def nothing(_host, _port):
        raise socket.gaierror

    with network(look_up=nothing) as checked, pytest.raises(ProviderError, match="has no address"):
        await checked.connect_tcp("provider.example", 443)


async def test_a_name_of_many_addresses_is_tried_at_sixteen_of_them(monkeypatch):
    tried = []

    async def refuse(self, host, *_rest):
        tried.append(host)
        raise httpcore2.ConnectError

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", refuse)
    many = saying([f"10.0.0.{number}" for number in range(200)])
    with network(look_up=many) as checked, pytest.raises(ProviderError):
        await checked.connect_tcp("provider.example", 443, 5.0)
    assert tried == [f"10.0.0.{number}" for number in range(16)]


class Elsewhere:
    """A connection whose other end is not who was asked for."""

    closed = False

    def get_extra_info(self, _info):
        return (NOBODY, 443)

    async def aclose(self):
        self.closed = True


async def test_a_connection_that_ends_somewhere_else_is_not_used(monkeypatch):
    """A redirecting kernel or a library that looked the name up again would show here."""
    stream = Elsewhere()

    async def diverted(self, *_arguments):
        return stream

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", diverted)
    with network(look_up=saying(["127.0.0.1"])) as checked, pytest.raises(ProviderError):
        await checked.connect_tcp("provider.example", 443, 5.0)
    assert stream.closed
