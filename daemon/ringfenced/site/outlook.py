"""What is measured of the targets: how fast they are, which of them are closed to whom.

Each process that serves requests measures for itself: what it saw is what its own requests meet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from ringfenced.errors import Unavailable
from ringfenced.inputs import Ability, Asked
from ringfenced.model import Candidate, ModelFacts, Offer, Speed, Target, TargetKind
from ringfenced.schedule.latency import Latency, Observed
from ringfenced.schedule.trouble import told_by
from ringfenced.site.breakers import Breakers, Route
from ringfenced.way import Way

_LOG = logging.getLogger("ringfenced")

FRESH_S: Final = 0.25
"""So long a change of measured times may go unnoticed, in seconds: what is decided on is compiled once a change."""
NEAR: Final = 0.05
"""A change by less than this part is none."""
NEAR_MS: Final = 5.0
"""Nor is one by less than so many milliseconds: of the first token, of a thousand of a prompt, of a hundred others."""
PACE_TOKENS_MIN: Final = 8
"""An answer of fewer tokens says nothing of its pace: the clock of a step is too coarse."""

_LINES: Final = ("first_token_ms", "wait_ms")
_TIMES: Final = (*_LINES, "prompt_token_ms", "token_ms")
_BUT_LINES: Final = attrgetter(*(one.name for one in fields(Offer) if one.name not in _LINES))
_BUT_TIMES: Final = attrgetter(*(one.name for one in fields(Offer) if one.name not in _TIMES))

_NONE: Final[Mapping[Target, str]] = MappingProxyType({})


class NothingMeasured:
    """Implements `nouns.Outlook` for who goes by what is configured."""

    def offers(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        """As they are."""
        return offers

    def closed(self, asked: Asked) -> Mapping[Target, str]:  # noqa: ARG002 - whoever asks
        """None."""
        return _NONE

    def begins(self, way: Way, rung: Candidate) -> None:
        """Let it."""

    def ended(self, way: Way, rung: Candidate, error: BaseException | None) -> None:
        """Forget it."""


class MeasuredOutlook:
    """Implements `nouns.Outlook`. For one event loop; metrics may be read by another thread."""

    def __init__(self, breakers: Breakers, clock: Callable[[], float]) -> None:
        """Begin with nothing measured.

        Args:
            breakers: which targets are left alone.
            clock: monotonic seconds.
        """
        self._breakers = breakers
        self._clock = clock
        self._latencies: dict[Target, Latency] = {}
        self._made: dict[Target, tuple[Offer, Speed, Offer]] = {}
        self._given: tuple[Offer, ...] = ()
        self._shown: tuple[Offer, ...] = ()
        self._made_s = float("-inf")

    def offers(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        """With measured times where there are enough; the same value until something changed that counts.

        What is on offer, and to whom, is never older than the call; times may be `FRESH_S` old.
        """
        now_s = self._clock()
        if now_s - self._made_s < FRESH_S and _is_same(offers, self._given):
            self._given = offers
            return self._shown
        shown = tuple(self._with_measured(offer, now_s) for offer in offers)
        self._given, self._made_s = offers, now_s
        if not _is_near(shown, self._shown):
            self._shown = shown
        return self._shown

    def closed(self, asked: Asked) -> Mapping[Target, str]:
        """Targets that are left alone, as far as this caller is concerned."""
        return self._breakers.closed(_action(embeds=Ability.EMBEDDINGS in asked.needs), asked.tenant, asked.caller)

    def begins(self, way: Way, rung: Candidate) -> None:
        """Let a rung begin, as the trial of its target perhaps.

        Raises:
            Unavailable: it was closed since it was decided on.
        """
        if rung.target.kind is TargetKind.PROVIDER and (reason := self._breakers.begin(_route(way, rung))):
            raise Unavailable(f"{rung.target} is {reason}. Try again later.", reason="left_alone")

    def ended(self, way: Way, rung: Candidate, error: BaseException | None) -> None:
        """Measure an answer; tell the breakers how a provider did."""
        if error is None and (observed := _observed(way, rung, self._clock())) is not None:
            self._latency_of(way.offers[rung.target]).add(observed)
        if rung.target.kind is not TargetKind.PROVIDER or way.caller is None:
            return
        route, took_ms = _route(way, rung), (self._clock() - way.rung_started_s) * 1000
        told = told_by(error, took_ms) if error is not None else None
        if told is not None:
            if whose := self._breakers.failed(route, told):
                fields = {"target": str(rung.target), "trouble": told.trouble, "tenant": route.tenant, "by": whose}
                _LOG.warning("target_left_alone", extra={"fields": fields})
        elif way.rung_first_s is not None:  # whatever ended it, there was an answer
            self._breakers.answered(route)
        else:
            self._breakers.untold(route)

    # ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────

    def measured(self) -> dict[Target, Speed]:
        """What each target was measured to take; without those of which too little is known."""
        now_s = self._clock()
        found = {target: latency.measured(now_s) for target, latency in tuple(self._latencies.items())}
        return {target: speed for target, speed in found.items() if speed is not None}

    def left_alone(self) -> Mapping[tuple[Target, str], int]:
        """To how many tenants, or to a caller of theirs, each target is closed, by trouble."""
        return self._breakers.open()

    def opened(self) -> Mapping[tuple[Target, str], int]:
        """How often a breaker of each target opened, by trouble."""
        return self._breakers.opened()

    def with_measured(self, models: tuple[ModelFacts, ...]) -> tuple[ModelFacts, ...]:
        """An operator's list with what was measured beside what is configured."""
        speeds = {_name_of(target): speed for target, speed in self.measured().items()}
        closed: dict[tuple[TargetKind, str, str], list[str]] = {}
        for (target, trouble), tenants in self.left_alone().items():
            closed.setdefault(_name_of(target), []).append(f"{trouble} for {tenants} tenant{'s' * (tenants > 1)}")
        names = [(one.kind, one.name, one.engine if one.kind is TargetKind.PROVIDER else "") for one in models]
        return tuple(
            replace(one, measured=speeds.get(name), closed=tuple(closed.get(name, ())))
            for one, name in zip(models, names, strict=True)
        )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _latency_of(self, offer: Offer) -> Latency:
        latency = self._latencies.get(offer.target)
        if latency is None:  # nothing is measured of it yet, so that the offer says what is configured
            latency = Latency(prompt_token_ms=offer.prompt_token_ms, token_ms=offer.token_ms)
            self._latencies[offer.target] = latency
        return latency

    def _with_measured(self, offer: Offer, now_s: float) -> Offer:
        latency = self._latencies.get(offer.target)
        speed = latency.measured(now_s) if latency is not None else None
        if speed is None:
            return offer
        of, by, made = self._made.get(offer.target, (None, None, offer))
        if of is not offer or by is not speed:
            made = replace(
                offer,
                first_token_ms=speed.first_token_ms + offer.wait_ms,
                prompt_token_ms=speed.prompt_token_ms,
                token_ms=speed.token_ms,
            )
            self._made[offer.target] = (offer, speed, made)
        return made


