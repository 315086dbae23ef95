"""Quotas: how much may leave in any stretch of time, for each caller, department and provider. No I/O.

    reserve    before the intent: all quotas have room, and it is taken; or the first that has none
    see        what the log says: an intent makes its reservation count, an outcome brings the cost for the estimate
    release    the intent never came to be durable

A window slides in `SLICES` steps: what counts is everything in the current slice and the `SLICES` before it, a stretch
at least as long as the window, so that no stretch of the window's length ever holds more than the quota. An intent
without an outcome counts with its whole estimate.

Between `reserve` and `see` nothing else happens in one event loop but other reservations, which count too: however many
callers ask at the same time, no quota is overshot. After a crash the log is read again (`ringfence_agent.journal`), so
that nothing is forgotten and what never became durable does not count.

Time is given by whoever reserves: the agent's own, which no jump of the machine's clock moves while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

SLICES: Final = 60
"""Steps of a window."""
KEYS_MAX: Final = 200_000
"""Names that are counted at the same time; a daemon that invents more gets nothing out."""

_FORGET_EVERY_MS: Final = 1000


class Per(StrEnum):
    """Whose sends a quota counts together."""

    CALLER = "caller"
    DEPARTMENT = "department"
    PROVIDER = "provider"


class Amount(NamedTuple):
    """What is counted."""

    requests: int = 0
    bytes: int = 0
    cost_microcredits: int = 0

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(*(one + two for one, two in zip(self, other, strict=True)))

    def minus(self, other: Amount) -> Amount:
        """The one without the other."""
        return Amount(*(one - two for one, two in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit."""

    per: Per
    """Whose sends count together."""
    name: str
    """The one that it holds for; empty for each."""
    window_s: int
    """Length of the stretch of time, in seconds."""
    requests_max: int | None
    """Most sends; None for no limit, and so for the next two."""
    bytes_max: int | None
    """Most bytes of request bodies."""
    cost_microcredits_max: int | None
    """Most cost, in millionths of a credit."""

    def exceeded(self, amount: Amount) -> bool:
        """Whether `amount` is too much."""
        limits = (self.requests_max, self.bytes_max, self.cost_microcredits_max)
        return any(limit is not None and used > limit for limit, used in zip(limits, amount, strict=True))


class Charge(NamedTuple):
    """What one send counts for, and where."""

    names: tuple[str, str, str]
    """Caller, department, provider."""
    amount: Amount
    """How much."""
    unix_ms: int
    """When."""


class Full(NamedTuple):
    """A quota without room."""

    quota: Quota
    """Which."""
    retry_after_ms: int | None
    """When it will have room; None where it never has."""


Key = tuple[str, str, int]
"""Whose: what is counted per, the name, and the window in seconds."""


