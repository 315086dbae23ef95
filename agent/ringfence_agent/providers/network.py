"""Connects to addresses that were looked at, not to names: what was checked is what is used (DNS rebinding)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore2

from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.addresses import is_global

LookUp = Callable[[str, int], Sequence[str]]
"""Name and port to addresses; may block; OSError where there is none."""

_ADDRESSES_MAX: Final = 16
"""So many addresses of a name are tried."""
_LOOKUPS_MAX: Final = 4
"""So many names are looked up at the same time; a resolver that hangs holds up its own provider and no other."""
_CONNECT_S_MAX: Final = 60.0
"""Where nobody says how long connecting may take."""


def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the machine's resolver (getaddrinfo(3)).

    Raises:
        OSError: the name has no address.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(str(address[4][0]) for address in found)


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Makes TCP connections. For one event loop; knows no proxy, and reads no environment."""

    def __init__(self, *, allow_private: bool, whose: str = "the provider", look_up: LookUp = look_up) -> None:
        """Make a network; nothing is opened yet.

        Args:
            allow_private: connect to addresses that are not global, too.
            whose: who is connected to, for errors.
            look_up: the resolver.
        """
        self._network = httpcore2.AnyIOBackend()
        self._allow_private = allow_private
        self._whose = whose
        self._look_up = look_up
        self._resolvers = ThreadPoolExecutor(_LOOKUPS_MAX, thread_name_prefix="resolver")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that is allowed, answers, and is the one at the other end.

        `timeout` seconds are for all of it; each address gets an even share of what is left.

        Raises:
            ProviderError: unreachable.
        """
        clock = asyncio.get_running_loop().time
        end_s = clock() + (timeout or _CONNECT_S_MAX)
        addresses = self._allowed(await self._resolve(host, port, end_s))
        for tried, address in enumerate(addresses):
            share_s = (end_s - clock()) / (len(addresses) - tried)
            if share_s <= 0:
                break
            try:
                stream = await self._network.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
            if _is_at(stream, address):
                return stream
            await stream.aclose()
        raise ProviderError("unreachable", f"no address of {self._whose} answers; see that the network lets it through")

    def close(self) -> None:
        """Look up nothing more."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int, end_s: float) -> Sequence[str]:
        """The addresses of a name, each once, before `end_s`."""
        asked = asyncio.get_running_loop().run_in_executor(self._resolvers, self._look_up, host, port)
        try:
            async with asyncio.timeout_at(end_s):
                return tuple(dict.fromkeys(await asked))[:_ADDRESSES_MAX]
        except TimeoutError:
            raise ProviderError("unreachable", f"the resolver does not say where {self._whose} is") from None
        except (OSError, UnicodeError):
            raise ProviderError("unreachable", f"the name of {self._whose} has no address") from None

    def _allowed(self, addresses: Sequence[str]) -> Sequence[str]:
        """Those that may be connected to; at least one."""
        allowed = tuple(address for address in addresses if self._allow_private or is_global(address))
        if not allowed:
            raise ProviderError(
                "unreachable",
                f"the name of {self._whose} leads to addresses that are not global; allow_private_addresses allows "
                "them",
            )
        return allowed


def _is_at(stream: httpcore2.AsyncNetworkStream, address: str) -> bool:
    """Whether the other end has this address."""
    peer = stream.get_extra_info("server_addr")
    return bool(peer) and ipaddress.ip_address(peer[0]) == ipaddress.ip_address(address)
