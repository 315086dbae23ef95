"""What follows from what is known: the scratch pad of one decision of `placement.decide`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ringfenced.schedule.placement_room import PATIENCE_S, PREEMPT_S, candidates, fits, missing, victims
from ringfenced.schedule.placement_state import (
    Asker,
    Bytes,
    Cause,
    Effect,
    Engine,
    Grant,
    Phase,
    Placement,
    Plan,
    Refuse,
    Start,
    Stop,
    Tell,
    Want,
)

LOADING = "loading"
"""Told while an engine starts; how far it is, the process itself says."""


def choose(ready: Sequence[Engine], version: int, want: Want) -> Engine:
    """Of a model's ready engines: the current weights before older, the fewest requests, the one that is preferred."""
    if len(ready) == 1:
        return ready[0]
    return min(ready, key=lambda e: (e.version != version, e.running, e.number != want.prefer, e.number))


_LEAVING = (Phase.DRAINING, Phase.LOST)


class Settling:
    """Mutable while one decision is made, and never seen by anybody else."""

    def __init__(self, placement: Placement, now_s: float) -> None:
        """Copy what may change."""
        self._before = placement
        self.now_s = now_s
        self.plans = placement.plans
        self.budget = placement.budget
        self.engines = dict(placement.engines)
        self.queues = dict(placement.queues)
        self.kept = set(placement.kept)
        self.troubles = dict(placement.troubles)
        self.effects: list[Effect] = []
        """What to do, in order."""
        self._told = dict(placement.told)
        self._engines_n = placement.engines_n
        self._free: dict[str, int] | None = None
        self._coming: dict[str, int] = {}
        self._may_go: dict[tuple[int, bool], list[Engine]] = {}
        self._without_pinned: Bytes | None = None

    def outcome(self) -> tuple[Placement, tuple[Effect, ...]]:
        """What is, and what to do."""
        placement = Placement(
            plans=self.plans,
            budget=self.budget,
            engines=self.engines,
            queues=self.queues,
            kept=frozenset(self.kept) if self.kept != self._before.kept else self._before.kept,
            troubles=self.troubles,
            told=self._told,
            engines_n=self._engines_n,
        )
        return placement, tuple(self.effects)

    # ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, model: str, *phases: Phase) -> Iterator[Engine]:
        """A model's engines in these phases."""
        return iter([e for e in self.engines.values() if e.model == model and e.phase in phases])

    def put_queue(self, model: str, queue: tuple[Want, ...]) -> None:
        """Who waits for a model from now on."""
        if queue:
            self.queues[model] = queue
        else:
            self.queues.pop(model, None)
            self._told.pop(model, None)

    def drain(self, engine: Engine, cause: Cause, stop_by_s: float | None = None) -> None:
        """Let an engine take nothing new."""
        self.engines[engine.number] = replace(engine, phase=Phase.DRAINING, cause=cause, stop_by_s=stop_by_s)

    def stop(self, engine: Engine) -> None:
        """End an engine."""
        self.engines[engine.number] = replace(engine, phase=Phase.STOPPING, since_s=self.now_s)
        self.effects.append(Stop(engine.number))

    def grant(self, model: str, want: Want) -> bool:
        """Give a model that is ready: the engine with the fewest requests, and the current weights before older."""
        version = self.plans[model].version
        ready = list(self.of(model, Phase.READY))
        if not ready:
            return False
        best = choose(ready, version, want)
        if want.asker is Asker.REQUEST:
            self.engines[best.number] = replace(best, running=best.running + 1, used_s=self.now_s)
            self._may_go.clear()
        self.kept.add(model)
        self.effects.append(Grant(want.number, best.number))
        return True

    def expire(self) -> None:
        """Refuse whoever does not wait any longer."""
        for model, queue in list(self.queues.items()):
            for want in queue:
                if want.deadline_s is not None and want.deadline_s <= self.now_s:
                    stage = self._told.get(model, LOADING)
                    self.effects.append(Refuse(want.number, "deadline", f"the time ran out; until then: {stage}"))
            self.put_queue(model, tuple(w for w in queue if w.deadline_s is None or w.deadline_s > self.now_s))

    def grow(self, plan: Plan) -> bool:
        """Start one more engine of a model if free memory holds it; whether it does."""
        free = self._room()
        for way in plan.ways:
            if fits(way, free):
                self._start(plan, way)
                return True
        return False

    # ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Serve who waits, in order; then replace, restart and add replicas with what is left; then stop."""
        self._free = self._without_pinned = None
        self._may_go.clear()
        made_room = [e for e in self.engines.values() if e.phase is Phase.DRAINING and e.cause is Cause.ROOM]
        for engine in made_room:  # chosen anew below, and the same ones again while somebody still waits
            self.engines[engine.number] = replace(engine, phase=Phase.READY)
            self.kept.add(engine.model)
        self._replace()
        self._grow(is_pinned=True)
        for model in self._order():
            self._serve(model)
        for engine in made_room:
            if (now := self.engines[engine.number]).phase is Phase.READY:
                self.engines[engine.number] = replace(now, cause=None, stop_by_s=None)
        self._grow(is_pinned=False)
        self._unload_idle()
        for engine in list(self.engines.values()):
            is_due = engine.stop_by_s is not None and engine.stop_by_s <= self.now_s
            if engine.phase is Phase.DRAINING and (not engine.running or is_due):
                self.stop(engine)

    def _order(self) -> list[str]:
        """Models that are waited for, the one to be served first at the head."""

        def place(model: str) -> tuple[int, float, int]:
            head = self.queues[model][0]
            return -self.plans[model].rank, head.since_s, head.number

        return sorted(self.queues, key=place) if len(self.queues) > 1 else list(self.queues)

    def _serve(self, model: str) -> None:
        """Give a model to all who wait for it, or do what brings that nearer."""
        queue = self.queues[model]
        plan = self.plans[model]
        phases = {engine.phase for engine in self.engines.values() if engine.model == model}
        if Phase.READY in phases:
            self.put_queue(model, ())
            for want in queue:
                self.grant(model, want)
            return
        trouble = self.troubles.get(model)
        if trouble is not None and trouble.retry_at_s is None:
            self._refuse_all(model, "quarantined", trouble.why, {})
        elif Phase.STARTING in phases:
            self._tell(model, LOADING)
        elif Phase.LOST in phases or (
            trouble is not None and trouble.retry_at_s is not None and trouble.retry_at_s > self.now_s
        ):
            self._tell(model, "waiting to be started again after a failure")
        else:
            self._make_room(plan, queue[0])

    def _make_room(self, plan: Plan, first: Want) -> None:
        most = self._most(plan)
        possible = [way for way in plan.ways if fits(way, most)]
        if not possible:
            self._refuse_all(plan.name, "no_room", *self._lack(plan, most))
            return
        free = self._room()
        for way in possible:
            if fits(way, free):
                self._start(plan, way)
                self._tell(plan.name, LOADING)
                return
        whole = self._whole()
        for way in possible:
            if fits(way, whole):
                self._reserve(way)
                self._tell(plan.name, "waiting for memory that is being freed")
                return
        waited_s = self.now_s - first.since_s
        ordered = self._who_may_go(plan.rank, waited_s)
        for way in possible if ordered else ():
            chosen = victims(ordered, missing(way, whole))
            if chosen is not None:
                self._evict(chosen, plan.rank)
                self._reserve(way)
                names = ", ".join(sorted({engine.model for engine in chosen}))
                self._tell(plan.name, f"waiting for the memory of {names}")
                return
        if waited_s >= PATIENCE_S:
            self._reserve(possible[0])
        self._tell(plan.name, "waiting for memory: every other model is in use")

    def _evict(self, chosen: tuple[Engine, ...], rank: int) -> None:
        self._may_go.clear()
        for engine in chosen:
            self._coming_add(engine.need)
            if engine.phase is Phase.STARTING:
                self.stop(engine)
                continue
            if not any(e.number != engine.number for e in self.of(engine.model, Phase.READY, Phase.STARTING)):
                self.kept.discard(engine.model)
            gives_way = bool(engine.running) and self.plans[engine.model].rank < rank
            stop_by_s = self.now_s + PREEMPT_S if engine.stop_by_s is None else engine.stop_by_s
            self.drain(engine, Cause.ROOM, stop_by_s if gives_way else None)

    def _replace(self) -> None:
        """Bring up new weights beside the old where memory allows, else let the old ones end first."""
        for model in {e.model for e in self.engines.values() if e.version != self.plans[e.model].version}:
            plan = self.plans[model]
            current = [e for e in self.of(model, Phase.STARTING, Phase.READY) if e.version == plan.version]
            if current or model in self.troubles or self.grow(plan):
                continue
            old = list(self.of(model, Phase.READY))
            whole = self._whole()
            ordered = candidates(
                self._others(model), self.plans, rank=plan.rank, now_s=self.now_s, waited_s=0.0
            )  # fmt: skip
            chosen = victims(ordered, missing(plan.ways[0], whole))
            if chosen is not None and not any(engine.running for engine in chosen):
                self._evict(chosen, plan.rank)
                self._reserve(plan.ways[0])
            else:
                for engine in old:
                    self.drain(engine, Cause.REPLACE)
                    self._coming_add(engine.need)

    def _grow(self, *, is_pinned: bool) -> None:
        """Restart what died and add replicas, as memory allows, the higher ranks first."""
        for model in sorted(self.kept, key=lambda name: (-self.plans[name].rank, name)):
            plan = self.plans[model]
            if plan.pin is not is_pinned:
                continue
            trouble = self.troubles.get(model)
            if trouble is not None and (trouble.retry_at_s is None or trouble.retry_at_s > self.now_s):
                continue
            live = sum(1 for e in self.of(model, Phase.STARTING, Phase.READY) if e.version == plan.version)
            is_leaving = any(e.cause is Cause.ROOM or e.phase is Phase.LOST for e in self.of(model, *_LEAVING))
            while live < plan.replicas and not is_leaving and self.grow(plan):
                live += 1

    def _unload_idle(self) -> None:
        for model in {engine.model for engine in self.engines.values() if self.plans[engine.model].idle_unload_s}:
            plan = self.plans[model]
            ready = list(self.of(model, Phase.READY))
            idle_since_s = max((engine.used_s for engine in ready), default=self.now_s)
            if plan.pin or any(engine.running for engine in ready):
                continue
            if self.now_s - idle_since_s >= plan.idle_unload_s:
                self.kept.discard(model)
                for engine in ready:
                    self.stop(engine)

    # ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _room(self) -> dict[str, int]:
        """What is free now, less what those before wait for; and, beside it, what is being freed."""
        if self._free is None:
            self._free = dict(self.budget)
            self._coming = {}
            for engine in self.engines.values():
                for device, count in engine.need.items():
                    self._free[device] = self._free.get(device, 0) - count
                if engine.phase in {Phase.DRAINING, Phase.STOPPING, Phase.LOST}:
                    self._coming_add(engine.need)
        return self._free

    def _coming_add(self, need: Bytes) -> None:
        for device, count in need.items():
            self._coming[device] = self._coming.get(device, 0) + count

    def _reserve(self, need: Bytes) -> None:
        """Take memory out of what those behind may have: first of what is being freed, then of what is free."""
        free = self._room()
        for device, count in need.items():
            of_coming = min(count, self._coming.get(device, 0))
            self._coming[device] = self._coming.get(device, 0) - of_coming
            free[device] = free.get(device, 0) - (count - of_coming)

    def _start(self, plan: Plan, way: Bytes) -> None:
        free = self._room()
        for device, count in way.items():
            free[device] = free.get(device, 0) - count
        self._engines_n += 1
        trouble = self.troubles.get(plan.name)
        engine = Engine(
            number=self._engines_n,
            model=plan.name,
            version=plan.version,
            need=way,
            since_s=self.now_s,
            used_s=self.now_s,
            context_tokens=(trouble.context_tokens if trouble is not None else 0) or plan.context_tokens,
        )
        self.engines[engine.number] = engine
        self._may_go.clear()
        self._without_pinned = None
        self.kept.add(plan.name)
        self.effects.append(Start(engine))

    def _whole(self) -> dict[str, int]:
        """What is free and what is being freed, together."""
        free = self._room()
        return {device: free.get(device, 0) + self._coming.get(device, 0) for device in self.budget}

    def _who_may_go(self, rank: int, waited_s: float) -> list[Engine]:
        """Who may make room for a model that has no engine yet; looked up once for all of a kind."""
        kind = (rank, waited_s >= PATIENCE_S)
        known = self._may_go.get(kind)
        if known is None:
            others = [e for e in self.engines.values() if e.phase in {Phase.STARTING, Phase.READY}]
            known = candidates(others, self.plans, rank=rank, now_s=self.now_s, waited_s=waited_s)
            self._may_go[kind] = known
        return known

    def _most(self, plan: Plan) -> Bytes:
        """What a model could have if every other that may go had gone."""
        if self._without_pinned is not None and not plan.pin:
            return self._without_pinned
        most = dict(self.budget)
        for engine in self.engines.values():
            if engine.model != plan.name and self.plans[engine.model].pin:
                for device, count in engine.need.items():
                    most[device] = most.get(device, 0) - count
        if not plan.pin:
            self._without_pinned = most
        return most

    def _others(self, model: str) -> list[Engine]:
        return [e for e in self.engines.values() if e.model != model and e.phase in {Phase.STARTING, Phase.READY}]

    def impossible(self, plan: Plan) -> tuple[str, dict[str, int]] | None:
        """Why a model can never be loaded as things stand, and the numbers; None where it can."""
        most = self._most(plan)
        return None if any(fits(way, most) for way in plan.ways) else self._lack(plan, most)

    def _lack(self, plan: Plan, most: Bytes) -> tuple[str, dict[str, int]]:
        parts: list[str] = []
        numbers: dict[str, int] = {}
        for device, count in plan.ways[0].items() if plan.ways else ():
            if count > most.get(device, 0):
                pinned = self.budget.get(device, 0) - most.get(device, 0)
                if device not in self.budget:
                    parts.append(f"{device} is not usable")
                else:
                    parts.append(
                        f"it needs {count} bytes of {device}; engines may take {self.budget[device]}"
                        + (f", of which pinned models hold {pinned}" if pinned else "")
                    )
                numbers |= {"needed_bytes": count, "budget_bytes": self.budget.get(device, 0), "pinned_bytes": pinned}
        return "; ".join(parts) or "no device can hold it", numbers

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, model: str, stage: str) -> None:
        """Tell those who wait, once; who comes later is told by whoever carries out the effects."""
        if self._told.get(model) != stage:
            self._told[model] = stage
            self.effects.append(Tell(model, stage))

    def _refuse_all(self, model: str, reason: str, why: str, numbers: dict[str, int]) -> None:
        for want in self.queues[model]:
            self.effects.append(Refuse(want.number, reason, why, numbers))
        self.put_queue(model, ())
        if not any(engine.model == model for engine in self.engines.values()):
            self.kept.discard(model)
