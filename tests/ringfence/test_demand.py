"""What a handshake settled on, as gRPC really tells it, and what becomes of a call over less than is demanded."""

import asyncio
import contextlib
import functools
import shutil
import ssl
from contextlib import asynccontextmanager
from typing import get_args

import grpc
import grpc.aio
import pytest

from fakes.certs import write_fresh
from ringfence import tls
from ringfence.demand import Demand, shortcoming
from ringfence.tls import Peer
from ringfence.tls13 import HYBRID, Group

ME = "spiffe://ringfence.local/caller/ward"


async def who(_request, _context):
    return b"you"


async def count(_request, _context):
    yield b"one"
    yield b"two"


async def write(_request, context):
    await context.write(b"one")


async def gather(requests, _context):
    return b"".join([request async for request in requests])


METHODS = {
    "Who": grpc.unary_unary_rpc_method_handler(who),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Write": grpc.unary_stream_rpc_method_handler(write),
    "Gather": grpc.stream_unary_rpc_method_handler(gather),
    "Both": grpc.stream_stream_rpc_method_handler(count),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("certs"))


def identity(folder, name):
    return tls.Identity(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")


@asynccontextmanager
async def serving(folder, *groups, **hooks):
    server = grpc.aio.server(interceptors=(Demand(frozenset(groups), "listen.key_exchange_groups", **hooks),))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", METHODS),))
    credentials = tls.server_credentials(tls.Certificates(identity(folder, "daemon")))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@asynccontextmanager
async def connected(folder, port):
    shown = tls.channel_credentials(identity(folder, "caller-ward"))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", shown, options=tls.channel_options(2**20)) as channel:
        yield channel


def frame(kind, flags, stream, content=b""):
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def literal(name, value):
    """A header that is not indexed and not compressed (RFC 7541, section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


HEADERS = {
    b":method": b"POST",
    b":scheme": b"https",
    b":path": b"/t/Who",
    b":authority": b"localhost",
    b"te": b"trailers",
    b"content-type": b"application/grpc",
}
REQUEST = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + frame(4, 0, 0)
    + frame(1, 4, 1, b"".join(literal(name, value) for name, value in HEADERS.items()))
    + frame(0, 1, 1, bytes(5))
)
"""A call of /t/Who with an empty message."""


async def status_of(reader):
    """All that comes until the status."""
    said = b""
    async with asyncio.timeout(10):
        while b"grpc-status" not in said and (piece := await reader.read(65536)):
            said += piece
    return said


async def ask_over_curve(folder, port, curve):
    """What a client gets that knows this curve alone."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "caller-ward.pem", folder / "caller-ward.key")
    context.set_alpn_protocols(["h2"])
    context.set_ecdh_curve(curve)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(REQUEST)
    said = await status_of(reader)
    writer.close()
    return said


async def ask_over_x25519(folder, port):
    """The same by OpenSSL's own client; Python's ssl cannot be told to offer X25519 alone."""
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-quiet", "-groups", "X25519", "-alpn", "h2", "-connect", f"127.0.0.1:{port}"),
        *("-cert", str(folder / "caller-ward.pem"), "-key", str(folder / "caller-ward.key")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    process.stdin.write(REQUEST)
    said = await status_of(process.stdout)
    process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    return said


CLIENTS = {
    "X25519": ask_over_x25519,
    "prime256v1": functools.partial(ask_over_curve, curve="prime256v1"),
    "secp384r1": functools.partial(ask_over_curve, curve="secp384r1"),
}


async def test_grpcs_own_clients_settle_on_the_hybrid_and_each_kind_of_call_passes(folder):
    """The name of the group is gRPC's own word for it."""
    met = []
    async with serving(folder, HYBRID, met=met.append) as port, connected(folder, port) as channel:
        assert await channel.unary_unary("/t/Who")(b"") == b"you"
        assert [piece async for piece in channel.unary_stream("/t/Count")(b"")] == [b"one", b"two"]
        assert [piece async for piece in channel.unary_stream("/t/Write")(b"")] == [b"one"]
        assert await channel.stream_unary("/t/Gather")(iter((b"a", b"b"))) == b"ab"
        assert [piece async for piece in channel.stream_stream("/t/Both")(iter(()))] == [b"one", b"two"]
    (peer,) = met
    assert (peer.identity, str(peer)) == (ME, f"TLS 1.3, {HYBRID}")
    assert len(peer.certificate_sha256) == 64


@pytest.mark.parametrize("group", CLIENTS)
async def test_a_client_without_the_hybrid_is_told_what_to_do_and_a_setting_lets_it_in(folder, group):
    """Each group by a real handshake of OpenSSL's, so that the names are those that gRPC tells."""
    if group == "X25519" and not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    async with serving(folder, HYBRID) as port:
        said = await CLIENTS[group](folder, port)
    assert b"grpc-status\x0216" in said
    told = (f"settled on {group}", f"allows {HYBRID}", f"add {group} to listen.key_exchange_groups")
    assert all(word.encode() in said for word in told)
    assert group in get_args(Group)
    async with serving(folder, HYBRID, group) as port:
        assert b"you" in await CLIENTS[group](folder, port)


@pytest.mark.parametrize("method", METHODS)
async def test_no_method_is_behind_another_door(folder, method):
    """Streams of either direction too; and what is not there is still only not there."""
    async with serving(folder, "X25519") as port, connected(folder, port) as channel:
        kind = METHODS[method]
        if kind.response_streaming:
            make = channel.stream_stream if kind.request_streaming else channel.unary_stream
            answers = make(f"/t/{method}")(iter(()) if kind.request_streaming else b"")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await anext(aiter(answers))
        else:
            make = channel.stream_unary if kind.request_streaming else channel.unary_unary
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await make(f"/t/{method}")(iter(()) if kind.request_streaming else b"")
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await channel.unary_unary("/t/Nothing")(b"")
        assert missing.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_a_stream_that_its_reader_leaves_is_closed_behind_the_door_too(folder, monkeypatch):
    closed = asyncio.Event()

    async def forever(_request, _context):
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0)
        finally:
            closed.set()

    monkeypatch.setitem(METHODS, "Count", grpc.unary_stream_rpc_method_handler(forever))
    async with serving(folder, HYBRID) as port, connected(folder, port) as channel:
        call = channel.unary_stream("/t/Count")(b"")
        assert await anext(aiter(call)) == b"more"
        call.cancel()
        async with asyncio.timeout(10):
            await closed.wait()


@pytest.mark.parametrize(
    ("peer", "lacking"),
    [
        (Peer(ME, "TLSv1.3", HYBRID), ""),
        (Peer(ME, "TLSv1.2", HYBRID), "TLS 1.3"),
        (Peer(ME, "", ""), "TLS 1.3"),
        (Peer(ME, "TLSv1.3", "X25519"), "settled on X25519"),
        (Peer(ME, "TLSv1.3", ""), "an unknown group"),
    ],
)
def test_what_a_connection_lacks(peer, lacking):
    said = shortcoming(peer, frozenset({HYBRID}), "listen.key_exchange_groups")
    assert (lacking in said) if lacking else said == ""


async def test_many_peers_are_not_remembered_for_ever(folder, monkeypatch):
    monkeypatch.setattr("ringfence.demand._PEERS_MAX", 1)
    met = []
    async with serving(folder, HYBRID, met=met.append) as port:
        for _ in range(2):
            async with connected(folder, port) as channel:
                await channel.unary_unary("/t/Who")(b"")
    assert len(met) == 1
