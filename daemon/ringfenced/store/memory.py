"""What earlier turns leave: their labels, where the last one ran, and idempotency keys; bounded, without content.

A conversation's label can only rise while it lives. One that was pushed out by the bound would start anew; its earlier
turns travel in the next request's messages and are scanned again, so that only what a caller asserted is lost.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ringfence.labels import join
from ringfenced.errors import InvalidRequest
from ringfenced.model import Caller, Inherited, Request

KEEP_S = 3600.0
"""How long an idempotency key is remembered, in seconds, as inference.proto promises."""


class LabelMemory:
    """What requests of one caller must know of those before them. For one event loop."""

    def __init__(self, clock: Callable[[], float], *, entries_max: int = 100_000) -> None:
        """Begin empty.

        Args:
            clock: monotonic seconds.
            entries_max: conversations and keys remembered; the longest unused go first.
        """
        self._clock = clock
        self._entries_max = entries_max
        self._labels: OrderedDict[tuple[str, str, str], Inherited] = OrderedDict()
        self._keys: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def inherited(self, caller: Caller, request: Request) -> Inherited:
        """The join of what this conversation's and this run's earlier turns were labelled."""
        if not request.conversation_id and not request.run_id:
            return Inherited()
        earlier = [self._labels.get(key, Inherited()) for key in self._threads(caller, request)]
        last = next((turn for turn in earlier if turn.target is not None), Inherited())  # a conversation before a run
        return Inherited(
            join(e.label for e in earlier), join(e.label_asserted for e in earlier), last.target, last.chars
        )

    async def remember(self, caller: Caller, request: Request, turn: Inherited) -> None:
        """Keep this turn's labels for the turns that follow.

        Raises:
            InvalidRequest: a request with this idempotency key was taken within the last hour.
        """
        if request.idempotency_key:
            self._take_key(caller, request.idempotency_key)
        for key in self._threads(caller, request):
            earlier = self._labels.get(key, Inherited())
            self._labels[key] = Inherited(
                join((earlier.label, turn.label)),
                join((earlier.label_asserted, turn.label_asserted)),
                turn.target,
                turn.chars,
            )
            self._labels.move_to_end(key)
            if len(self._labels) > self._entries_max:
                self._labels.popitem(last=False)

    def _take_key(self, caller: Caller, key: str) -> None:
        now_s = self._clock()
        while self._keys and next(iter(self._keys.values())) < now_s - KEEP_S:
            self._keys.popitem(last=False)
        if (caller.identity, key) in self._keys:
            raise InvalidRequest(
                "idempotency_key: a request with this key was taken within the last hour; it was not run again. "
                "Use a new key for a new request.",
                reason="duplicate_request",
                input_path="idempotency_key",
            )
        self._keys[caller.identity, key] = now_s
        if len(self._keys) > self._entries_max:
            self._keys.popitem(last=False)

    @staticmethod
    def _threads(caller: Caller, request: Request) -> tuple[tuple[str, str, str], ...]:
        threads = (("conversation", request.conversation_id), ("run", request.run_id))
        return tuple((caller.identity, kind, name) for kind, name in threads if name)
