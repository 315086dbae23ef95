"""The engines of a node: one run loop that decides what is loaded, and the processes that carry it out.

`EngineSupervisor` owns the processes. A request worker that is a process of its own holds an `attach.AttachedEngines`
with the same methods instead.

Whatever happens becomes an event of `schedule.placement`, in the order in which it happens; the effects are carried out
before the next event is taken. Nothing else decides about an engine.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ringfenced import errors
from ringfenced.engines.board import Known, loading_of, plan_of, status_of
from ringfenced.engines.client import EngineClient, unavoidable_waits_ms
from ringfenced.engines.launch import EngineSpec, socket_path
from ringfenced.engines.place import Place
from ringfenced.engines.refusal import refusal_of
from ringfenced.engines.replacing import Replacement, hand_over
from ringfenced.engines.replica import End, Replica, Surroundings, connect_when_ready
from ringfenced.engines.restart import DEATHS_MAX, Quarantine, decide_restart
from ringfenced.engines.status import EngineState, EngineStatus
from ringfenced.model import Loading
from ringfenced.schedule import placement_state as state
from ringfenced.schedule.placement import decide, next_tick_s

__all__ = ["EngineState", "EngineStatus", "EngineSupervisor", "connect_when_ready"]

BUDGET_S = 2.0
"""How often it is asked what engines may take, in seconds."""

REPLACING_RETRY_MS = 5000
"""When to try again to replace a model that is being replaced; loading takes seconds at least."""

PREFERRED_MAX = 1024
"""Salts of a model whose engine is remembered."""

_LOUD = (
    *(state.Began, state.EngineReady, state.EngineLost, state.EngineGone),
    *(state.BudgetChanged, state.UnloadAsked, state.Revised),
)
"""Events after which something of a state has changed."""

_QUIET = (state.Wanted, state.RequestBegan, state.RequestEnded)
"""Events that bring nothing nearer in time, but for models that are unloaded when they are idle."""

_LOG = logging.getLogger("ringfenced.engines")

Budget = Callable[[Mapping[str, int]], Mapping[str, int]]
"""What all engines together may take, by usable device, given what they take as planned."""


def _without_bounds(_: Mapping[str, int]) -> Mapping[str, int]:
    return {}


class EngineSupervisor:
    """Owns the engine processes of a node. Belongs to one event loop."""

    def __init__(
        self,
        specs: Iterable[EngineSpec],
        *,
        socket_dir: Path,
        budget: Budget = _without_bounds,
        around: Surroundings | None = None,
        weights: Callable[[str, str], EngineSpec] | None = None,
    ) -> None:
        """Prepare; nothing starts before `run`.

        Args:
            specs: the models, names unique.
            socket_dir: folder for the sockets; made, with rights for this user only, where it is missing.
            budget: what engines may take of memory; asked again every `BUDGET_S`.
            around: what every engine shares.
            weights: gives a model's program with other weights, by the model's name and theirs in the library.
        """
        self._socket_dir = socket_dir
        self._known = {spec.name: Known(spec) for spec in specs}
        self._budget = budget
        self._around = around or Surroundings()
        self._weights = weights
        self._placement = state.Placement(
            {name: plan_of(known.spec) for name, known in self._known.items()}, dict(budget({}))
        )
        for known in self._known.values():
            socket_path(socket_dir, known.spec.name)  # too long a path is told at the start
        self._replicas: dict[int, Replica] = {}
        self._places: dict[int, Place] = {}
        self._asked: dict[int, state.Wanted] = {}
        self._leases: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._replacing: set[str] = set()
        """Models that are being replaced: one at a time each."""
        self._is_over = False
        self._numbers = itertools.count(1)
        self._inbox: deque[state.Event] = deque()
        self._is_deciding = False
        self._has_idle = any(known.spec.idle_unload_s for known in self._known.values())
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._news: asyncio.Future[None] | None = None
        self.changes = 0
        """Counts whenever something of a state has changed, requests apart."""

    async def run(self) -> None:
        """Keep the engines running until `stop`, or until this is cancelled; no process is left either way."""
        self._socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gone.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._hear(state.Began())
                watching = group.create_task(self._watch_budget())
                try:
                    await self._stopping.wait()
                finally:
                    self._group = None
                    watching.cancel()
                    for task in self._tasks:
                        task.cancel()
        finally:
            self._group = None
            self._is_over = True
            if self._timer is not None:
                self._timer.cancel()
            self._end_places()
            self._gone.set()

    async def stop(self) -> None:
        """End every engine; nothing of them runs when this returns."""
        self._stopping.set()
        await self._gone.wait()

    # ── what callers use ─────────────────────────────────────────────────────────────────────────────────────────

    def engine(self, name: str) -> EngineClient | None:
        """Return a client of a model that is ready; None for every other. Whoever runs something takes a `place`."""
        for engine in self._placement.engines.values():
            if engine.model == name and engine.phase is state.Phase.READY:
                return self._replicas[engine.number].client
        return None

    def states(self) -> Mapping[str, EngineStatus]:
        """Return where every model stands."""
        return {name: status_of(known, self._placement, self._replicas) for name, known in self._known.items()}

    def waits(self) -> dict[str, int]:
        """Return how many milliseconds whoever asks would wait for a place, by model; without models that have one."""
        ready = (one.number for one in self._placement.engines.values() if one.phase is state.Phase.READY)
        return unavoidable_waits_ms(client for number in ready if (client := self._replicas[number].client) is not None)

    def place(
        self,
        name: str,
        *,
        seconds_max: float | None = None,
        salt: bytes = b"",
        asker: state.Asker = state.Asker.REQUEST,
    ) -> Place:
        """Ask for a place on a model, which is loaded where it is not.

        Args:
            name: the model.
            seconds_max: how long to wait at most; no longer than the model's own limit on loading.
            salt: among engines that are equally busy, the one that this salt was last in is taken.
            asker: an operator gets no place to run something in, only a model that is loaded.

        Raises:
            NotFound: there is no such model.
        """
        known = self._of(name)
        number, now_s = next(self._numbers), self._now_s()
        limit_s = known.spec.load_timeout_s
        wait_s = limit_s if seconds_max is None else min(limit_s, seconds_max)
        place = self._places[number] = Place(lambda: self._leave(name, number))
        if asker is state.Asker.OPERATOR:
            known.deaths_s.clear()
        prefer = known.preferred.get(salt) if known.spec.replicas > 1 else None
        asked = self._asked[number] = state.Wanted(name, state.Want(number, now_s, now_s + wait_s, asker, prefer))
        self._hear(asked)
        if self._is_over:
            self._end_places()
        if place.is_waiting:
            place.tell(loading_of(known, self._placement, self._replicas, now_s))
        elif known.spec.replicas > 1 and number in self._leases:
            known.preferred[salt] = self._leases[number]
            if len(known.preferred) > PREFERRED_MAX:
                del known.preferred[next(iter(known.preferred))]
        return place

    def load(self, name: str) -> Place:
        """Let a model be loaded, a quarantined one again; the place tells how that goes, and may be left at once.

        Raises:
            NotFound: there is no such model.
        """
        return self.place(name, asker=state.Asker.OPERATOR)

    async def unload(self, name: str, *, force: bool = False) -> None:
        """Let a model's engines end when what runs in them has ended.

        Args:
            name: the model.
            force: end requests in them now, with `Unavailable`.

        Raises:
            NotFound: there is no such model.
        """
        self._of(name)
        self._hear(state.UnloadAsked(name, force))

    async def replace(self, name: str, weights: str) -> AsyncGenerator[Loading, None]:
        """Put other weights in a model's place without failing a request; goes on where the caller leaves.

        Yields:
            How far it is.

        Raises:
            NotFound: there is no such model, or no such weights.
            Unavailable: the new weights cannot be loaded; the old ones stay.
            Unsupported: this node has no library, or the model no weights of its own.
            Overloaded: another replacement of it is not done.
        """
        known = self._of(name)
        if name in self._replacing:
            raise errors.Overloaded(
                "Another replacement of the model is not done yet. Try again once it is.",
                reason="replacing",
                model=name,
                retry_after_ms=REPLACING_RETRY_MS,
            )
        if self._weights is None or self._group is None:
            raise errors.Unsupported("This node has no library to take other weights from. Set [library].")
        self._replacing.add(name)
        try:
            spec = await asyncio.to_thread(self._weights, name, weights)  # whole files may be read
            replacement = hand_over(self, known, spec)
        except BaseException:
            self._replacing.discard(name)
            raise
        self._spawn(self._replace(name, replacement), f"replacement of {name}")
        while not replacement.is_done:
            yield replacement.loading
            await replacement.news()
        replacement.result()
        yield replacement.loading

    async def _replace(self, name: str, replacement: Replacement) -> None:
        try:
            await replacement.run()
        finally:
            self._replacing.discard(name)

    async def changed(self) -> None:
        """Wait until something of a state, or of a progress, changes."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    def count(self, engine: int, *, begins: bool) -> None:
        """Another process tells that a request began or ended in an engine that was ready."""
        self._hear(state.RequestBegan(engine) if begins else state.RequestEnded(engine))

    # ── what the parts of the supervisor use ─────────────────────────────────────────────────────────────────────

    @property
    def placement(self) -> state.Placement:
        """What was decided last."""
        return self._placement

    def loading(self, name: str) -> Loading:
        """How far a model's loading is."""
        return loading_of(self._known[name], self._placement, self._replicas, self._now_s())

    def revise(self, known: Known, version: int) -> None:
        """Let a model have the weights of that version from now on."""
        known.spec = known.specs[version]
        self._hear(state.Revised(plan_of(known.spec, version)))

    # ── the run loop ─────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, event: state.Event) -> None:
        """Take an event in and carry out what follows; events that this makes are taken after it."""
        self._inbox.append(event)
        if self._is_deciding or self._group is None:
            return
        self._is_deciding = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                before = self._placement
                self._placement, effects = decide(before, event, self._now_s())
                for effect in effects:
                    self._carry_out(effect)
                if isinstance(event, _LOUD) or self._placement.engines.keys() != before.engines.keys():
                    self._on_change()
        finally:
            self._is_deciding = False
        # A timer that is too early finds nothing to do and sets the next: what needs no earlier one leaves it.
        if self._placement.queues or not isinstance(event, _QUIET) or self._has_idle:
            self._arm()

    def _arm(self) -> None:
        """Wake when time alone will change something."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._now_s()
        at_s = next_tick_s(self._placement, now_s)
        if at_s is not None and self._group is not None:
            self._timer = asyncio.get_running_loop().call_at(at_s + 0.002, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._hear(state.Tick())

    def _carry_out(self, effect: state.Effect) -> None:
        match effect:
            case state.Start(engine):
                self._start(engine)
            case state.Stop(number):
                self._replicas[number].stop()
            case state.Grant(number, engine):
                self._grant(number, engine)
            case state.Tell(model):
                self._tell(model)
            case state.Refuse(number):
                place = self._places.get(number)
                if place is not None:
                    place.refuse(refusal_of(effect))

    def _start(self, engine: state.Engine) -> None:
        known = self._known[engine.model]
        replica = self._replicas[engine.number] = Replica(
            engine,
            known.specs[engine.version],
            socket_path(self._socket_dir, engine.model, engine.number),
            self._around,
            on_change=lambda: self._on_replica(engine.number),
            is_busy=lambda: bool(self._placement.engines[engine.number].running),
        )
        self._spawn(self._live(replica), f"engine {engine.number} of {engine.model}")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        assert self._group is not None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, replica: Replica) -> None:
        end = await replica.run()
        engine = replica.engine
        known = self._known[engine.model]
        self._replicas.pop(engine.number)
        if self._placement.engines[engine.number].phase is state.Phase.STOPPING:
            self._log("engine_stopped", engine)
            self._hear(state.EngineGone(engine.number))
            return
        gone = self._death(known, engine.number, end)
        self._log("engine_died", engine, why=gone.why.partition("\n")[0], is_memory=end.is_memory or None)
        self._hear(gone)

    @staticmethod
    def _log(event: str, engine: state.Engine, **fields: object) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        _LOG.info(event, extra={"fields": {"model": engine.model, "engine": engine.number, **known}})

    def _death(self, known: Known, number: int, end: End) -> state.EngineGone:
        """What follows from an engine's death."""
        now_s = self._now_s()
        known.deaths += 1
        if end.is_memory:
            return state.EngineGone(number, end.why, now_s, is_memory=True)
        known.deaths_s = [*known.deaths_s[1 - DEATHS_MAX :], now_s]
        match decide_restart(known.deaths_s, now_s):
            case Quarantine(deaths):
                why = f"quarantined after {deaths} deaths within a minute; load it again to retry\n{end.why}"
                return state.EngineGone(number, why, None)
            case restart:
                return state.EngineGone(number, end.why, now_s + restart.delay_s)

    def _on_replica(self, number: int) -> None:
        """An engine got ready, or is nearer to it."""
        replica = self._replicas.get(number)
        engine = self._placement.engines.get(number)
        if replica is None or engine is None:
            return
        if replica.client is not None and engine.phase is state.Phase.STARTING:
            load_s = self._known[engine.model].load_s = self._now_s() - engine.since_s
            self._log("engine_ready", engine, load_ms=int(load_s * 1000), context_tokens=engine.context_tokens or None)
            self._hear(state.EngineReady(number))
        elif replica.client is None and engine.phase in {state.Phase.READY, state.Phase.DRAINING}:
            self._hear(state.EngineLost(number))
        elif engine.phase is state.Phase.STARTING:
            self._tell(engine.model)
            self._told()

    def _grant(self, number: int, engine: int) -> None:
        place, asked = self._places.get(number), self._asked.get(number)
        replica = self._replicas.get(engine)
        client = replica.client if replica is not None else None
        if asked is not None and asked.want.asker is state.Asker.OPERATOR:
            if place is not None:
                place.give(client, engine)
        elif place is None or asked is None:
            self._hear(state.RequestEnded(engine))
        elif client is None or client.is_closed:  # it died a moment ago: the request has lost nothing yet
            self._hear(state.EngineLost(engine))
            self._hear(asked)
        else:
            self._known[asked.model].used_unix_ms = time.time_ns() // 1_000_000
            self._leases[number] = engine
            place.give(client, engine)

    def _leave(self, name: str, number: int) -> None:
        place = self._places.pop(number, None)
        self._asked.pop(number, None)
        engine = self._leases.pop(number, None)
        if engine is not None:
            self._known[name].used_unix_ms = time.time_ns() // 1_000_000
            self._hear(state.RequestEnded(engine))
        elif place is not None and place.is_waiting:
            self._hear(state.Left(name, number))

    def _tell(self, model: str) -> None:
        queue = self._placement.queues.get(model, ())
        if queue:
            loading = self.loading(model)
            for want in queue:
                if (place := self._places.get(want.number)) is not None:
                    place.tell(loading)

    def _on_change(self) -> None:
        self.changes += 1
        self._told()

    def _told(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set_result(None)

    async def _watch_budget(self) -> None:
        while True:
            await asyncio.sleep(BUDGET_S)
            taken: dict[str, int] = {}
            for engine in self._placement.engines.values():
                for device, count in engine.need.items():
                    taken[device] = taken.get(device, 0) + count
            budget = dict(await asyncio.to_thread(self._budget, taken))  # a driver may take its time
            if budget != self._placement.budget:
                self._hear(state.BudgetChanged(budget))

    def _end_places(self) -> None:
        self._placement = replace(self._placement, engines={}, queues={}, kept=frozenset())
        self._replicas.clear()
        for place in list(self._places.values()):
            place.refuse(errors.Unavailable("The daemon is about to end. Try again in a moment.", retry_after_ms=1000))

    def _of(self, name: str) -> Known:
        known = self._known.get(name)
        if known is None:
            raise errors.NotFound("there is no such model", model=name, suggestions=tuple(sorted(self._known)))
        return known

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
