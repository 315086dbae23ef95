"""What every call has in common: who calls, and how an error ends it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import grpc

from ringfence.tls import peer_identity
from ringfenced.api.status import code_of, message_of, trailer_of, typed
from ringfenced.errors import Unauthenticated
from ringfenced.identify import demand, identify
from ringfenced.model import Caller, CallerRole

_LOG = logging.getLogger("ringfenced.api")

Q = TypeVar("Q")
A = TypeVar("A")

Context = grpc.aio.ServicerContext[Any, Any]
"""The context of one call."""


def identity_of(context: Context) -> str | None:
    """URI SAN of the verified peer; None where there is none.

    That the connection is TLS 1.3 with an allowed group was seen before (`ringfence.demand`).
    """
    return peer_identity(context.auth_context())


class Door:
    """Who may call what. One instance serves all services."""

    def __init__(self, callers: Callable[[], dict[str, Caller]]) -> None:
        """Take the callers' registry as a function, so that a reload is seen."""
        self._callers = callers

    def identities(self) -> tuple[str, ...]:
        """Everybody whom the site knows."""
        return tuple(self._callers())

    def admit(self, context: Context, *roles: CallerRole) -> Caller:
        """The caller, if it has one of `roles`; any role where none is named.

        Raises:
            Unauthenticated: unknown.
            PermissionDenied: none of the roles.
        """
        caller = identify(identity_of(context), self._callers())
        if roles:
            demand(caller, *roles)
        return caller


async def refuse(context: Context, error: Exception) -> NoReturn:
    """End a call with the status of `error`; what is not typed becomes INTERNAL without its insides."""
    known = typed(error)
    if known is not error:
        # The type and the place say what broke; the text might hold content and stays out.
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _LOG.error("defect", extra={"fields": {"error_type": type(error).__name__, "place": place}})
    await context.abort(code_of(known), message_of(known), trailer_of(known))


async def refuse_handshake(context: Context, text: str) -> NoReturn:
    """End a call over a connection that is not as demanded."""
    await refuse(context, Unauthenticated(text, reason="handshake"))


def answering(
    method: Callable[[Any, Q, Context], Awaitable[A]],
) -> Callable[[Any, Q, Context], Awaitable[A]]:
    """Wrap a unary method so that its typed errors become statuses."""

    async def call(self: Any, request: Q, context: Context) -> A:
        try:
            return await method(self, request, context)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets a status
            await refuse(context, error)

    return call
