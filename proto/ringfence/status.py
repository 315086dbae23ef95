"""The rich error trailer: how a typed error crosses gRPC whole.

A gRPC status carries a code and a message. What else an error knows travels in the binary trailing metadata
`grpc-status-details-bin`, as a serialised ``google.rpc.Status`` whose `details` hold one ``google.protobuf.Any`` with a
``ringfence.v1.ErrorDetail`` (https://google.aip.dev/193 and gRPC's "richer error model"), so that any gRPC client can
read it. The three fields of ``google.rpc.Status`` (google/rpc/status.proto) are declared here, in a descriptor pool of
their own: they need no further package and cannot collide with one that an application has installed.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from ringfence.v1.types_pb2 import ErrorDetail

TRAILER: Final = "grpc-status-details-bin"
"""Key of the trailing metadata (gRPC's richer error model)."""

TYPE_URL: Final = "type.googleapis.com/ringfence.v1.ErrorDetail"
"""Type URL of our detail (google/protobuf/any.proto: anything, a slash, the full name)."""


def encode(code: int, message: str, detail: ErrorDetail) -> bytes:
    """The trailer's value for one error.

    Args:
        code: numeric gRPC status code, 1 to 16; must equal the call's own.
        message: the status message; must equal the call's own.
        detail: what else is known; without content of a request or an answer, which is the caller's duty.
    """
    status: Any = _STATUS()
    status.code = code
    status.message = message
    status.details.add(type_url=TYPE_URL, value=detail.SerializeToString(deterministic=True))
    return bytes(status.SerializeToString())


def decode(trailer: bytes) -> tuple[int, str, ErrorDetail | None]:
    """Code, message and detail of a trailer's value; details of other types are passed over.

    Raises:
        ValueError: the bytes are no ``google.rpc.Status``, or its detail no ``ErrorDetail``. A client should then show
            the call's own code and message.
    """
    status: Any = _STATUS()
    try:
        status.ParseFromString(trailer)
        for packed in status.details:
            if packed.type_url.rpartition("/")[2] == ErrorDetail.DESCRIPTOR.full_name:
                return status.code, status.message, ErrorDetail.FromString(packed.value)
    except DecodeError:
        # From None: a parser's text may quote the bytes it could not read.
        raise ValueError("the error trailer is no google.rpc.Status with a ringfence.v1.ErrorDetail") from None
    return status.code, status.message, None


def _status_class() -> type[Message]:
    """The message class of ``google.rpc.Status``, from its three fields."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="google/rpc/status.proto", package="google.rpc", syntax="proto3", dependency=[any_pb2.DESCRIPTOR.name]
    )
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    status.field.add(
        name="details",
        number=3,
        type=field.TYPE_MESSAGE,
        label=field.LABEL_REPEATED,
        type_name=".google.protobuf.Any",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


_STATUS: Final = _status_class()
