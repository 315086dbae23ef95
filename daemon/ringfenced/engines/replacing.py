"""Other weights in a model's place: loaded beside the old where memory allows, else after them; no request fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from ringfenced import errors
from ringfenced.engines.board import Known, plan_of
from ringfenced.engines.launch import EngineSpec
from ringfenced.engines.place import Place
from ringfenced.model import Loading
from ringfenced.schedule.placement import impossible
from ringfenced.schedule.placement_state import Engine, Phase, Placement

HANDING_OVER = "handing over"
"""Told while the old engines end what they began."""


class Supervising(Protocol):
    """What a replacement needs of the supervisor."""

    @property
    def placement(self) -> Placement:
        """What was decided last."""
        ...

    def loading(self, name: str) -> Loading:
        """How far a model's loading is."""
        ...

    def load(self, name: str) -> Place:
        """Let a model be loaded."""
        ...

    def revise(self, known: Known, version: int) -> None:
        """Let a model have the weights of that version."""
        ...

    async def changed(self) -> None:
        """Wait for news."""
        ...


def hand_over(supervisor: Supervising, known: Known, spec: EngineSpec) -> Replacement:
    """Prepare a replacement.

    Raises:
        Unavailable: the new weights do not fit on this node.
    """
    old = supervisor.placement.plans[known.spec.name].version
    new = max(known.specs) + 1
    told = impossible(supervisor.placement, plan_of(spec, new))
    if told is not None:
        raise errors.Unavailable(
            f"The new weights do not fit on this node: {told[0]}. The old ones stay.",
            reason="no_room",
            model=known.spec.name,
            numbers=told[1],
        )
    known.specs[new] = spec
    return Replacement(supervisor, known, old, new)


class Replacement:
    """One replacement; `run` it once, in a task of its own: it goes on whoever watches."""

    def __init__(self, supervisor: Supervising, known: Known, old: int, new: int) -> None:
        """Use `hand_over`."""
        self._supervisor = supervisor
        self._known = known
        self._old = old
        self._new = new
        self._error: errors.RingfenceError | None = None
        self._done = asyncio.Event()
        self._is_handing_over = False

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._done.is_set()

    @property
    def loading(self) -> Loading:
        """How far it is."""
        now = self._supervisor.loading(self._known.spec.name)
        if self.is_done:
            return replace(now, progress=1.0, stage="ready")
        return replace(now, progress=1.0, stage=HANDING_OVER) if self._is_handing_over else now

    def result(self) -> None:
        """Raise what it failed with, if it did."""
        if self._error is not None:
            raise self._error

    async def news(self) -> None:
        """Wait until there is something new to tell."""
        await self._supervisor.changed()

    async def run(self) -> None:
        """Load the new weights, or take the old ones back; then let the old ones end."""
        name = self._known.spec.name
        self._supervisor.revise(self._known, self._new)
        try:
            with self._supervisor.load(name):
                while not any(engine.phase is Phase.READY for engine in self._engines(self._new)):
                    if (why := self._failure()) is not None:
                        self._take_back(why)
                        return
                    await self._supervisor.changed()
            self._is_handing_over = True
            while self._engines(self._old):
                await self._supervisor.changed()
        finally:
            self._done.set()

    def _engines(self, version: int) -> list[Engine]:
        name = self._known.spec.name
        engines = self._supervisor.placement.engines.values()
        return [engine for engine in engines if engine.model == name and engine.version == version]

    def _failure(self) -> str | None:
        """Why the new weights will not be loaded; None while they may."""
        placement, name = self._supervisor.placement, self._known.spec.name
        trouble = placement.troubles.get(name)
        is_shorter = trouble is not None and trouble.context_tokens and trouble.retry_at_s is not None
        if self._engines(self._new):
            return None
        if trouble is None or is_shorter:
            is_wanted = name in placement.kept or bool(placement.queues.get(name))
            return None if is_wanted else "The model was unloaded meanwhile, or there is no room for it."
        return trouble.why

    def _take_back(self, why: str) -> None:
        name = self._known.spec.name
        self._supervisor.revise(self._known, self._old)
        self._error = errors.Unavailable(
            f"The new weights cannot be loaded; the old ones stay.\n{why}", reason="engine_failed", model=name
        )
