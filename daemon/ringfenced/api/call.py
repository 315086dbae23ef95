"""What every call has in common: who calls, and how an error ends it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeVar

import grpc

from ringfence.tls import peer_identity
from ringfenced.api.status import code_of, message_of, trailer_of, typed
from ringfenced.errors import Unauthenticated
from ringfenced.identify import demand, identify
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import Act

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


class People(Protocol):
    """What the site's policy lets people do, beyond what their roles say."""

    def demand(self, caller: Caller, act: Act) -> None:
        """Pass if it lets a caller act; PermissionDenied otherwise."""
        ...


class Door:
    """Who may call what. One instance serves all services."""

    def __init__(self, callers: Callable[[], dict[str, Caller]], people: People) -> None:
        """Wire.

        Args:
            callers: the callers' registry, as a function, so that a reload is seen.
            people: the policy on top of roles.
        """
        self._callers = callers
        self._people = people

    def identities(self) -> tuple[str, ...]:
        """Everybody whom the site knows."""
        return tuple(self._callers())

    def known(self, context: Context) -> Caller:
        """The caller, whatever it may do.

        Raises:
            Unauthenticated: unknown.
        """
        return identify(identity_of(context), self._callers())

    def asking(self, context: Context) -> Caller:
        """The caller, if it may send requests at all. Which of them may go where, the flow decides, with a record.

        Raises:
            Unauthenticated: unknown.
            PermissionDenied: it has another role.
        """
        caller = self.known(context)
        demand(caller, CallerRole.CALLER)
        return caller

    def admit(self, context: Context, act: Act, *roles: CallerRole) -> Caller:
        """The caller, if it has one of `roles`, any role where none is named, and the policy lets it act.

        Raises:
            Unauthenticated: unknown.
            PermissionDenied: none of the roles, or the policy does not let it.
        """
        caller = self.known(context)
        if roles:
            demand(caller, *roles)
        self._people.demand(caller, act)
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
    # gRPC keeps what ends a call in a cycle with it until cycles are collected; the request's own frames need not wait.
    error.__traceback__ = error.__context__ = error.__cause__ = None
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
