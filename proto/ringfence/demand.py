"""What a server demands of every connection, whatever is called on it: TLS 1.3, and a key exchange that is allowed.

gRPC cannot be told either beforehand, so that a handshake may settle on less; `Demand` then refuses whatever is called.
It stands before all services of a server, for a service that forgot to look would answer anybody.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, NoReturn

import grpc
import grpc.aio

from ringfence.tls import TLS13, Peer, peer_of

_PEERS_MAX: Final = 4096
"""So many different certificates are told once; then all are forgotten and told again."""

_LOOKED_AT: Final = ("x509_pem_cert", "ssl_tls_version", "ssl_negotiated_key_exchange_group")
"""What of an auth context a peer is made of; its identity stands in the certificate."""
_Seen = tuple[tuple[bytes, ...], ...]

Context = grpc.aio.ServicerContext[Any, Any]
Met = Callable[[Peer], None]
"""Hears of a peer when its certificate, version or group is seen for the first time."""
Refuse = Callable[[Context, str], Awaitable[NoReturn]]
"""Ends a call, with what is wrong."""


def shortcoming(peer: Peer, groups: frozenset[str], setting: str) -> str:
    """What a connection lacks, and what to do; empty for nothing.

    Args:
        peer: the other end.
        groups: key exchange groups that are allowed.
        setting: the setting that names them.
    """
    if peer.tls_version != TLS13:
        return "this server speaks TLS 1.3 with certificates only"
    if peer.key_exchange_group not in groups:
        settled = peer.key_exchange_group or "an unknown group"
        return (
            f"the handshake settled on {settled}, and {setting} allows {', '.join(sorted(groups))}; "
            f"use a client that offers one of these, or add {settled} to {setting}"
        )
    return ""


async def unauthenticated(context: Context, text: str) -> NoReturn:
    """End a call as gRPC does for whoever is not known."""
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)


class Demand(grpc.aio.ServerInterceptor):
    """Stands before every method of a server whose methods are all asynchronous."""

    def __init__(
        self,
        groups: frozenset[str],
        setting: str,
        *,
        met: Met = lambda _peer: None,
        refuse: Refuse = unauthenticated,
    ) -> None:
        """Demand.

        Args:
            groups: key exchange groups that are allowed.
            setting: the setting that names them, for the refusal.
            met: hears of each peer once.
            refuse: ends a call.
        """
        self._groups = groups
        self._setting = setting
        self._met = met
        self._refuse = refuse
        self._known: dict[_Seen, str] = {}
        self._made: dict[str, tuple[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The method, behind the demand; None where there is no such method."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        before, behind = self._made.get(handler_call_details.method, (None, None))
        if before is not handler:
            behind = self._behind(handler)
            self._made[handler_call_details.method] = (handler, behind)
        return behind

    def _behind(self, handler: Any) -> Any:
        """A method's handler, behind the demand; made once."""
        kind = "stream" if handler.request_streaming else "unary"
        kind += "_stream" if handler.response_streaming else "_unary"
        method = getattr(handler, kind)
        # A method that streams either yields its answers, or writes them itself and returns nothing.
        made = self._yielding(method) if inspect.isasyncgenfunction(method) else self._returning(method)
        return getattr(grpc, f"{kind}_rpc_method_handler")(
            made,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _returning(self, method: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
        async def answer(request: Any, context: Context) -> Any:
            await self._look(context)
            return await method(request, context)

        return answer

    def _yielding(
        self, method: Callable[[Any, Context], AsyncGenerator[Any]]
    ) -> Callable[[Any, Context], AsyncGenerator[Any]]:
        async def answer(request: Any, context: Context) -> AsyncGenerator[Any]:
            await self._look(context)
            async with aclosing(method(request, context)) as responses:
                async for response in responses:
                    yield response

        return answer

    async def _look(self, context: Context) -> None:
        """Pass if the connection is as demanded; what was seen before is not looked at again."""
        told = context.auth_context()
        seen = tuple(tuple(told.get(name, ())) for name in _LOOKED_AT)
        lacking = self._known.get(seen)
        if lacking is None:
            peer = peer_of(told)
            lacking = shortcoming(peer, self._groups, self._setting)
            if len(self._known) >= _PEERS_MAX:
                self._known.clear()
            self._known[seen] = lacking
            self._met(peer)
        if lacking:
            await self._refuse(context, lacking)
