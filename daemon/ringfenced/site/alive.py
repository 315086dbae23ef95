"""What the watchdog asks of a process that serves: to decide a plan that never changes.

It goes the way of every request as far as nothing is held or run: caller, recognisers, labels of earlier turns, wallet
(over the link, where the supervisor is another process), targets with the state of their engines, policy, decision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from ringfenced.errors import RingfenceError
from ringfenced.model import Caller, CallerRole, Message, Priority, Prompt, Request, Role, Text

REQUEST: Final = Request("watchdog", Prompt((Message(Role.USER, (Text("Are you well?"),)),)), priority=Priority.BATCH)
"""Holds nothing that anybody said."""

Plan = Callable[[Request, str | None], Awaitable[object]]
"""`flow.Flow.plan`."""


def whose(callers: Iterable[Caller]) -> str | None:
    """The identity that the question is asked for: the first, by name, that may ask; None where nobody may."""
    return min((caller.identity for caller in callers if CallerRole.CALLER in caller.roles), default=None)


def deciding(plan: Plan, identity: str | None) -> Callable[[], Awaitable[str]]:
    """The question.

    Args:
        plan: decides, and runs nothing.
        identity: for whom; None where nobody may ask, so that nothing but the loop's turning can be told.

    Returns:
        What to ask (`ringfence.watchdog.Pulse`). A typed error is an answer like any other: what is closed, spent or
        away is the health checks' to tell, and starting the process again would mend none of it.
    """

    async def ask() -> str:
        if identity is not None:
            with suppress(RingfenceError):
                await plan(REQUEST, identity)
        return ""

    return ask
