"""The one way onto the wire: TLS 1.3 to one address, a judged call, and no more back than was agreed.

    Door       one provider's connections: pinned authorities, checked addresses, no proxies, no redirects
    Call       one request: path, headers and body, all of them the configuration's or judged
    Exchange   one call through a door, for an SDK to use as its transport: sends the body that was judged, whatever
               the SDK built around it, once

An SDK chooses nothing here. Method, host, path and headers come from the door and the family's tables; headers that the
SDK adds (its version, the machine's) are dropped. What it wants to send must be the call all the same: the same method,
address, path and body, byte for byte, or the same JSON where an SDK writes it anew; the judged bytes are what is sent.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpcore2
import httpx2

from ringfence_agent.providers import ProviderError, Tally

Headers = tuple[tuple[bytes, bytes], ...]
"""Names and values, in the order in which they are sent."""

_PASSED_HEADERS: Final = (b"content-type", b"retry-after", b"retry-after-ms", b"x-amzn-errortype")
"""All of an answer's headers that the SDK gets to see; no cookies, no Alt-Svc, no Location."""
EVENT_STREAM: Final = "text/event-stream"
"""Server-sent events (WHATWG HTML, section 9.2)."""
JSON: Final = "application/json"
"""RFC 8259."""
_IDLE_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What one provider's door is like."""

    url: str
    """Where its API begins: ``https://host[:port][/path]``. Calls go to this host and port, and to no other."""
    authority: Path
    """PEM file of the authorities that its certificate may come from."""
    response_bytes_max: int
    """Longest answer, in bytes."""
    connect_seconds_max: float
    """How long connecting may take."""
    connections_max: int
    """Most connections at the same time."""
    allow_private_addresses: bool
    """Allow addresses that are not global."""


class Call(NamedTuple):
    """One request, as it was judged."""

    target: str
    """Path and query, percent-encoded, from the host's root; from the configuration."""
    accept: str
    """The one media type that its answer may have."""
    headers: Callable[[str], Headers]
    """The family's table: the provider's API key to the headers that are sent besides the door's own."""
    body: bytes
    """What was judged."""


class Door:
    """One provider's connections."""

    def __init__(self, settings: DoorSettings, key: Callable[[], str]) -> None:
        """Make a door; nothing is opened yet.

        Args:
            settings: what it is like.
            key: the provider's API key, as it is now; asked for each call, and stands in one header of it.

        Raises:
            OSError: the authorities cannot be read.
            ssl.SSLError: they are no certificates.
        """
        parts = urlsplit(settings.url)
        self._settings = settings
        self._key = key
        self._origin = httpcore2.URL(settings.url).origin
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls13_only(settings.authority),
            max_connections=settings.connections_max,
            max_keepalive_connections=settings.connections_max,
            keepalive_expiry=_IDLE_S_MAX,
            http1=True,
            http2=False,
            retries=0,
            network_backend=CheckedNetwork(allow_private=settings.allow_private_addresses),
        )
        self._headers = (
            (b"Host", parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")),
            (b"User-Agent", b"ringfence-agent"),
            (b"Accept-Encoding", b"identity"),
            (b"Content-Type", b"application/json"),
        )

    def exchange(self, call: Call, tally: Tally) -> Exchange:
        """A transport for one call, and no other."""
        return Exchange(self, self._settings.url, call, tally)

    async def send(self, call: Call, tally: Tally) -> httpx2.Response:
        """Send a call; the answer's head, its body still to be read.

        Raises:
            ProviderError: it cannot be reached, or the answer is compressed (nothing here asks for that).
        """
        origin, length = self._origin, str(len(call.body)).encode()
        request = httpcore2.Request(
            "POST",
            httpcore2.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=call.target),
            headers=[
                *self._headers,
                (b"Accept", call.accept.encode("ascii")),
                *call.headers(self._key()),
                (b"Content-Length", length),
            ],
            content=call.body,
            extensions={"timeout": {"connect": self._settings.connect_seconds_max, "pool": _IDLE_S_MAX}},
        )
        tally.bytes_out = len(call.body)
        with translated():
            response = await self._pool.handle_async_request(request)
        headers = {name.lower(): value for name, value in response.headers}
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            await response.aclose()
            raise ProviderError("bad_answer", "the provider answered with a compressed body, which nobody asked for")
        return httpx2.Response(
            response.status,
            headers=[(name, headers[name]) for name in _PASSED_HEADERS if name in headers],
            stream=_Capped(response, tally, self._settings.response_bytes_max),
        )

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()


