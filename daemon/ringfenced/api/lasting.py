"""Streams that last until their caller goes, ended first when the server stops.

Whoever watches the log, the models or the node would otherwise hold up every stop of the daemon for as long as running
requests may go on, and has nothing to lose: it asks again when the daemon is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio

from ringfenced.api.call import Context, refuse
from ringfenced.errors import Unavailable

LASTING: Final = frozenset(
    {
        "/ringfence.v1.Audit/WatchEntries",
        "/ringfence.v1.Models/WatchModels",
        "/ringfence.v1.Nodes/WatchNode",
        "/grpc.health.v1.Health/Watch",
    }
)
"""Methods that end with their caller alone. Each writes its answers itself, and returns nothing."""

_Method = Callable[[Any, Context], Awaitable[None]]


class Lasting(grpc.aio.ServerInterceptor):
    """Stands before those methods. One instance serves one server, on its loop."""

    def __init__(self, methods: frozenset[str] = LASTING) -> None:
        """Stand before `methods`."""
        self._methods = methods
        self._running: set[asyncio.Timeout] = set()
        self._made: dict[str, tuple[Any, Any]] = {}

    def end(self) -> None:
        """End those that run as `Unavailable`; the server takes no new ones by itself once it is told to stop."""
        now_s = asyncio.get_running_loop().time()
        for limit in self._running:
            limit.reschedule(now_s)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The method; None where there is no such method."""
        handler, name = await continuation(handler_call_details), handler_call_details.method
        if handler is None or name not in self._methods:
            return handler
        before, made = self._made.get(name, (None, None))
        if before is not handler:
            made = grpc.unary_stream_rpc_method_handler(
                self._until_stopped(handler.unary_stream),
                request_deserializer=handler.request_deserializer,
                response_serializer=handler.response_serializer,
            )
            self._made[name] = (handler, made)
        return made

    def _until_stopped(self, method: _Method) -> _Method:
        async def answer(request: Any, context: Context) -> None:
            limit = asyncio.timeout(None)
            try:
                async with limit:
                    self._running.add(limit)
                    try:
                        await method(request, context)
                    finally:
                        self._running.discard(limit)
            except TimeoutError:
                if not limit.expired():  # it ran into a limit of its own
                    raise
                error = Unavailable("The daemon is stopping. Ask again when it is back.", reason="stopping")
                await refuse(context, error)

        return answer
