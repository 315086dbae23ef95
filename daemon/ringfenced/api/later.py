"""The part of the v1 contract that this build does not answer yet: typed, and said so.

Each of these methods is in the contract because later work must not move it. Unknown callers are still refused first.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ringfence.v1 import admin_pb2_grpc
from ringfenced.api.call import Context, Door, refuse
from ringfenced.errors import RingfenceError, Unsupported


async def not_yet(door: Door, context: Context, what: str) -> NoReturn:
    """End a call as UNIMPLEMENTED, or as UNAUTHENTICATED for an unknown caller."""
    try:
        door.known(context)
    except RingfenceError as error:
        await refuse(context, error)
    await refuse(context, Unsupported(f"{what} is in the contract and not in this build yet; see CHANGELOG.md."))


class LaterWallets(admin_pb2_grpc.WalletsServicer):
    """What `WalletsService` does not do yet."""

    _door: Door

    async def GetUsage(self, _request: Any, context: Any) -> Any:
        """Not yet."""
        await not_yet(self._door, context, "Wallets.GetUsage")

    async def GetForecast(self, _request: Any, context: Any) -> Any:
        """Not yet."""
        await not_yet(self._door, context, "Wallets.GetForecast")
