"""`ringfence.v1.Nodes`: how this node is, once or again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfenced.api.admin import Node
from ringfenced.api.call import Context, Door, answering, refuse
from ringfenced.api.devices import device_to_pb
from ringfenced.api.models import model_to_pb
from ringfenced.device import DeviceFacts
from ringfenced.model import CallerRole
from ringfenced.policy import Act

INTERVAL_MS: Final = 1000
"""How often a watcher is told who does not say, in milliseconds."""

INTERVAL_MS_MIN: Final = 100
"""How often at most, in milliseconds: NVIDIA's own counters move that fast."""


class Devices(Protocol):
    """The host and its accelerators; one sample serves all who ask."""

    def inventory(self) -> tuple[DeviceFacts, ...]:
        """As they were lately."""
        ...

    async def fresh(self, age_s_max: float) -> tuple[DeviceFacts, ...]:
        """As they are, at most so many seconds old."""
        ...


class NodesService(pb_grpc.NodesServicer):
    """For operators: devices and health."""

    def __init__(self, node: Node, devices: Devices, door: Door, running: Callable[[], int]) -> None:
        """Wire; `running` counts the requests that are on their way."""
        self._node = node
        self._devices = devices
        self._door = door
        self._running = running

    @answering
    async def ListDevices(self, _request: pb.ListDevicesRequest, context: Context) -> pb.ListDevicesResponse:
        """The host and its accelerators; an unknown fact is unset."""
        self._door.admit(context, Act.SEE_NODE, CallerRole.OPERATOR)
        devices = await self._devices.fresh(INTERVAL_MS / 1000)
        return pb.ListDevicesResponse(devices=map(device_to_pb, devices))

    @answering
    async def GetHealth(self, _request: pb.GetHealthRequest, context: Context) -> pb.GetHealthResponse:
        """What is well, what is not, and what to do."""
        self._door.admit(context, Act.SEE_NODE)
        checks = await self._node.checks()
        response = pb.GetHealthResponse(
            ok=all(check.ok for check in checks),
            checks=[pb.Check(name=check.name, ok=check.ok, message=check.message) for check in checks],
            version=self._node.version,
            requests_running=self._running(),
            node=self._node.name,
        )
        response.started_at.FromSeconds(self._node.started_unix_s)
        return response

    async def WatchNode(self, request: pb.WatchNodeRequest, context: Context) -> None:  # type: ignore[override]
        """Devices and models, at once and then every `interval_ms`.

        However many watch, the devices are read as often as the most impatient of them asks.
        """
        try:
            self._door.admit(context, Act.SEE_NODE, CallerRole.OPERATOR)
            interval_s = max(INTERVAL_MS_MIN, request.interval_ms or INTERVAL_MS) / 1000
            while True:
                devices = await self._devices.fresh(interval_s / 2)
                response = pb.WatchNodeResponse(
                    devices=map(device_to_pb, devices), models=map(model_to_pb, self._node.models())
                )
                response.at.FromNanoseconds(time.time_ns())
                await context.write(response)
                await asyncio.sleep(interval_s)
        except Exception as error:  # noqa: BLE001 - the edge
            await refuse(context, error)
