"""`Nodes.WatchNode`: how often, for whom, and from whose sample."""

import pytest

from ringfence.v1 import admin_pb2 as pb
from ringfenced.api.nodes import NodesService
from ringfenced.device import DeviceFacts
from ringfenced.errors import PermissionDenied
from ringfenced.model import CallerRole


class Door:
    def __init__(self, *roles):
        self.roles = roles

    def admit(self, _context, *roles):
        if roles and not set(roles) & set(self.roles):
            raise PermissionDenied("needs the role operator", reason="role_missing")


class Devices:
    def __init__(self):
        self.asked = []

    async def fresh(self, age_s_max):
        self.asked.append(age_s_max)
        return (DeviceFacts("cpu", "cpu", "2 x"),)


class Node:
    def models(self):
        return ()


class Left(Exception):
    pass


class Context:
    """A caller that leaves after a few states."""

    def __init__(self, states_max=2):
        self.told = []
        self.states_max = states_max
        self.code = None

    async def write(self, state):
        self.told.append(state)
        if len(self.told) == self.states_max:
            raise Left

    async def abort(self, code, _message, _trailer):
        self.code = code
        raise Left


@pytest.fixture
def slept(monkeypatch):
    """What the service would have slept."""
    times = []

    async def sleep(seconds):
        times.append(seconds)

    monkeypatch.setattr("ringfenced.api.nodes.asyncio.sleep", sleep)
    return times


async def watch(interval_ms, role=CallerRole.OPERATOR):
    devices, context = Devices(), Context()
    service = NodesService(Node(), devices, Door(role), lambda: 0)
    with pytest.raises(Left):
        await service.WatchNode(pb.WatchNodeRequest(interval_ms=interval_ms), context)
    return devices, context


@pytest.mark.parametrize(("asked", "interval_s"), [(0, 1.0), (1, 0.1), (100, 0.1), (2500, 2.5)])
async def test_a_watcher_is_told_at_its_interval_within_bounds(slept, asked, interval_s):
    devices, context = await watch(asked)
    assert slept == [interval_s]
    assert devices.asked == [interval_s / 2] * 2
    assert [state.devices[0].id for state in context.told] == ["cpu", "cpu"]
    assert context.told[0].at.ToNanoseconds() <= context.told[1].at.ToNanoseconds()


async def test_only_operators_watch(slept):
    devices, context = await watch(0, CallerRole.CALLER)
    assert (devices.asked, context.told) == ([], [])
    assert context.code.name == "PERMISSION_DENIED"
