"""The one way onto the wire: TLS 1.3 to one address, a judged call, and no more back than was agreed.

    Door       one provider's connections: checked addresses (`network`, `proxy`), `trust`, `caps`; no redirects
    Call       one request: path, headers and body, all of them the configuration's or judged
    Exchange   one call through a door, for an SDK to use as its transport: sends the body that was judged, whatever
               the SDK built around it, once

An SDK chooses nothing here. Method, host, path and headers come from the door and the family's tables; headers that the
SDK adds (its version, the machine's) are dropped. What it wants to send must be the call all the same: the same method,
address, path and body, byte for byte, or the same JSON where an SDK writes it anew; the judged bytes are what is sent.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpcore2
import httpx2

from ringfence_agent.providers import ProviderError, Tally
from ringfence_agent.providers.caps import CappedBody, Caps, Metered, demand_head
from ringfence_agent.providers.network import CheckedNetwork
from ringfence_agent.providers.proxy import ProxiedNetwork, Proxy
from ringfence_agent.providers.rates import rates_of
from ringfence_agent.providers.translated import translated
from ringfence_agent.providers.trust import Trust, TrustedNetwork

Headers = tuple[tuple[bytes, bytes], ...]
"""Names and values, in the order in which they are sent."""

_PASSED_HEADERS: Final = (b"content-type", b"retry-after", b"retry-after-ms", b"x-amzn-errortype")
"""All of an answer's headers that the SDK gets to see; no cookies, no Alt-Svc, no Location."""
JSON: Final = "application/json"
"""RFC 8259."""
_IDLE_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What one provider's door is like."""

    url: str
    """Where its API begins: ``https://host[:port][/path]``. Calls go to this host and port, and to no other."""
    trust: Trust
    """Who may be at the other end."""
    caps: Caps
    """What an answer may be at most."""
    connect_seconds_max: float
    """How long connecting may take."""
    idle_seconds_max: float
    """How long nothing may come while an answer is awaited."""
    connections_max: int
    """Most connections at the same time."""
    allow_private_addresses: bool
    """Allow addresses that are not global."""
    proxy: Proxy | None = None
    """The site's own CONNECT proxy; None for none."""


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
            TrustError: this Python cannot give the trust that was asked for.
        """
        parts = urlsplit(settings.url)
        self._settings = settings
        self._key = key
        self._origin = httpcore2.URL(settings.url).origin
        self._network = _network(settings)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=settings.trust.context(),
            max_connections=settings.connections_max,
            max_keepalive_connections=settings.connections_max,
            keepalive_expiry=_IDLE_S_MAX,
            http1=True,
            http2=False,
            retries=0,
            network_backend=TrustedNetwork(
                self._network, settings.trust, lambda stream: Metered(stream, settings.caps.wire_bytes_max)
            ),
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
            ProviderError: it cannot be reached, or the answer's head breaks a cap.
        """
        settings, origin, length = self._settings, self._origin, str(len(call.body)).encode()
        request = httpcore2.Request(
            "POST",
            httpcore2.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=call.target),
            headers=[
                *self._headers,
                (b"Accept", call.accept.encode("ascii")),
                *call.headers(self._key()),
                (b"Content-Length", length),
            ],
            content=_counted(call.body, tally),
            extensions={
                "timeout": {
                    "connect": settings.connect_seconds_max,
                    "pool": _IDLE_S_MAX,
                    "read": settings.idle_seconds_max,
                    "write": settings.idle_seconds_max,
                }
            },
        )
        with translated():
            response = await self._pool.handle_async_request(request)
        try:
            demand_head(response.status, response.headers, settings.caps, call.accept)
        except ProviderError:
            await response.aclose()
            raise
        tally.rates = rates_of(response.headers)
        headers = {name.lower(): value for name, value in response.headers}
        return httpx2.Response(
            response.status,
            headers=[(name, headers[name]) for name in _PASSED_HEADERS if name in headers],
            stream=CappedBody(response, tally, settings.caps, call.accept),
        )

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()
        self._network.close()


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


async def _counted(body: bytes, tally: Tally) -> AsyncIterator[bytes]:
    """A body that is counted once it is handed to a connection, and not before there is one."""
    tally.bytes_out += len(body)
    yield body


def _network(settings: DoorSettings) -> CheckedNetwork | ProxiedNetwork:
    """How the provider is reached: straight, or through the site's proxy, which may be at a private address."""
    if settings.proxy is None:
        return CheckedNetwork(allow_private=settings.allow_private_addresses)
    return ProxiedNetwork(settings.proxy, CheckedNetwork(allow_private=True, whose="the proxy"))
