"""The breakers of this process: for each provider's model, kind of request, trouble and tenant one.

A tenant's breaker keeps that tenant's requests away. Where the breakers of `TENANTS_SHARED` tenants are open for the
same trouble, it is plainly the target's, and everybody is kept away; what a single tenant meets keeps nobody else away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ringfenced.model import Target
from ringfenced.schedule.breaker import NEW, Breaker, answered, failed, tried, untold, wait_s
from ringfenced.schedule.trouble import RULES, TOLD, Told, Trouble

TENANTS_SHARED: Final = 2
"""So many tenants' open breakers close a target to everybody."""

TOLD_S: Final = 0.5
"""How old the time may be that a reason tells, in seconds."""

_NONE: Final[Mapping[Target, str]] = MappingProxyType({})


class Route(NamedTuple):
    """What is guarded, and for whom."""

    target: Target
    """The target."""
    action: str
    """``generate`` or ``embed``: a provider may fail at the one and do the other."""
    tenant: str
    """Whose requests."""


class Breakers:
    """All breakers that have met a failure. For one event loop."""

    def __init__(self, clock: Callable[[], float], draw: Callable[[], float]) -> None:
        """Begin with all closed.

        Args:
            clock: monotonic seconds.
            draw: evenly from 0 to 1.
        """
        self._clock = clock
        self._draw = draw
        self._opened: Counter[tuple[Target, str]] = Counter()
        self._breakers: dict[tuple[Route, Trouble], Breaker] = {}
        self._closed: dict[tuple[str, str], tuple[float, Mapping[Target, str]]] = {}
        """What was found closed, by kind of request and tenant, until something happens."""

    def closed(self, action: str, tenant: str) -> Mapping[Target, str]:
        """Targets that are kept from a tenant's requests of a kind now, with the reason."""
        if not self._breakers:
            return _NONE
        now_s = self._clock()
        known = self._closed.get((action, tenant))
        if known is None or now_s >= known[0]:
            known = self._closed[action, tenant] = self._find(action, tenant, now_s)
        return known[1]

    def begin(self, route: Route) -> str:
        """Let a request go and return nothing, or say why it may not; the first after a rest is the trial."""
        if (reason := self.closed(route.action, route.tenant).get(route.target)) is not None:
            return reason
        now_s = self._clock()
        for key, breaker in self._of(route):
            self._keep(key, tried(breaker, now_s))
        return ""

    def answered(self, route: Route) -> None:
        """A request was answered."""
        for key, breaker in self._of(route):
            self._keep(key, answered(breaker))

    def failed(self, route: Route, told: Told, caller: str) -> bool:
        """A request failed for the target's sake; whether that opened a breaker."""
        now_s = self._clock()
        self.untold(route, besides=told.trouble)
        key = (route, told.trouble)
        before = self._breakers.get(key, NEW)
        after = failed(
            before, RULES[told.trouble], caller=caller, now_s=now_s, drawn=self._draw(), asked_s=told.asked_s
        )
        self._keep(key, after)
        if after.rests == before.rests:
            return False
        self._opened[route.target, str(told.trouble)] += 1
        return True

    def untold(self, route: Route, *, besides: Trouble | None = None) -> None:
        """A request ended and told nothing, but of one kind of trouble perhaps."""
        now_s = self._clock()
        for key, breaker in self._of(route):
            if key[1] is not besides:
                self._keep(key, untold(breaker, now_s))

    def open(self) -> Mapping[tuple[Target, str], int]:
        """To how many tenants each target is closed now, by trouble; may be called by another thread."""
        now_s = self._clock()
        breakers = tuple(self._breakers.items())
        tenants = {
            (route.target, str(trouble), route.tenant) for (route, trouble), one in breakers if wait_s(one, now_s)
        }
        return Counter((target, trouble) for target, trouble, _ in tenants)

    def opened(self) -> Mapping[tuple[Target, str], int]:
        """How often a breaker opened, by target and trouble; may be called by another thread."""
        return dict(self._opened)

    def _find(self, action: str, tenant: str, now_s: float) -> tuple[float, Mapping[Target, str]]:
        """What is closed, and until when that holds if nothing happens."""
        until_s = now_s + TOLD_S
        found: dict[Target, tuple[float, Trouble]] = {}
        tenants: Counter[tuple[Target, Trouble]] = Counter()
        for (route, trouble), breaker in self._breakers.items():
            rest_s = wait_s(breaker, now_s)
            if route.action != action or not rest_s:
                continue
            until_s = min(until_s, breaker.until_s)
            tenants[route.target, trouble] += 1
            is_mine = route.tenant == tenant
            if is_mine or tenants[route.target, trouble] >= TENANTS_SHARED:
                found[route.target] = max(found.get(route.target, (0.0, trouble)), (rest_s, trouble))
        return until_s, {target: _reason(rest_s, trouble) for target, (rest_s, trouble) in found.items()}

    def _of(self, route: Route) -> list[tuple[tuple[Route, Trouble], Breaker]]:
        if not self._breakers:  # mostly
            return []
        return [
            (key, self._breakers[key]) for key in ((route, trouble) for trouble in Trouble) if key in self._breakers
        ]

    def _keep(self, key: tuple[Route, Trouble], breaker: Breaker) -> None:
        self._closed.clear()
        if breaker == NEW:
            self._breakers.pop(key, None)
        else:
            self._breakers[key] = breaker


def _reason(rest_s: float, trouble: Trouble) -> str:
    return f"left alone for another {rest_s:.1f} s, for {TOLD[trouble]}"
