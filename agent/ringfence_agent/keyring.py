"""The providers' keys together, and how one is read anew: the log says so first, then it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from ringfence_agent.entry import Kind
from ringfence_agent.journal import Journal
from ringfence_agent.keys import Key, KeyUnreadable, fingerprint

_READ_S_MAX: Final = 4.0
"""How long a key's place may take to give it; the daemon waits for 5 s."""


class NoSuchKey(LookupError):
    """The agent has no such provider."""


class Rotated(NamedTuple):
    """What was rotated."""

    before: str
    """Keyed fingerprint of the key until now."""
    now: str
    """Keyed fingerprint of the key from now on."""


class KeyRing:
    """Every provider's key. For one event loop."""

    def __init__(self, keys: Mapping[str, Key], journal: Journal, secret: bytes) -> None:
        """Wire.

        Args:
            keys: by provider.
            journal: the egress log, running.
            secret: what fingerprints are keyed with; without it they say nothing.
        """
        self._keys = keys
        self._journal = journal
        self._secret = secret
        self._one_at_a_time = asyncio.Lock()

    async def rotate(self, provider: str, caller: str) -> Rotated:
        """Read a provider's key anew and use it from now on. Requests in flight go on with the one that they have.

        Args:
            provider: whose key.
            caller: pseudonym of the operator who asks.

        Raises:
            NoSuchKey: the agent has no such provider.
            KeyUnreadable: there is no key where it should lie, in time; the one until now stays in use.
            LogError: the log cannot be written; the one until now stays in use.
        """
        if provider not in self._keys:
            raise NoSuchKey(f"the agent's configuration has no provider {provider}")
        key = self._keys[provider]
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_READ_S_MAX):
                    fresh = await asyncio.to_thread(key.read)
            except TimeoutError:
                text = f"provider {provider}: the place of its key gives nothing within {_READ_S_MAX:.0f} s"
                raise KeyUnreadable(text) from None
            rotated = Rotated(key.fingerprint(self._secret), fingerprint(fresh, self._secret))
            said = {"provider": provider, "caller": caller, "fingerprint": rotated.now}
            durable = self._journal.submit(Kind.KEY, said)
            # Also when the one who asked hangs up meanwhile: what the log says holds.
            durable.add_done_callback(lambda done: _use(key, fresh, done))
            await asyncio.shield(durable)
        return rotated


def _use(key: Key, fresh: str, done: asyncio.Future[int]) -> None:
    """Use a key once the log says so."""
    if not done.cancelled() and done.exception() is None:
        key.use(fresh)
