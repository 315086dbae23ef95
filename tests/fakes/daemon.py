"""A daemon at the wire: a real gRPC server with mTLS whose answers a test writes down beforehand.

    with FakeDaemon(certs) as daemon:
        daemon.script["Plan"] = [PlanResponse(...)]
        ... Client(daemon.target, daemon.identity("caller-ward")) ...
        assert daemon.requests == [("Plan", PlanRequest(...))]

The server runs on a loop in a thread of its own, so that blocking clients and commands can be tested against it.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ringfence import status
from ringfence.renewal import Certificates
from ringfence.tls import Identity, peer_identity, server_credentials, server_options
from ringfence.v1 import admin_pb2, audit_pb2, inference_pb2
from ringfence.v1.types_pb2 import ErrorDetail

HANG = object()
"""In a script: say nothing more until the caller goes away."""


@dataclass
class Fail:
    """In a script: end the call with a status, the way the daemon does."""

    code: grpc.StatusCode
    message: str
    detail: ErrorDetail | None = None
    trailer: bytes | None = None
    """Sent as it is instead of the detail, to test what clients make of nonsense."""

    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        if self.trailer is not None:
            return ((status.TRAILER, self.trailer),)
        if self.detail is None:
            return ()
        return ((status.TRAILER, status.encode(self.code.value[0], self.message, self.detail)),)


@dataclass
class FakeDaemon:
    """Answers each method with what `script` says, and keeps what it was asked."""

    certs: Path
    """A `ringfence dev-certs` folder."""
    socket: Path | None = None
    """Listen on this unix socket instead of TCP."""
    script: dict[str, list[Message | Fail | object]] = field(default_factory=dict)
    """Method name to answers; a method without answers is UNIMPLEMENTED."""
    requests: list[tuple[str, Message]] = field(default_factory=list)
    identities: list[str | None] = field(default_factory=list)
    """The caller's SPIFFE identity, one for each request."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when a caller went away while its stream was open."""
    target: str = ""

    def identity(self, name: str) -> Identity:
        """A caller's files."""
        return Identity(self.certs / f"{name}.pem", self.certs / f"{name}.key", self.certs / "ca.pem")

    def __enter__(self) -> Self:
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = grpc.aio.server(options=server_options(64 * 1024 * 1024))
        for file in (inference_pb2, admin_pb2, audit_pb2):
            for service in file.DESCRIPTOR.services_by_name.values():
                handlers = {method.name: self._handler(method) for method in service.methods}
                server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        credentials = server_credentials(Certificates(self.identity("daemon")))
        address = f"unix:{self.socket}" if self.socket else "localhost:0"
        port = server.add_secure_port(address, credentials)
        self.target = address if self.socket else f"localhost:{port}"
        await server.start()
        self._started.set()
        await self._stop.wait()
        await server.stop(0)

    def _handler(self, method) -> grpc.RpcMethodHandler:
        """A streaming or unary handler; the messages' classes come from the descriptor."""
        request_class = GetMessageClass(method.input_type)

        async def stream(request, context):
            self.requests.append((method.name, request))
            self.identities.append(peer_identity(context.auth_context()))
            try:
                for answer in self.script.get(method.name, [Fail(grpc.StatusCode.UNIMPLEMENTED, "not in the script")]):
                    if answer is HANG:
                        await asyncio.Event().wait()
                    if isinstance(answer, Fail):
                        await context.abort(answer.code, answer.message, answer.metadata())
                    yield answer
            except (asyncio.CancelledError, GeneratorExit):
                self.cancelled.set()
                raise

        async def unary(request, context):
            return await anext(stream(request, context))

        make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        return make(
            stream if method.server_streaming else unary,
            request_deserializer=request_class.FromString,
            response_serializer=method.output_type._concrete_class.SerializeToString,
        )
