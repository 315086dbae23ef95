"""What earlier turns leave: labels, sources, where the last one ran, and idempotency keys; bounded, without content.

A label can only rise, and sources only join, while a conversation or run lives, which is for an hour after its last
turn at least. Where a caller leaves more than there is room for, its own oldest go (`shares`), and until their hour is
over whatever it names that is not known counts as all of them: nobody can push a label out, his own or another's, to
lower it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ringfence.labels import join
from ringfenced.errors import InvalidRequest
from ringfenced.model import Caller, Inherited, Request
from ringfenced.store.shares import Shares

KEEP_S = 3600.0
"""How long an idempotency key is remembered, in seconds, as inference.proto promises, and labels at least."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What turns left, and since when."""

    labels: Inherited
    left_s: float


class LabelMemory:
    """What requests of one caller must know of those before them. For one event loop."""

    def __init__(self, clock: Callable[[], float], *, entries_max: int = 100_000) -> None:
        """Begin empty.

        Args:
            clock: monotonic seconds.
            entries_max: conversations and runs remembered, and keys likewise; callers share them.
        """
        self._clock = clock
        self._labels: Shares[tuple[str, str], _Left] = Shares(entries_max)
        self._pushed_out: dict[str, _Left] = {}
        self._keys: Shares[str, float] = Shares(entries_max)

    async def inherited(self, caller: Caller, request: Request) -> Inherited:
        """The join of what this conversation's and this run's earlier turns were labelled."""
        if not request.conversation_id and not request.run_id:
            return Inherited()
        earlier = [self._earlier(caller, thread) for thread in _threads(request)]
        last = next((turn for turn in earlier if turn.target is not None), Inherited())  # a conversation before a run
        return Inherited(
            join(e.label for e in earlier),
            join(e.label_asserted for e in earlier),
            last.target,
            last.chars,
            frozenset[str]().union(*(e.sources for e in earlier)),
        )

    async def remember(self, caller: Caller, request: Request, turn: Inherited) -> None:
        """Keep this turn's labels for the turns that follow.

        Raises:
            InvalidRequest: a request with this idempotency key was taken within the last hour.
        """
        if request.idempotency_key:
            self._take_key(caller, request.idempotency_key)
        now_s = self._clock()
        for thread in _threads(request):
            labels = _joined(self._earlier(caller, thread), turn)
            for identity, left in self._labels.put(caller.identity, thread, _Left(labels, now_s)):
                self._push_out(identity, left)

    def _earlier(self, caller: Caller, thread: tuple[str, str]) -> Inherited:
        if (left := self._labels.get(caller.identity, thread)) is not None:
            return left.labels
        pushed_out = self._pushed_out.get(caller.identity)
        return pushed_out.labels if pushed_out is not None and self._is_young(pushed_out) else Inherited()

    def _push_out(self, identity: str, left: _Left) -> None:
        if self._is_young(left):
            before = self._pushed_out.get(identity)
            floor = before.labels if before is not None and self._is_young(before) else Inherited()
            labels = replace(_joined(floor, left.labels), target=None, chars=0)
            self._pushed_out[identity] = _Left(labels, left.left_s)  # the oldest go first: this is the youngest of them

    def _is_young(self, left: _Left) -> bool:
        return self._clock() - left.left_s <= KEEP_S

    def _take_key(self, caller: Caller, key: str) -> None:
        now_s = self._clock()
        self._keys.drop(caller.identity, lambda taken_s: taken_s < now_s - KEEP_S)
        if self._keys.get(caller.identity, key) is not None:
            raise InvalidRequest(
                "idempotency_key: a request with this key was taken within the last hour; it was not run again. "
                "Use a new key for a new request.",
                reason="duplicate_request",
                input_path="idempotency_key",
            )
        self._keys.put(caller.identity, key, now_s)


def _threads(request: Request) -> tuple[tuple[str, str], ...]:
    threads = (("conversation", request.conversation_id), ("run", request.run_id))
    return tuple((kind, name) for kind, name in threads if name)


def _joined(earlier: Inherited, turn: Inherited) -> Inherited:
    """The labels and sources of both, and where the later one ran."""
    return Inherited(
        join((earlier.label, turn.label)),
        join((earlier.label_asserted, turn.label_asserted)),
        turn.target,
        turn.chars,
        earlier.sources | turn.sources,
    )
