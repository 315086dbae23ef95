"""A site's own evaluator at the wire: a real gRPC server on a unix socket or with mTLS, and what it was shown."""

from __future__ import annotations

import contextlib

import grpc.aio

from ringfence.v1 import evaluator_pb2 as pb
from ringfence.v1.evaluator_pb2_grpc import EvaluatorServicer, add_EvaluatorServicer_to_server


class OwnEvaluator(EvaluatorServicer):
    """Answers with what `says` returns, and keeps what it was shown."""

    def __init__(self, says=lambda _request: pb.EvaluateResponse(score=1.0)):
        self.says = says
        self.shown = []

    async def Evaluate(self, request, context):  # noqa: N802 - gRPC's name
        """What the script says; an exception ends the call with an error."""
        self.shown.append(request)
        said = self.says(request)
        return await said if hasattr(said, "__await__") else said


@contextlib.asynccontextmanager
async def serving(evaluator, address, credentials=None):
    """Serve it at ``unix:/path`` or ``localhost:0``; gives the target."""
    server = grpc.aio.server()
    add_EvaluatorServicer_to_server(evaluator, server)
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    try:
        yield address if address.startswith("unix:") else f"localhost:{port}"
    finally:
        await server.stop(0)