def _observed(way: Way, rung: Candidate, now_s: float) -> Observed | None:
    """What an answer shows of its target's speed; None where it shows nothing.

    A local engine's own clock begins when it takes the request, so that loading is not in it and the line before it is;
    what of the line was expected is in the offer and taken away. A provider's begins with de-identification.
    """
    if way.finish is None or way.rung_first_s is None:
        return None
    usage, offer = way.finish.usage, way.offers[rung.target]
    first_us = usage.time_to_first_token_us or (0 if usage.completion_tokens else usage.duration_us)
    if rung.target.kind is TargetKind.PROVIDER:
        first_ms = (way.rung_first_s - way.rung_started_s) * 1000
    else:
        first_ms = first_us / 1000 - offer.wait_ms
    if first_ms <= 0:
        return None
    token_ms = None
    if usage.completion_tokens >= PACE_TOKENS_MIN and usage.duration_us > first_us > 0:
        token_ms = (usage.duration_us - first_us) / 1000 / (usage.completion_tokens - 1)
    read = usage.prompt_tokens - usage.cached_tokens if usage.prompt_tokens else rung.estimate.prompt_tokens
    return Observed(max(0, read), first_ms, token_ms, now_s)


def _is_same(offers: tuple[Offer, ...], others: tuple[Offer, ...]) -> bool:
    """Whether two tuples of offers say the same but for the line before each."""
    if offers is others:
        return True
    return len(offers) == len(others) and all(
        one is two or _BUT_LINES(one) == _BUT_LINES(two) for one, two in zip(offers, others, strict=True)
    )


def _is_near(offers: tuple[Offer, ...], others: tuple[Offer, ...]) -> bool:
    """Whether two tuples of offers say the same, and times that hardly differ."""
    return len(offers) == len(others) and all(
        one is two
        or (
            _is_close(one.first_token_ms, two.first_token_ms)
            and _is_close(one.prompt_token_ms * 1000, two.prompt_token_ms * 1000)
            and _is_close(one.token_ms * 100, two.token_ms * 100)
            and _BUT_TIMES(one) == _BUT_TIMES(two)
        )
        for one, two in zip(offers, others, strict=True)
    )


def _is_close(one_ms: float, two_ms: float) -> bool:
    return abs(one_ms - two_ms) <= max(NEAR_MS, NEAR * two_ms)


def _action(*, embeds: bool) -> str:
    return "embed" if embeds else "generate"


def _route(way: Way, rung: Candidate) -> Route:
    assert way.caller is not None
    return Route(rung.target, _action(embeds=way.request.prompt.embeds), way.caller.tenant, way.caller.identity)


def _name_of(target: Target) -> tuple[TargetKind, str, str]:
    return target.kind, target.model, target.provider
