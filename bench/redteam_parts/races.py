"""What only happens at the same time, or around a restart."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

from redteam_parts.canaries import words
from redteam_parts.places import plain, said
from redteam_parts.rogue import Rogue
from redteam_parts.way import Attempt
from ringfence.v1 import egress_pb2

AT_ONCE = 100
"""Calls with one permit at the same time."""


def request(rogue: Rogue, data: bytes) -> egress_pb2.SendRequest:
    """An honest request."""
    statement, signature = rogue.signed(Attempt(data))
    return egress_pb2.SendRequest(permit=egress_pb2.Permit(statement=statement, signature=signature), payload=data)


async def one_permit(rogue: Rogue, rng: Random) -> Counter[str]:
    """One permit in many calls at once: how each ended; one may be sent."""
    asked = request(rogue, plain(rng).SerializeToString())
    ended = await asyncio.gather(*(rogue.ask(asked) for _ in range(AT_ONCE)))
    return Counter(rules[0] if rules else "sent" for rules in ended)


async def lockdown(rogue: Rogue, rng: Random) -> list[str]:
    """Egress is stopped while sends are asked for; gives the words that were asked for once the stop was told.

    Raises:
        AssertionError: one of those was not refused for it.
    """
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(rogue.ask(request(rogue, plain(rng).SerializeToString())))
        await rogue.stub.ApplyLockdown(egress_pb2.ApplyLockdownRequest(on=True, reason="drill", by_pseudonym="o1"))
        held = [words(rng) for _ in range(20)]
        ended = await asyncio.gather(*(rogue.ask(request(rogue, _said(one.text()))) for one in held))
    assert all("lockdown" in rules for rules in ended)
    await rogue.stub.ApplyLockdown(egress_pb2.ApplyLockdownRequest(on=False, reason="drill over", by_pseudonym="o1"))
    return [one.value for one in held]


def _said(text: str) -> bytes:
    payload = egress_pb2.EgressPayload()
    said(payload, text)
    return payload.SerializeToString()


def used(rogue: Rogue, rng: Random, count: int) -> list[egress_pb2.SendRequest]:
    """Requests to send once before a restart and once after it."""
    return [request(rogue, plain(rng).SerializeToString()) for _ in range(count)]


async def all_of(rogue: Rogue, asked: Sequence[egress_pb2.SendRequest]) -> list[list[str]]:
    """How each ends."""
    return list(await asyncio.gather(*(rogue.ask(one) for one in asked)))
