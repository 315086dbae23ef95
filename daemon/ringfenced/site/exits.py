"""What may be reached through the agent: asked for every second, so that deciding costs no call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, NamedTuple

from ringfenced.deidentify import Deidentified
from ringfenced.egress import AgentClient, ProviderModel
from ringfenced.errors import Unavailable
from ringfenced.model import (
    EntryProof,
    EntryQuery,
    LockdownFacts,
    OperatorWord,
    RotatedKey,
    Sent,
    Terms,
    TextDelta,
    ToolCallDelta,
)

ASK_EVERY_S = 1.0
"""How often the agent is asked what it can reach, in seconds."""

AWAY = "the egress agent is away"


JITTER_MS: Final = 500
"""How far two answers about one moment lie apart at most, in milliseconds: what a call takes, and rounding."""


class Spent(NamedTuple):
    """A model's rate is used up."""

    of: str
    """What of it: ``requests``, ``tokens``, ``quota``, or empty where the agent says what nobody here knows."""
    until_unix_ms: int
    """Until when, by this node's clock."""


class AgentExits:
    """Implements `directory.Exits` on a client of the agent."""

    def __init__(self, client: AgentClient, unix_ms: Callable[[], int]) -> None:
        """Begin with everything closed: when in doubt, nothing leaves.

        Args:
            client: of the agent.
            unix_ms: the clock, for how long something is spent.
        """
        self._unix_ms = unix_ms
        self._spent: dict[tuple[str, str], Spent] = {}
        self._client = client
        self._exits: dict[tuple[str, str], ProviderModel] = {}
        self._resting: frozenset[tuple[str, str]] = frozenset()
        self._closed_reason = AWAY

    @property
    def closed_reason(self) -> str:
        """Why nothing leaves at present; empty where something may."""
        return self._closed_reason

    async def lockdown(self) -> LockdownFacts:
        """The emergency stop as it stands."""
        return await self._client.lockdown()

    async def apply_lockdown(self, *, on: bool, reason: str, by: str, word: OperatorWord) -> LockdownFacts:
        """Give an order, and see at once what may be reached after it."""
        facts = await self._client.apply_lockdown(on=on, reason=reason, by=by, word=word)
        await self.ask()
        return facts

    @property
    def connection(self) -> str:
        """How the connection to the agent is secured; empty before the agent told."""
        return self._client.connection

    def exit(self, provider: str, model: str) -> ProviderModel | None:
        """What the agent says of a model; None where it does not reach it now."""
        return self._exits.get((provider, model))

    def is_resting(self, provider: str, model: str) -> bool:
        """Whether the agent lists a model and leaves its provider alone, for it failed too often."""
        return (provider, model) in self._resting

    def spent(self, provider: str, model: str) -> Spent | None:
        """What of a model's rate is used up, and until when; None where something may be sent."""
        spent = self._spent.get((provider, model))
        return spent if spent is not None and self._unix_ms() < spent.until_unix_ms else None

    async def ask(self) -> None:
        """Ask the agent once."""
        try:
            offers = await self._client.offers()
        except Unavailable as error:
            self._exits = {}
            self._closed_reason = error.message if error.reason == "agent_key_exchange" else AWAY
            return
        except Exception:  # noqa: BLE001 - whatever an agent does, this daemon goes on, with everything closed
            self._exits, self._closed_reason = {}, AWAY
            return
        self._exits = {(offer.provider, offer.model): offer for offer in offers if offer.available}
        self._spent = {
            (offer.provider, offer.model): self._until(offer) for offer in offers if offer.spent_ms and offer.available
        }
        self._resting = frozenset(
            (offer.provider, offer.model) for offer in offers if offer.unavailable_reason == "breaker"
        )
        self._closed_reason = (
            ""
            if self._exits
            else "the egress agent lets nothing out (locked down, its log in doubt, or every provider down)"
        )

    def _until(self, offer: ProviderModel) -> Spent:
        """Until when; the same value again where the agent tells of the same moment, so that nothing seems changed."""
        until_unix_ms = self._unix_ms() + offer.spent_ms
        before = self._spent.get((offer.provider, offer.model))
        if before and before.of == offer.spent_of and abs(before.until_unix_ms - until_unix_ms) <= JITTER_MS:
            return before
        return Spent(offer.spent_of, until_unix_ms)

    async def run(self) -> None:
        """Ask for as long as the daemon lives; goes into its owner's TaskGroup."""
        while True:
            await self.ask()
            await asyncio.sleep(ASK_EVERY_S)


class NoExits:
    """A node without an agent: nothing leaves, and there is no log to read."""

    closed_reason = "this node has no egress agent"
    connection = ""

    def exit(self, provider: str, model: str) -> ProviderModel | None:
        """None: nothing is reached."""
        return None

    def is_resting(self, provider: str, model: str) -> bool:
        """No: nothing is listed."""
        return False

    def spent(self, provider: str, model: str) -> Spent | None:
        """None: nothing is listed."""
        return None

    async def send(
        self, payload: Deidentified, terms: Terms, deadline_ms: int
    ) -> AsyncGenerator[TextDelta | ToolCallDelta | Sent, None]:
        """Refuse."""
        raise _no_agent()
        yield  # type: ignore[unreachable]  # makes this a generator, as the Protocol asks

    async def lockdown(self) -> LockdownFacts:
        """On: nothing leaves."""
        return LockdownFacts(on=True, reason=self.closed_reason)

    async def apply_lockdown(self, *, on: bool, reason: str, by: str, word: OperatorWord) -> LockdownFacts:
        """Refuse."""
        raise _no_agent()

    async def rotate_key(self, provider: str, *, by: str) -> RotatedKey:
        """Refuse."""
        raise _no_agent()

    async def entries(self, query: EntryQuery, *, follow: bool) -> AsyncIterator[tuple[int, bytes]]:
        """Refuse."""
        raise _no_agent()
        yield  # type: ignore[unreachable]  # likewise

    async def entry(self, index: int, tree_size: int) -> EntryProof:
        """Refuse."""
        raise _no_agent()

    async def checkpoint(self) -> str:
        """Refuse."""
        raise _no_agent()

    async def consistency(self, old_size: int, new_size: int) -> tuple[tuple[bytes, ...], str]:
        """Refuse."""
        raise _no_agent()

    def witnessed(self) -> str:
        """Nothing was witnessed."""
        return ""


def _no_agent() -> Unavailable:
    return Unavailable(
        "This node has no egress agent: nothing leaves, and there is no log. Add [agent].", reason="no_agent"
    )
