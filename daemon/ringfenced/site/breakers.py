"""The breakers of this process: for each provider's model, kind of request and trouble one a caller and one a tenant.

    a caller's   opens by what that caller meets                                and keeps that caller's requests away
    a tenant's   opens by the same, once a second caller of the tenant meets it        those of the whole tenant
    two tenants' open for the same trouble: plainly the target's                       everybody's

So what a single caller's requests bring about, whatever is in them, keeps nobody else away, and what a single tenant
meets no other tenant.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from ringfenced.model import Target
from ringfenced.schedule.breaker import NEW, Breaker, Rule, answered, failed, tried, untold, wait_s
from ringfenced.schedule.trouble import RULES, TOLD, Told, Trouble

TENANTS_SHARED: Final = 2
"""So many tenants' open breakers close a target to everybody."""

TOLD_S: Final = 0.5
"""How old the time may be that a reason tells, in seconds."""

CALLERS_MAX: Final = 10_000
"""Callers whose breakers are kept, of those that met something; the one that came first is forgotten."""

_NONE: Final[Mapping[Target, str]] = MappingProxyType({})


class Route(NamedTuple):
    """What is guarded, and for whom."""

    target: Target
    """The target."""
    action: str
    """``generate`` or ``embed``: a provider may fail at the one and do the other."""
    tenant: str
    """Whose requests."""
    caller: str
    """Which caller's of that tenant; empty for all of them."""

    def shared(self) -> Route:
        """The same for the whole tenant."""
        return self._replace(caller="")


_Kept = dict[tuple[Route, Trouble], Breaker]


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
        self._shared: _Kept = {}
        self._own: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        """Callers' own, by tenant and caller."""
        self._closed: dict[tuple[str, str, str], tuple[float, Mapping[Target, str]]] = {}
        """What was found closed, by kind of request, tenant and caller, until something happens."""

    def closed(self, action: str, tenant: str, caller: str) -> Mapping[Target, str]:
        """Targets that are kept from a caller's requests of a kind now, with the reason."""
        if not self._shared and not self._own:
            return _NONE
        now_s = self._clock()
        known = self._closed.get((action, tenant, caller))
        if known is None or now_s >= known[0]:
            known = self._closed[action, tenant, caller] = self._find(action, tenant, caller, now_s)
        return known[1]

    def begin(self, route: Route) -> str:
        """Let a request go and return nothing, or say why it may not; the first after a rest is the trial."""
        if (reason := self.closed(route.action, route.tenant, route.caller).get(route.target)) is not None:
            return reason
        now_s = self._clock()
        for key, breaker in self._of(route):
            self._keep(key, tried(breaker, now_s))
        return ""

    def answered(self, route: Route) -> None:
        """A request was answered."""
        for key, breaker in self._of(route):
            self._keep(key, answered(breaker))

    def failed(self, route: Route, told: Told) -> str:
        """A request failed for the target's sake; whose breaker that opened: ``tenant``, ``caller`` or nobody's."""
        self.untold(route, besides=told.trouble)
        rule = RULES[told.trouble]
        for_all = self._opens(route.shared(), rule, told, route.caller)
        for_one = self._opens(route, replace(rule, callers_min=1), told, route.caller)
        if not for_all and not for_one:
            return ""
        self._opened[route.target, str(told.trouble)] += 1
        return "tenant" if for_all else "caller"

    def _opens(self, route: Route, rule: Rule, told: Told, caller: str) -> bool:
        key = (route, told.trouble)
        before = self._kept(route).get(key, NEW)
        now_s = self._clock()
        after = failed(before, rule, caller=caller, now_s=now_s, drawn=self._draw(), asked_s=told.asked_s)
        self._keep(key, after)
        return after.rests != before.rests

    def untold(self, route: Route, *, besides: Trouble | None = None) -> None:
        """A request ended and told nothing, but of one kind of trouble perhaps."""
        now_s = self._clock()
        for key, breaker in self._of(route):
            if key[1] is not besides:
                self._keep(key, untold(breaker, now_s))

    def open(self) -> Mapping[tuple[Target, str], int]:
        """To how many tenants, or to a caller of theirs, each target is closed now, by trouble.

        May be called by another thread.
        """
        now_s = self._clock()
        breakers = [one for kept in (self._shared, *self._own.copy().values()) for one in tuple(kept.items())]
        tenants = {
            (route.target, str(trouble), route.tenant) for (route, trouble), one in breakers if wait_s(one, now_s)
        }
        return Counter((target, trouble) for target, trouble, _ in tenants)

    def opened(self) -> Mapping[tuple[Target, str], int]:
        """How often a breaker opened, by target and trouble; may be called by another thread."""
        return dict(self._opened)

    def _find(self, action: str, tenant: str, caller: str, now_s: float) -> tuple[float, Mapping[Target, str]]:
        """What is closed, and until when that holds if nothing happens."""
        until_s = now_s + TOLD_S
        found: dict[Target, tuple[float, Trouble, bool]] = {}
        tenants: Counter[tuple[Target, Trouble]] = Counter()
        for (route, trouble), breaker in (*self._shared.items(), *self._own.get((tenant, caller), {}).items()):
            rest_s, is_own = wait_s(breaker, now_s), bool(route.caller)
            if route.action != action or not rest_s:
                continue
            until_s = min(until_s, breaker.until_s)
            tenants[route.target, trouble] += not is_own
            if route.tenant == tenant or tenants[route.target, trouble] >= TENANTS_SHARED:
                found[route.target] = max(found.get(route.target, (0.0, trouble, False)), (rest_s, trouble, is_own))
        return until_s, {target: _reason(*why) for target, why in found.items()}

    def _of(self, route: Route) -> list[tuple[tuple[Route, Trouble], Breaker]]:
        """The caller's breakers and the tenant's."""
        if not self._shared and not self._own:  # mostly
            return []
        keys = [(each, trouble) for each in (route, route.shared()) for trouble in Trouble]
        return [(key, breaker) for key in keys if (breaker := self._kept(key[0]).get(key)) is not None]

    def _kept(self, route: Route) -> _Kept:
        return self._own.get((route.tenant, route.caller), {}) if route.caller else self._shared

    def _keep(self, key: tuple[Route, Trouble], breaker: Breaker) -> None:
        self._closed.clear()
        route, kept = key[0], self._kept(key[0])
        if breaker == NEW:
            kept.pop(key, None)
        else:
            kept[key] = breaker
        if not route.caller:
            return
        who = (route.tenant, route.caller)
        if kept:
            self._own[who] = kept
        else:
            self._own.pop(who, None)
        if len(self._own) > CALLERS_MAX:
            self._own.popitem(last=False)


def _reason(rest_s: float, trouble: Trouble, is_own: bool) -> str:
    return f"left alone for another {rest_s:.1f} s{' by this caller' if is_own else ''}, for {TOLD[trouble]}"
