"""From what gRPC says about the agent to the daemon's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import grpc.aio

from ringfenced.errors import DeadlineExceeded, NotFound, Overloaded, RingfenceError, Unavailable

_AWAY_RETRY_MS: Final = 1000

NO_SUCH_TREE: Final = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.INVALID_ARGUMENT)
"""How the agent says that its log does not reach so far."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise the daemon's error for gRPC's, and nothing of the agent's words but its own typed message."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _error(error.code(), error.details() or "") from None


def _error(code: grpc.StatusCode, details: str) -> RingfenceError:
    """The one table."""
    match code:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded("the agent did not answer in the time that the request had left")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            text = "the agent has too much to do, or its listen.message_bytes_max is below the daemon's"
            return Overloaded(text, reason="agent_overloaded", retry_after_ms=_AWAY_RETRY_MS)
        case _ if code in NO_SUCH_TREE:
            return NotFound(details)
        case _:
            return _unavailable(code, details)


def _unavailable(code: grpc.StatusCode, details: str) -> Unavailable:
    """Why the agent does not do its work."""
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            text = "the agent is away; see that ringfence-agent runs and that its address and certificates are right"
            return Unavailable(text, reason="agent_unavailable", retry_after_ms=_AWAY_RETRY_MS)
        case grpc.StatusCode.UNAUTHENTICATED:
            return Unavailable(f"the agent does not take this connection: {details}", reason="agent_rejects_daemon")
        case grpc.StatusCode.PERMISSION_DENIED:
            text = "the agent does not accept this daemon; add the daemon's SPIFFE id to daemon.identities in its file"
            return Unavailable(text, reason="agent_rejects_daemon")
        case grpc.StatusCode.ABORTED:
            return Unavailable(f"the agent keeps the key that it has: {details}", reason="key_unreadable")
        case grpc.StatusCode.FAILED_PRECONDITION:
            return Unavailable(f"the agent lets nothing out: {details}", reason="agent_log_failed")
        case _:
            return Unavailable(f"the agent failed with {code.name}; its own log says more", reason="agent_failed")
