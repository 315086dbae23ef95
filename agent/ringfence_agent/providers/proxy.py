"""The way through a site's own CONNECT proxy, where the configuration names one; none is ever found elsewhere.

The proxy hears the provider's host and port and nothing else (RFC 9110, section 9.3.6); TLS runs through it, end to
end. It looks the provider's name up itself: that this leads outside is then the proxy's duty, and the certificate is
what still holds the other end.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import h11
import httpcore2

from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.network import CheckedNetwork

_ANSWER_BYTES_MAX: Final = 16 * 1024
"""Longest answer to CONNECT; what it says beyond its status is not read."""
_READ_BYTES: Final = 4096
_CONNECT_S_MAX: Final = 60.0
_NOT_LET_IN: Final = 407
"""Proxy Authentication Required (RFC 9110, section 15.5.8)."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy."""

    host: str
    """Its name or address; may be private, for it was configured."""
    port: int
    """Where it listens."""
    credentials: str = field(default="", repr=False)
    """``user:password`` for Basic (RFC 7617); empty for none."""


class ProxiedNetwork(httpcore2.AsyncNetworkBackend):
    """Makes tunnels through a proxy. For one event loop."""

    def __init__(self, proxy: Proxy, network: CheckedNetwork) -> None:
        """Go through `proxy`, reached over `network`."""
        self._proxy = proxy
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A tunnel to `host`; `timeout` seconds are for all of it.

        Raises:
            ProviderError: the proxy cannot be reached, or opens no tunnel.
        """
        clock = asyncio.get_running_loop().time
        end_s = clock() + (timeout or _CONNECT_S_MAX)
        stream = await self._network.connect_tcp(
            self._proxy.host, self._proxy.port, end_s - clock(), local_address, socket_options
        )
        try:
            async with asyncio.timeout_at(end_s):
                _demand_tunnel(*await _ask(stream, _target(host, port), self._proxy.credentials))
        except TimeoutError:
            await stream.aclose()
            raise ProviderError("unreachable", "the proxy does not answer in time") from None
        except (httpcore2.NetworkError, httpcore2.TimeoutException, h11.ProtocolError):
            await stream.aclose()
            raise ProviderError("unreachable", "the proxy's answer is no HTTP, or it broke off") from None
        except BaseException:
            await stream.aclose()
            raise
        return stream

    def close(self) -> None:
        """Look up nothing more."""
        self._network.close()


async def _ask(stream: httpcore2.AsyncNetworkStream, target: str, credentials: str) -> tuple[int, bool]:
    """The status of the proxy's answer to CONNECT, and whether anything came behind it."""
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=_ANSWER_BYTES_MAX)
    headers = [("Host", target)]
    if credentials:
        headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}"))
    request = talk.send(h11.Request(method="CONNECT", target=target, headers=headers)) or b""
    await stream.write(request + (talk.send(h11.EndOfMessage()) or b""))
    received = 0
    while not isinstance(event := talk.next_event(), h11.Response):
        if event is not h11.NEED_DATA:
            continue
        data = await stream.read(_READ_BYTES)
        received += len(data)
        if not data or received > _ANSWER_BYTES_MAX:
            raise ProviderError("unreachable", f"the proxy's answer does not end within {_ANSWER_BYTES_MAX} bytes")
        talk.receive_data(data)
    return event.status_code, bool(talk.trailing_data[0])


def _demand_tunnel(status: int, behind: bool) -> None:
    """Refuse all but an open tunnel; nobody speaks through it before we do."""
    if status == _NOT_LET_IN:
        raise ProviderError("credentials", "the proxy does not accept the agent's credentials; see proxy_credentials")
    if status // 100 != 2 or behind:  # noqa: PLR2004 - a class of statuses
        raise ProviderError("unreachable", f"the proxy opens no tunnel to the provider (status {status})")


def _target(host: str, port: int) -> str:
    """Host and port as CONNECT names them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
