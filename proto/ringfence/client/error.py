"""The one exception of the Python clients: a gRPC status, with everything that the daemon attached to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

import grpc

from ringfence import status
from ringfence.v1.types_pb2 import ErrorDetail


class RingfenceCallError(Exception):
    """A call that did not succeed.

    Its text is the daemon's message: what was wrong and what to do, without content of a request or an answer.
    """

    def __init__(self, code: grpc.StatusCode, message: str, detail: ErrorDetail | None = None) -> None:
        """Take what the status said.

        Args:
            code: the gRPC status.
            message: for people.
            detail: reason, step, model, input, decision, numbers, suggestions, when to try again; None where the
                status came from below the daemon's code, for example from a broken connection.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def reason(self) -> str:
        """The stable, machine-readable reason (docs/errors.md); the status's name where there is no detail."""
        return self.detail.reason if self.detail and self.detail.reason else self.code.name.lower()

    @property
    def retry_after_s(self) -> float | None:
        """When to try again, in seconds; None where that does not help or is not known."""
        if self.detail is None or not self.detail.HasField("retry_after_ms"):
            return None
        return self.detail.retry_after_ms / 1000


class _FailedCall(Protocol):
    """What `grpc.RpcError`s of both APIs offer when they end a call."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def call_error(error: grpc.RpcError) -> RingfenceCallError:
    """The typed exception for an error that ended a call of `grpc` or `grpc.aio`.

    A trailer that cannot be read is passed over: code and message of the call itself then stand alone.
    """
    failed = cast("_FailedCall", error)
    return RingfenceCallError(failed.code(), failed.details() or "", _detail(failed.trailing_metadata() or ()))


def _detail(trailing: Iterable[tuple[str, str | bytes]]) -> ErrorDetail | None:
    """The detail in the trailing metadata, where there is one."""
    for key, value in trailing:
        if key == status.TRAILER and isinstance(value, bytes):
            try:
                return status.decode(value)[2]
            except ValueError:
                return None
    return None
