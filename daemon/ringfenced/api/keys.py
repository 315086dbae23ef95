"""`Keys`: the keys that the agent holds. No key ever comes this way, in or out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfenced.api.call import Context, Door, answering
from ringfenced.errors import InvalidRequest
from ringfenced.model import CallerRole, RotatedKey
from ringfenced.policy import Act


class Keys(Protocol):
    """Where the providers' keys are."""

    async def rotate_key(self, provider: str, *, by: str) -> RotatedKey:
        """Have a provider's key read anew; on return it is used, and the egress log says so."""
        ...


class KeysService(pb_grpc.KeysServicer):
    """The providers' keys."""

    def __init__(self, keys: Keys, door: Door, pseudonym: Callable[[str], str]) -> None:
        """Wire; the agent's log gets the operator's `pseudonym`."""
        self._keys = keys
        self._door = door
        self._pseudonym = pseudonym

    @answering
    async def RotateProviderKey(
        self, request: pb.RotateProviderKeyRequest, context: Context
    ) -> pb.RotateProviderKeyResponse:
        """Have a provider's key read anew from where the agent's configuration says it lies."""
        caller = self._door.admit(context, Act.ROTATE_KEY, CallerRole.OPERATOR)
        if not request.provider:
            raise InvalidRequest("provider: name one of the agent's providers.", input_path="provider")
        rotated = await self._keys.rotate_key(request.provider, by=self._pseudonym(caller.identity))
        return pb.RotateProviderKeyResponse(changed=rotated.changed, fingerprint=rotated.fingerprint)
