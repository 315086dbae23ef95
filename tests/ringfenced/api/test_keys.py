"""`Keys`: operators only, and the agent gets their pseudonym."""

import grpc
import pytest

from ringfence.v1 import admin_pb2 as pb
from ringfenced.api.keys import KeysService
from ringfenced.errors import PermissionDenied, Unavailable
from ringfenced.model import CallerRole, RotatedKey


class Caller:
    identity = "spiffe://site.example/operator"


class Door:
    def __init__(self, *roles):
        self.roles = roles

    def admit(self, _context, *roles):
        if not set(roles) & set(self.roles):
            raise PermissionDenied("needs the role operator", reason="role_missing")
        return Caller()


class Agent:
    def __init__(self, failure=None):
        self.asked = []
        self.failure = failure

    async def rotate_key(self, provider, *, by):
        self.asked.append((provider, by))
        if self.failure:
            raise self.failure
        return RotatedKey(changed=True, fingerprint="0011223344556677")


class Aborted(Exception):
    pass


class Context:
    code = None

    async def abort(self, code, _message, _trailer):
        self.code = code
        raise Aborted


async def rotate(agent, provider="cloud", role=CallerRole.OPERATOR):
    service = KeysService(agent, Door(role), lambda identity: f"p({identity})")
    return await service.RotateProviderKey(pb.RotateProviderKeyRequest(provider=provider), Context())


async def test_an_operators_pseudonym_goes_along_and_the_fingerprint_comes_back():
    agent = Agent()
    response = await rotate(agent)
    assert agent.asked == [("cloud", "p(spiffe://site.example/operator)")]
    assert response == pb.RotateProviderKeyResponse(changed=True, fingerprint="0011223344556677")


@pytest.mark.parametrize("role", [CallerRole.CALLER, CallerRole.AUDITOR])
async def test_others_are_refused(role):
    agent = Agent()
    with pytest.raises(Aborted):
        await rotate(agent, role=role)
    assert agent.asked == []


async def test_a_provider_must_be_named():
    agent = Agent()
    with pytest.raises(Aborted):
        await rotate(agent, provider="")
    assert agent.asked == []


async def test_the_agents_no_is_told():
    context = Context()
    service = KeysService(Agent(Unavailable("no key there")), Door(CallerRole.OPERATOR), str)
    with pytest.raises(Aborted):
        await service.RotateProviderKey(pb.RotateProviderKeyRequest(provider="cloud"), context)
    assert context.code is grpc.StatusCode.UNAVAILABLE
