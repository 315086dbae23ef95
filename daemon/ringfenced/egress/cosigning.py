"""The daemon cosigns what it witnessed: the newest checkpoint that it keeps, at most once a second.

A cosignature says that nothing larger was seen at its time, so only what is durably kept, and the newest of it, is
signed. It goes back to the agent, which publishes it beside its own checkpoint; an agent that is away, or that does not
know this witness, is no reason to stop sending: auditors see the times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ringfence.cosignature import Cosigner, PrivateKey, cosign
from ringfenced.errors import RingfenceError

EVERY_S: Final = 1.0
"""A growing log is cosigned no more often."""
AGAIN_S: Final = 60.0
"""A log that does not grow is cosigned again after this long, so that its newest cosignature is never much older."""

Add = Callable[[str], Awaitable[None]]
"""Hands a cosigned checkpoint to the agent; RingfenceError where it does not take it."""


class Cosigning:
    """The keys of one witness. For one task."""

    def __init__(
        self,
        origin: str,
        name: str,
        keys: Sequence[PrivateKey],
        *,
        unix_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        """Cosign as `name`.

        Args:
            origin: the log's name.
            name: the witness's, as the agent's configuration names it; ProofError where it cannot be one.
            keys: of either kind, or both; none to cosign nothing.
            unix_ms: wall clock in milliseconds, for the cosignatures' time.
            monotonic_s: monotonic clock in seconds.
        """
        self._origin = origin
        self._name = name
        self._keys = tuple(keys)
        self._unix_ms = unix_ms
        self._monotonic_s = monotonic_s
        self._done = ""
        self._done_s = float("-inf")
        self.vkeys = tuple(Cosigner(name, key.public_key()).vkey for key in keys)
        """What the agent's `log.witnesses` must name."""
        self.failure = ""
        """Why the agent did not take the last one; empty if it did."""

    async def offer(self, newest: str, add: Add) -> None:
        """Cosign the newest checkpoint kept, if it is time to, and hand it to the agent. Raises nothing of `add`'s."""
        text, _, signatures = newest.partition("\n\n")
        age_s = self._monotonic_s() - self._done_s
        if not self._keys or not newest or age_s < (AGAIN_S if text == self._done else EVERY_S):
            return
        unix_s = self._unix_ms() // 1000
        lines = "".join(cosign(newest, self._origin, self._name, key, unix_s) for key in self._keys)
        try:
            await add(f"{text}\n\n{lines}{signatures}")
        except RingfenceError as error:
            self.failure = str(error)
        else:
            self.failure = ""
        self._done, self._done_s = text, self._monotonic_s()