class Exchange(httpx2.AsyncBaseTransport):
    """One call through a door."""

    def __init__(self, door: Door, url: str, call: Call, tally: Tally) -> None:
        """Allow this call to the host of `url`, once."""
        self._door = door
        self._url = httpx2.URL(url)
        self._call: Call | None = call
        self._tally = tally
        self._response: httpx2.Response | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the judged call; anything else that an SDK may want to send is a defect."""
        call, self._call = self._call, None
        if call is None or not _is_same(call, self._url, request, await request.aread()):
            raise ProviderError("bad_answer", "the SDK tried to send something that was not judged; nothing was sent")
        self._response = await self._door.send(call, self._tally)
        return self._response

    async def aclose(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        if self._response is not None:
            await self._response.aclose()


def _is_same(call: Call, url: httpx2.URL, request: httpx2.Request, body: bytes) -> bool:
    """Whether an SDK's request is the call: where to, and what."""
    asked = request.url
    to = (request.method, asked.scheme, asked.host, asked.port, asked.raw_path)
    return to == ("POST", url.scheme, url.host, url.port, call.target.encode("ascii")) and _says_same(body, call.body)


def _says_same(body: bytes, judged: bytes) -> bool:
    """Whether two bodies are the same bytes, or the same JSON."""
    try:
        return body == judged or bool(json.loads(body) == json.loads(judged))
    except (ValueError, RecursionError):
        return False


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were looked at, not to names: what was checked is what is used (DNS rebinding)."""

    def __init__(self, *, allow_private: bool) -> None:
        """Allow only global addresses (RFC 6890), or all."""
        self._network = httpcore2.AnyIOBackend()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that is allowed and answers."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise ProviderError("unreachable", "the provider's name has no address") from None
        addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
        allowed = [address for address in addresses if self._allow_private or is_global(address)]
        if not allowed:
            raise ProviderError(
                "unreachable",
                "the provider's name leads to addresses that are not global; allow_private_addresses allows them",
            )
        failure: Exception = httpcore2.ConnectError()
        for address in allowed:
            try:
                stream = await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
                continue
            peer = stream.get_extra_info("server_addr")
            if ipaddress.ip_address(peer[0]) == ipaddress.ip_address(address):
                return stream
            await stream.aclose()
        raise failure


def is_global(address: str) -> bool:
    """Whether an address is one of the internet's, also as seen through an IPv4-mapped IPv6 address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


class _Capped(httpx2.AsyncByteStream):
    """An answer's body, counted, and no longer than allowed."""

    def __init__(self, response: httpcore2.Response, tally: Tally, bytes_max: int) -> None:
        self._response = response
        self._tally = tally
        self._bytes_max = bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, as it comes; asked again it goes on where it stopped, as the SDK does to empty a connection."""
        stream = self._response.stream
        assert isinstance(stream, AsyncIterable)
        with translated():
            async for data in stream:
                self._tally.bytes_in += len(data)
                if self._tally.bytes_in > self._bytes_max:
                    raise ProviderError("too_long", f"the answer is longer than {self._bytes_max} bytes")
                yield data

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        await self._response.aclose()


class translated:  # noqa: N801 - reads like a function
    """Raises ProviderError for what httpcore raises, without its text."""

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        match error:
            case httpcore2.ConnectError() | httpcore2.ConnectTimeout():
                why = "the provider cannot be reached, or its TLS is not 1.3 with a certificate of the pinned authority"
                raise ProviderError("unreachable", why) from None
            case httpcore2.PoolTimeout():
                raise ProviderError("overloaded", "all connections to the provider are busy") from None
            case httpcore2.TimeoutException():
                raise ProviderError("deadline", "the provider took too long") from None
            case httpcore2.NetworkError() | httpcore2.ProtocolError():
                raise ProviderError("bad_answer", "the provider broke the connection off") from None
            case _:
                return


def _tls13_only(authority: Path) -> ssl.SSLContext:
    """TLS 1.3, host names checked, these authorities and no others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=authority)
    context.set_alpn_protocols(["http/1.1"])
    return context
