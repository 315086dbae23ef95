"""`Wallets` and `Lockdown`: what operators look at, and the emergency stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfenced.api.call import Context, Door, answering, identity_of
from ringfenced.api.decode import Limits, decode
from ringfenced.api.encode import decision_to_pb
from ringfenced.api.later import LaterWallets
from ringfenced.errors import InvalidRequest
from ringfenced.flow import Flow
from ringfenced.model import CallerRole, HealthCheck, LockdownFacts, ModelFacts, OperatorWord, Wallet
from ringfenced.nouns import Ledger
from ringfenced.policy import Act


class Node(Protocol):
    """What this node can tell of itself."""

    name: str
    version: str
    started_unix_s: int

    def models(self) -> tuple[ModelFacts, ...]:
        """Every model, local and of providers."""
        ...

    async def checks(self) -> tuple[HealthCheck, ...]:
        """What is well and what is not."""
        ...


class Stop(Protocol):
    """The emergency stop of egress."""

    async def lockdown(self) -> LockdownFacts:
        """As it stands."""
        ...

    async def apply_lockdown(self, *, on: bool, reason: str, by: str, word: OperatorWord) -> LockdownFacts:
        """Give an operator's order; what stands afterwards."""
        ...


class WalletsService(LaterWallets):
    """What departments have left."""

    def __init__(self, ledger: Ledger, flow: Flow, door: Door, departments: Callable[[], tuple[str, ...]]) -> None:
        """Wire; `departments` names every wallet."""
        self._ledger = ledger
        self._flow = flow
        self._door = door
        self._departments = departments

    @answering
    async def GetWallet(self, request: pb.GetWalletRequest, context: Context) -> pb.GetWalletResponse:
        """A caller's own department's wallet; any for an operator."""
        caller = self._door.admit(context, Act.SEE_WALLETS)
        department = request.department or caller.department
        if department != caller.department:
            self._door.admit(context, Act.SEE_WALLETS, CallerRole.OPERATOR)
        return pb.GetWalletResponse(wallet=_wallet_to_pb(await self._ledger.wallet(department)))

    @answering
    async def ListWallets(self, _request: pb.ListWalletsRequest, context: Context) -> pb.ListWalletsResponse:
        """Every wallet."""
        self._door.admit(context, Act.SEE_WALLETS, CallerRole.OPERATOR)
        return pb.ListWalletsResponse(
            wallets=[_wallet_to_pb(await self._ledger.wallet(name)) for name in self._departments()]
        )

    @answering
    async def EstimateCost(self, request: pb.EstimateCostRequest, context: Context) -> pb.EstimateCostResponse:
        """What each target would cost."""
        self._door.admit(context, Act.PLAN, CallerRole.CALLER)
        asked = decode(request.request, "estimate", time.monotonic(), context.time_remaining(), Limits())
        _, decision, _ = await self._flow.plan(asked, identity_of(context))
        return pb.EstimateCostResponse(candidates=decision_to_pb(decision).candidates)


class LockdownService(pb_grpc.LockdownServicer):
    """The emergency stop."""

    def __init__(self, stop: Stop, door: Door, pseudonym: Callable[[str], str]) -> None:
        """Wire; the agent's log gets the operator's `pseudonym`."""
        self._stop = stop
        self._pseudonym = pseudonym
        self._door = door

    @answering
    async def GetLockdown(self, _request: pb.GetLockdownRequest, context: Context) -> pb.GetLockdownResponse:
        """As it stands, and what waits for a second operator."""
        self._door.admit(context, Act.SEE_NODE, CallerRole.OPERATOR, CallerRole.AUDITOR)
        return pb.GetLockdownResponse(state=self._state(await self._stop.lockdown()))

    @answering
    async def SetLockdown(self, request: pb.SetLockdownRequest, context: Context) -> pb.SetLockdownResponse:
        """Take an operator's order; what stands afterwards is durable at the agent."""
        caller = self._door.admit(context, Act.LOCKDOWN if request.on else Act.LIFT, CallerRole.OPERATOR)
        if not request.reason:
            raise InvalidRequest("reason: say why, for the log.", input_path="reason")
        by = self._pseudonym(caller.identity)
        word = OperatorWord(request.operator, request.signature, request.expires_at_unix_ms)
        facts = await self._stop.apply_lockdown(on=request.on, reason=request.reason, by=by, word=word)
        return pb.SetLockdownResponse(state=self._state(facts))

    def _state(self, facts: LockdownFacts) -> pb.LockdownState:
        """The message; operators of this node by their identities, others by their pseudonyms."""
        names = {self._pseudonym(identity): identity for identity in self._door.identities()}
        state = pb.LockdownState(
            on=facts.on,
            reason=facts.reason,
            by=[names.get(one, one) for one in facts.by],
            waiting_by=[names.get(one, one) for one in facts.waiting_by],
            confirmations_missing=facts.missing,
            log_origin=facts.log_origin,
            signatures_needed=facts.signatures_needed,
        )
        if facts.since_unix_ms:
            state.since.FromMilliseconds(facts.since_unix_ms)
        if facts.waiting_until_unix_ms:
            state.waiting_until.FromMilliseconds(facts.waiting_until_unix_ms)
        return state


def _wallet_to_pb(wallet: Wallet) -> pb.Wallet:
    return pb.Wallet(
        department=wallet.department,
        granted_microcredits=wallet.granted_microcredits,
        spent_microcredits=wallet.spent_microcredits,
        held_microcredits=wallet.held_microcredits,
        available_microcredits=wallet.available_microcredits,
    )
