"""Channels whose certificates change, against a real server: new calls show the new one, old ones end undisturbed."""

import asyncio
import hashlib
import ssl
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import psutil
import pytest

from fakes.agent import until
from fakes.certs import write_fresh
from ringfence import tls
from ringfence.renewal import AsyncChannel, Certificates, Identity, ThreadChannel


class Server:
    """Tells each caller which certificate it showed; a stream tells it until it may end."""

    def __init__(self, certificates):
        self.may_end = asyncio.Event()
        self.told = []
        self.certificates = certificates
        self.port = 0

    async def who(self, _request, context):
        return tls.peer_of(context.auth_context()).certificate_sha256.encode()

    async def hold(self, request, context):
        yield await self.who(request, context)
        await self.may_end.wait()
        yield await self.who(request, context)

    @asynccontextmanager
    async def serving(self):
        server = grpc.aio.server()
        methods = {
            "Who": grpc.unary_unary_rpc_method_handler(self.who),
            "Hold": grpc.unary_stream_rpc_method_handler(self.hold),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", methods),))
        self.port = server.add_secure_port("127.0.0.1:0", tls.server_credentials(self.certificates))
        await server.start()
        try:
            yield self
        finally:
            await server.stop(0)

    def connections(self):
        """How many stand, seen from this process, which is both ends."""
        found = psutil.Process().net_connections("tcp")
        return sum(each.laddr.port == self.port and each.status == psutil.CONN_ESTABLISHED for each in found)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "other").mkdir()
    write_fresh(tmp_path / "other")
    return write_fresh(tmp_path)


def identity(folder, name):
    return Identity(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")


@pytest.fixture
async def server(folder):
    async with Server(Certificates(identity(folder, "daemon"))).serving() as server:
        yield server


def replace(path, content):
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def overlap(folder):
    """Both authorities are trusted from now on."""
    replace(folder / "ca.pem", (folder / "ca.pem").read_bytes() + (folder / "other" / "ca.pem").read_bytes())


def renew(folder, *names):
    """Certificates of the other authority."""
    for name in names:
        replace(folder / name, (folder / "other" / name).read_bytes())


def fingerprint(path):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest().encode()


async def shown(server, folder):
    """The certificate that the server shows to whoever connects now."""

    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "caller-ward.pem", folder / "caller-ward.key")
    context.set_alpn_protocols(["h2"])
    _reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return hashlib.sha256(der).hexdigest().encode()


def opening(server, make):
    """Makes the channels that calls really run on."""
    return lambda shown: make(f"127.0.0.1:{server.port}", shown, options=tls.channel_options(2**20))


async def test_a_server_shows_the_renewed_certificate_to_new_connections(server, folder):
    assert await shown(server, folder) == fingerprint(folder / "daemon.pem")
    overlap(folder)
    renew(folder, "daemon.pem", "daemon.key")
    assert await shown(server, folder) == fingerprint(folder / "other" / "daemon.pem")


async def test_new_calls_show_the_new_certificate_and_a_stream_ends_where_it_began(server, folder):
    old, new = fingerprint(folder / "caller-ward.pem"), fingerprint(folder / "other" / "caller-ward.pem")
    overlap(folder)

    async with AsyncChannel(
        Certificates(identity(folder, "caller-ward")), opening(server, grpc.aio.secure_channel)
    ) as channel:
        who, hold = channel.unary_unary("/t/Who"), channel.unary_stream("/t/Hold")
        assert await who(b"") == old
        stream = aiter(hold(b""))
        assert await anext(stream) == old
        renew(folder, "caller-ward.pem", "caller-ward.key")
        assert await who(b"") == new
        assert server.connections() == 2
        server.may_end.set()
        assert [piece async for piece in stream] == [old]
        await until(lambda: server.connections() == 1)
        assert await who(b"") == new


async def test_threads_see_the_same(server, folder):
    old, new = fingerprint(folder / "caller-ward.pem"), fingerprint(folder / "other" / "caller-ward.pem")
    overlap(folder)

    def calls(loop):
        with ThreadChannel(
            Certificates(identity(folder, "caller-ward")), opening(server, grpc.secure_channel)
        ) as channel:
            who, hold = channel.unary_unary("/t/Who"), channel.unary_stream("/t/Hold")
            assert who(b"", timeout=5) == old
            stream = hold(b"", timeout=20)
            assert next(stream) == old
            renew(folder, "caller-ward.pem", "caller-ward.key")
            assert who(b"", timeout=5) == new
            loop.call_soon_threadsafe(server.may_end.set)
            assert list(stream) == [old]
            assert who(b"", timeout=5) == new
            assert len(channel._lines.channels()) == 1

    await asyncio.to_thread(calls, asyncio.get_running_loop())
    await until(lambda: server.connections() == 0)


async def test_an_authority_is_replaced_while_both_are_trusted(server, folder):
    """Both are trusted, then everybody shows certificates of the new one, then only that is trusted; no call fails."""

    async with AsyncChannel(
        Certificates(identity(folder, "caller-ward")), opening(server, grpc.aio.secure_channel)
    ) as channel:
        who = channel.unary_unary("/t/Who")
        assert await who(b"")
        overlap(folder)
        assert await who(b"")
        renew(folder, "daemon.pem", "daemon.key")
        assert await who(b"")
        renew(folder, "caller-ward.pem", "caller-ward.key")
        assert await who(b"") == fingerprint(folder / "other" / "caller-ward.pem")
        renew(folder, "ca.pem")
        assert await who(b"") == fingerprint(folder / "other" / "caller-ward.pem")


async def test_a_call_that_cannot_begin_keeps_no_channel(server, folder):
    async with AsyncChannel(
        Certificates(identity(folder, "caller-ward")), opening(server, grpc.aio.secure_channel)
    ) as channel:
        with pytest.raises(TypeError):
            channel.unary_unary("/t/Who")(b"", nonsense=1)
        overlap(folder)
        assert await channel.unary_unary("/t/Who")(b"")
        assert len(channel._lines.channels()) == 1