class Quotas:
    """The quotas of one agent; a fold of its log. For one event loop."""

    def __init__(self, quotas: Iterable[Quota]) -> None:
        """Begin with nothing used."""
        self._quotas = tuple(quotas)
        self._windows = frozenset((quota.per, quota.window_s) for quota in self._quotas)
        self._used: dict[Key, dict[int, Amount]] = {}
        self._reserved: dict[str, Charge] = {}
        self._reserved_sums: dict[Key, Amount] = {}
        self._open: dict[int, Charge] = {}
        self._forgot_unix_ms = 0

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def reserve(self, permit_sha256: str, charge: Charge) -> Full | None:
        """Take the room that a send needs, in every quota; or the first that has none, and nothing is taken.

        Args:
            permit_sha256: names the send until its intent is durable.
            charge: what it counts for.
        """
        keys = self._keys(charge)
        if len(self._used) + len(keys) > KEYS_MAX:
            self._forget(charge.unix_ms)
        for quota in self._quotas:
            name = charge.names[_PLACE[quota.per]]
            if quota.name not in ("", name):
                continue
            key = (quota.per.value, name, quota.window_s)
            too_many = key not in self._used and len(self._used) >= KEYS_MAX
            if too_many or quota.exceeded(self._sum(key, charge.unix_ms).plus(charge.amount)):
                return Full(quota, self._wait_ms(quota, key, charge))
        self._reserved[permit_sha256] = charge
        for key in keys:
            self._reserved_sums[key] = self._reserved_sums.get(key, Amount()).plus(charge.amount)
        return None

    def release(self, permit_sha256: str) -> None:
        """Give back what was reserved for a send whose intent is not, and will not be, in the log."""
        charge = self._reserved.pop(permit_sha256, None)
        if charge is None:
            return
        for key in self._keys(charge):
            rest = self._reserved_sums[key].minus(charge.amount)
            if any(rest):
                self._reserved_sums[key] = rest
            else:
                del self._reserved_sums[key]

    def wait_ms(self, provider: str, unix_ms: int) -> int:
        """How long a provider's own quotas have no room for even the smallest send, in milliseconds; 0 where they have.

        Args:
            provider: whose.
            unix_ms: now, by the clock of `reserve`.
        """
        least = Charge(("", "", provider), Amount(requests=1, bytes=1), unix_ms)
        waits = [0]
        for quota in self._quotas:
            if quota.per is Per.PROVIDER and quota.name in ("", provider):
                key = (quota.per.value, provider, quota.window_s)
                if quota.exceeded(self._sum(key, unix_ms).plus(least.amount)):
                    waits.append(self._wait_ms(quota, key, least) or _slice_ms(quota.window_s))
        return max(waits)

    # ── the log's fold ───────────────────────────────────────────────────────────────────────────────────────────────

    def see(self, index: int, record: Mapping[str, Any]) -> None:
        """Take in one durable entry."""
        match record["kind"]:
            case "intent":
                permit = str(record.get("permit_sha256", ""))
                charge = self._reserved.get(permit) or _charge(record)
                self.release(permit)
                self._add(charge, charge.amount)
                self._open[index] = charge
            case "outcome" if (intent := self._open.pop(record.get("intent", -1), None)) is not None:
                cost = record.get("cost_microcredits", intent.amount.cost_microcredits)
                self._add(intent, Amount(0, 0, cost - intent.amount.cost_microcredits))
            case _:
                pass

    def dump(self) -> object:
        """What is durable, as JSON; reservations are not."""
        used = [[*key, [[piece, *amount] for piece, amount in slices.items()]] for key, slices in self._used.items()]
        windows = sorted([per.value, window_s] for per, window_s in self._windows)
        open_charges = [[index, *_flat(charge)] for index, charge in self._open.items()]
        return {"windows": windows, "used": used, "open": open_charges}

    def load(self, value: Any) -> None:
        """Begin with what `dump` gave; what no quota counts any more is left out.

        Raises:
            ValueError: a window of today was not counted then; only the log itself can tell what it holds.
        """
        if not self._windows <= {(per, window_s) for per, window_s in value["windows"]}:
            raise ValueError("a quota's window that was not counted")
        self._used = {
            (per, name, window_s): {piece: Amount(*amount) for piece, *amount in slices}
            for per, name, window_s, slices in value["used"]
            if (per, window_s) in self._windows
        }
        self._open = {index: _unflat(flat) for index, *flat in value["open"]}

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keys(self, charge: Charge) -> list[Key]:
        """Where a charge counts."""
        return [(per.value, charge.names[_PLACE[per]], window_s) for per, window_s in self._windows]

    def _add(self, charge: Charge, amount: Amount) -> None:
        """Count `amount` where and when `charge` does."""
        for key in self._keys(charge):
            slices = self._used.setdefault(key, {})
            piece = charge.unix_ms // _slice_ms(key[2])
            slices[piece] = slices.get(piece, Amount()).plus(amount)
            for old in [old for old in slices if old < piece - SLICES]:
                del slices[old]

    def _sum(self, key: Key, unix_ms: int) -> Amount:
        """What counts at a time, reservations included."""
        oldest = unix_ms // _slice_ms(key[2]) - SLICES
        total = self._reserved_sums.get(key, Amount())
        for piece, amount in self._used.get(key, {}).items():
            if piece >= oldest:
                total = total.plus(amount)
        return total

    def _wait_ms(self, quota: Quota, key: Key, charge: Charge) -> int | None:
        """When enough of what counts now has left the window; None where the send alone is too much."""
        if quota.exceeded(charge.amount):
            return None
        slice_ms = _slice_ms(quota.window_s)
        for piece in sorted(self._used.get(key, {})):
            later = (piece + SLICES + 1) * slice_ms
            if later > charge.unix_ms and not quota.exceeded(self._sum(key, later).plus(charge.amount)):
                return later - charge.unix_ms
        return slice_ms

    def _forget(self, unix_ms: int) -> None:
        """Drop the names of which nothing counts any more; at most once a second, for it looks at all of them."""
        if abs(unix_ms - self._forgot_unix_ms) < _FORGET_EVERY_MS:
            return
        self._forgot_unix_ms = unix_ms
        for key in list(self._used):
            if not any(self._sum(key, unix_ms)):
                del self._used[key]


_PLACE: Final[Mapping[Per, int]] = {Per.CALLER: 0, Per.DEPARTMENT: 1, Per.PROVIDER: 2}
"""Where a charge's names hold whose name it is."""


def _slice_ms(window_s: int) -> int:
    """Length of a window's step."""
    return window_s * 1000 // SLICES


def _charge(record: Mapping[str, Any]) -> Charge:
    """What an intent counts for, by its entry."""
    names = (str(record.get("caller", "")), str(record.get("department", "")), str(record.get("provider", "")))
    amount = Amount(1, record.get("bytes_out", 0), record.get("cost_microcredits_max", 0))
    return Charge(names, amount, record["time_unix_ms"])


def _flat(charge: Charge) -> list[Any]:
    """A charge as JSON."""
    return [list(charge.names), list(charge.amount), charge.unix_ms]


def _unflat(flat: Sequence[Any]) -> Charge:
    """The same back."""
    names, amount, unix_ms = flat
    caller, department, provider = names
    return Charge((caller, department, provider), Amount(*amount), unix_ms)
