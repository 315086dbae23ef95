"""The one table from the daemon's errors to gRPC statuses; internals are stripped here."""

from __future__ import annotations

from typing import Final

import grpc

from ringfence.status import TRAILER, encode
from ringfence.v1 import types_pb2 as types
from ringfenced import errors
from ringfenced.api.encode import decision_to_pb

TRAILER_BYTES_MAX: Final = 4096
"""gRPC's clients take 8 KiB of metadata in all by default, base64 takes a third more, and the message comes twice."""

CANDIDATES_TOLD: Final = 4
MESSAGE_CHARS_MAX: Final = 1024

CODES: Final[dict[type[errors.RingfenceError], grpc.StatusCode]] = {
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.ContextExceeded: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Refused: grpc.StatusCode.FAILED_PRECONDITION,
    errors.WalletEmpty: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    errors.Internal: grpc.StatusCode.INTERNAL,
}


def code_of(error: errors.RingfenceError) -> grpc.StatusCode:
    """The status of an error: its class's, or its nearest ancestor's."""
    for ancestor in type(error).__mro__:
        if ancestor in CODES:
            return CODES[ancestor]
    return grpc.StatusCode.INTERNAL


def detail_of(error: errors.RingfenceError) -> types.ErrorDetail:
    """What a caller learns besides the message."""
    return types.ErrorDetail(
        reason=error.reason,
        step=error.step,
        model=error.model,
        input=error.input_path,
        decision=decision_to_pb(error.decision) if error.decision else None,
        retry_after_ms=error.retry_after_ms,
        numbers=error.numbers,
        suggestions=error.suggestions,
        request_id=error.request_id,
    )


def typed(error: BaseException) -> errors.RingfenceError:
    """`error` if it is typed; otherwise a defect, told without its insides (they might hold content)."""
    if isinstance(error, errors.RingfenceError):
        return error
    return errors.Internal("Ringfence failed inside. Tell its operator the request's id.")


def trailer_of(error: errors.RingfenceError) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata with the typed detail (google.rpc.Status)."""
    code, detail = int(code_of(error).value[0]), detail_of(error)
    trailer = encode(code, error.message, detail)
    if len(trailer) > TRAILER_BYTES_MAX:
        # A decision with very many targets would cost the status itself; a plan tells all of them.
        del detail.decision.candidates[CANDIDATES_TOLD:]
        trailer = encode(code, message_of(error), detail)
    return ((TRAILER, trailer),)


def message_of(error: errors.RingfenceError) -> str:
    """The status message, bounded: it travels in a header too."""
    text = error.message
    return text if len(text) <= MESSAGE_CHARS_MAX else f"{text[:MESSAGE_CHARS_MAX]}… (`ringfence plan` tells the rest)"
