"""A stream that a gRPC call answers with, read for as long as somebody wants, and let go of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar, cast

import grpc.aio

Q = TypeVar("Q")
R = TypeVar("R")


@asynccontextmanager
async def reading(call: grpc.aio.UnaryStreamCall[Q, R]) -> AsyncIterator[AsyncIterator[R]]:
    """The answers of a call, for one reader; once left, however far it was read, the call is cancelled and gone.

    A call holds the generator that it is read by, and that generator the call (grpc 1.85, ``grpc/aio/_call.py``). Who
    stops before the end, as all do that know the last answer by its kind, leaves both to the collector of cycles, with
    the request, the last answer and some 20 KB of gRPC's core. The collector counts Python's objects alone, of which a
    call has a dozen: hundreds of calls would wait for it. Closing the generator takes the cycle apart.

    Args:
        call: begun, and not read yet.
    """
    answers = cast("AsyncGenerator[R, None]", aiter(call))
    try:
        async with aclosing(answers):
            yield answers
    finally:
        call.cancel()
