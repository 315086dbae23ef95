"""What left for each provider in the last minute: open ends alone, in memory alone, and no more of them than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from ringfence_agent import ends
from ringfence_agent.ends import Ends

REMEMBERED_MS: Final = 60_000
PAYLOADS_MAX: Final = 128
"""Of one provider; a daemon that sends more between the halves is not seen through. Bounds what a look costs."""


class Recent:
    """The memory. For one event loop; it holds content, so nothing of it is ever printed or written."""

    def __init__(self) -> None:
        """Nothing left yet: halves on both sides of a restart are not read together."""
        self._left: dict[str, deque[tuple[int, Ends]]] = {}

    def together(self, provider: str, after: Ends, now_ms: int) -> Iterator[str]:
        """Texts that show something only with what left before; to be scanned like the payload's own.

        Args:
            provider: where the payload would go.
            after: its open ends.
            now_ms: any clock that does not go back.
        """
        if after != Ends():
            yield from ends.across((kept for _, kept in self._fresh(provider, now_ms)), after)

    def keep(self, provider: str, left: Ends, now_ms: int) -> None:
        """Remember what is about to leave."""
        if left != Ends():
            self._fresh(provider, now_ms).append((now_ms, left))

    def _fresh(self, provider: str, now_ms: int) -> deque[tuple[int, Ends]]:
        """What is remembered of a provider, the old gone."""
        kept = self._left.setdefault(provider, deque(maxlen=PAYLOADS_MAX))
        while kept and now_ms - kept[0][0] > REMEMBERED_MS:
            kept.popleft()
        return kept
