"""One call of the load generator: as cheap as grpc.aio allows, for the generator shares the machine with the server.

Requests are serialised beforehand and answers are not parsed: the first byte of a `GenerateResponse` is the tag of its
event (protobuf's encoding: field number << 3 | 2 for a message).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from flow_parts.scenarios import SCENARIOS, fresh
from ringfence import tls
from ringfence.client.channel import MESSAGE_BYTES_MAX
from ringfence.v1 import admin_pb2, admin_pb2_grpc

TEXT = 2 << 3 | 2
"""First byte of a text delta."""
RECEIPT = 6 << 3 | 2
"""First byte of a receipt, the last event of a stream that went well."""


@dataclass(slots=True)
class Tally:
    """What became of the requests of one measurement."""

    completed: int = 0
    """Ended with a receipt, or answered."""
    unfinished: int = 0
    """Not ended when their time was up."""
    failed: dict[str, int] = field(default_factory=dict)
    """By status."""
    messages: int = 0
    """Of a stream, received."""
    octets: int = 0
    """In these messages."""
    ttft_ms: list[float] = field(default_factory=list)
    """From the intended send time to the first text; infinity where none came."""
    lag_ms: list[float] = field(default_factory=list)
    """The generator's own: from the intended to the real send time."""


class Target:
    """A server under load, over a number of connections."""

    def __init__(self, address: str, connections: int, certs: Path) -> None:
        """Prepare the channels; each is a connection of its own."""
        credentials = tls.channel_credentials(_identity(certs, "caller-ward"))
        options = (*tls.channel_options(MESSAGE_BYTES_MAX), ("grpc.use_local_subchannel_pool", 1))
        self._channels = [grpc.aio.secure_channel(address, credentials, options=options) for _ in range(connections)]
        self._operator = grpc.aio.secure_channel(
            address, tls.channel_credentials(_identity(certs, "operator")), options=options
        )
        self._generate = [c.unary_stream("/ringfence.v1.Inference/Generate") for c in self._channels]
        self._plan = [c.unary_unary("/ringfence.v1.Inference/Plan") for c in self._channels]
        self._turn = 0

    async def one(self, scenario: str, payload: bytes, intended_s: float, tally: Tally, timeout_s: float) -> None:
        """Send one request and take its whole answer."""
        self._turn += 1
        place = self._turn % len(self._channels)
        tally.lag_ms.append((time.monotonic() - intended_s) * 1000)
        first_s, payload = float("inf"), fresh(payload, self._turn)
        try:
            if SCENARIOS[scenario].method == "Plan":
                answer = await self._plan[place](payload, timeout=timeout_s)
                first_s, last = time.monotonic(), RECEIPT
                tally.messages += 1
                tally.octets += len(answer)
            else:
                last = 0
                call = self._generate[place](payload, timeout=timeout_s)
                while (message := await call.read()) is not grpc.aio.EOF:
                    last = message[0]
                    if last == TEXT and first_s == float("inf"):
                        first_s = time.monotonic()
                    tally.messages += 1
                    tally.octets += len(message)
                if last != RECEIPT and (code := await call.code()) is not grpc.StatusCode.OK:
                    _count(tally, code)
            tally.completed += last == RECEIPT
        except grpc.aio.AioRpcError as error:
            _count(tally, error.code())
        tally.ttft_ms.append((first_s - intended_s) * 1000)

    async def hang_up(self, payload: bytes, tally: Tally) -> None:
        """Send one request and hang up on its first text."""
        self._turn += 1
        call = self._generate[self._turn % len(self._channels)](fresh(payload, self._turn), timeout=20)
        try:
            while (message := await call.read()) is not grpc.aio.EOF and message[0] != TEXT:
                tally.messages += 1
            call.cancel()
            tally.completed += 1
        except grpc.aio.AioRpcError as error:
            _count(tally, error.code())

    async def drip(self, payload: bytes, until_s: float, pause: float, sleep, tally: Tally) -> None:
        """Read one message each `pause` seconds, then hang up."""
        self._turn += 1
        call = self._generate[self._turn % len(self._channels)](payload, timeout=60)
        try:
            while time.monotonic() < until_s and await call.read() is not grpc.aio.EOF:
                tally.messages += 1
                await sleep(pause)
            call.cancel()
            tally.completed += 1
        except grpc.aio.AioRpcError as error:
            _count(tally, error.code())

    async def running(self) -> int:
        """Requests on their way in the daemon, and in its engines, whichever are more; asked as an operator."""
        health = await admin_pb2_grpc.NodesStub(self._operator).GetHealth(admin_pb2.GetHealthRequest())
        models = await admin_pb2_grpc.ModelsStub(self._operator).ListModels(admin_pb2.ListModelsRequest())
        return max(health.requests_running, sum(model.requests_running for model in models.models))

    async def close(self) -> None:
        """Close the connections."""
        for channel in (*self._channels, self._operator):
            await channel.close()


def _identity(certs: Path, name: str) -> tls.Identity:
    return tls.Identity(certs / f"{name}.pem", certs / f"{name}.key", certs / "ca.pem")


def _count(tally: Tally, code: grpc.StatusCode) -> None:
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        tally.unfinished += 1
    else:
        tally.failed[code.name] = tally.failed.get(code.name, 0) + 1
