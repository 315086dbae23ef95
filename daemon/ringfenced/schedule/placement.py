"""Which models are in memory: a pure decision over events.

`decide(placement, event, now_s)` gives the next placement and what must be done, in order. It does no I/O, reads no
clock, and may be called with any event at any time. What it holds to:

1. The engines that live never need more than the budget of a device; a device without a budget is not used.
2. A model is started once, whoever waits for it; more engines of it are replicas, as memory allows.
3. Everybody who wants a model gets it, is told what it waits for, or is refused with the reason.
4. Who waits is served by the model's rank, then in order. Memory that one waits for is not given to another behind it.
5. A model with running requests is ended only for one of a higher rank, and gets `PREEMPT_S` for them. For one of the
   same or a lower rank it takes nothing new after `PATIENCE_S` and leaves when what runs has ended: nobody starves.
6. A pinned model never makes room.
7. A model that was loaded serves a request before it is evicted, or has had `GRACE_S` without anybody wanting it.
8. Who leaves first is said in `placement_room.victims`.

What is wanted and not loaded waits in `Placement.queues`, by model, so that a decision costs what is loaded and waited
for, and not what could be.
"""

from __future__ import annotations

from dataclasses import replace

from ringfenced.schedule import placement_state as state
from ringfenced.schedule.placement_room import GRACE_S, PATIENCE_S
from ringfenced.schedule.placement_settle import Settling, choose
from ringfenced.schedule.placement_state import Asker, Cause, Effect, Event, Phase, Placement, Trouble

__all__ = ["decide", "impossible", "next_tick_s"]


def decide(placement: Placement, event: Event, now_s: float) -> tuple[Placement, tuple[Effect, ...]]:
    """Take an event in.

    Args:
        placement: what was.
        event: what has happened.
        now_s: monotonic time, in seconds; not less than at the event before.

    Returns:
        What is, and the effects to carry out, in order.
    """
    if not placement.queues:
        usual = _usual(placement, event, now_s)
        if usual is not None:
            return usual
    work = Settling(placement, now_s)
    if _take(work, event):
        work.settle()
    return work.outcome()


def next_tick_s(placement: Placement, now_s: float) -> float | None:
    """When time alone will change something: the next `Tick` is due then; None for never."""
    times = [trouble.retry_at_s for trouble in placement.troubles.values() if trouble.retry_at_s is not None]
    for engine in placement.engines.values():
        if engine.stop_by_s is not None and engine.phase is Phase.DRAINING:
            times.append(engine.stop_by_s)
        idle_s = placement.plans[engine.model].idle_unload_s
        if idle_s and engine.phase is Phase.READY and not engine.running:
            times.append(engine.used_s + idle_s)
        if placement.queues and not engine.served:
            times.append(engine.since_s + GRACE_S)
    for queue in placement.queues.values():
        times.append(queue[0].since_s + PATIENCE_S)
        times += [want.deadline_s for want in queue if want.deadline_s is not None]
    return min((at_s for at_s in times if at_s > now_s), default=None)


def impossible(placement: Placement, plan: state.Plan) -> tuple[str, dict[str, int]] | None:
    """Why a plan cannot be carried out, and the numbers, if every other model that may go had gone; None if it can."""
    return Settling(placement, 0.0).impossible(plan)


def _usual(placement: Placement, event: Event, now_s: float) -> tuple[Placement, tuple[Effect, ...]] | None:
    """What every request to a ready model takes, where nobody waits: a count that changes, and nothing that follows.

    None for everything else. It saves no more than time: without it the same comes out.
    """
    match event:
        case state.Wanted(model, want) if want.asker is Asker.REQUEST and model in placement.kept:
            version = placement.plans[model].version
            ready = [e for e in placement.engines.values() if e.model == model and e.phase is Phase.READY]
            if not ready:
                return None
            best = choose(ready, version, want)
            effects: tuple[Effect, ...] = (state.Grant(want.number, best.number),)
            after = best.counting(best.running + 1, best.served, now_s)
        case state.RequestEnded(number) if number in placement.engines:
            engine, effects = placement.engines[number], ()
            if engine.phase is Phase.DRAINING:
                return None
            after = engine.counting(max(0, engine.running - 1), engine.served + 1, now_s)
        case _:
            return None
    return placement.with_engine(after), effects


def _take(work: Settling, event: Event) -> bool:
    """Note what has happened; whether anything may follow from it."""
    match event:
        case state.Wanted(model, want):
            return _want(work, model, want)
        case state.RequestBegan(number):
            return _run(work, number, 1)
        case state.RequestEnded(number):
            return _run(work, number, -1)
        case state.Left(model, number):
            queue = work.queues.get(model, ())
            work.put_queue(model, tuple(want for want in queue if want.number != number))
        case state.Tick():
            work.expire()
        case state.Began():
            _preload(work)
        case state.EngineReady() | state.EngineLost() | state.EngineGone():
            _take_engine(work, event)
        case state.BudgetChanged() | state.UnloadAsked() | state.Revised():
            _take_order(work, event)
    return True


def _take_engine(work: Settling, event: state.EngineReady | state.EngineLost | state.EngineGone) -> None:
    match event:
        case state.EngineReady(number):
            _ready(work, number)
        case state.EngineLost(number):
            engine = work.engines.get(number)
            if engine is not None and engine.phase in {Phase.READY, Phase.DRAINING}:
                work.engines[number] = replace(engine, phase=Phase.LOST)
        case state.EngineGone():
            _gone(work, event)


def _take_order(work: Settling, event: state.BudgetChanged | state.UnloadAsked | state.Revised) -> None:
    match event:
        case state.BudgetChanged(budget):
            work.budget = budget
        case state.UnloadAsked(model, force):
            _unload(work, model, force=force)
        case state.Revised(plan):
            _revise(work, plan)


def _preload(work: Settling) -> None:
    """Start what shall be there from the beginning, the pinned first, then by rank; later what memory does not hold."""
    there = {engine.model for engine in work.engines.values()}  # somebody may have asked already
    preloaded = [plan for plan in work.plans.values() if plan.preload and plan.name not in there]
    for plan in sorted(preloaded, key=lambda plan: (not plan.pin, -plan.rank)):
        if not work.grow(plan):
            work.kept.add(plan.name)


def _want(work: Settling, model: str, want: state.Want) -> bool:
    if model not in work.plans:
        work.effects.append(state.Refuse(want.number, "model_unknown", "there is no such model"))
        return False
    if want.asker is Asker.OPERATOR:
        work.troubles.pop(model, None)
        work.kept.add(model)
    if not work.queues and work.grant(model, want):  # the usual case, in which nothing else changes
        return want.asker is Asker.OPERATOR
    work.put_queue(model, (*work.queues.get(model, ()), want))
    return True


def _run(work: Settling, number: int, change: int) -> bool:
    """Count a request in or out; an engine that is gone counts nothing any more."""
    engine = work.engines.get(number)
    if engine is None:
        return False
    running = max(0, engine.running + change)
    served = engine.served + (change < 0)
    work.engines[number] = replace(engine, running=running, served=served, used_s=work.now_s)
    return not running and (bool(work.queues) or engine.phase is Phase.DRAINING)


def _ready(work: Settling, number: int) -> None:
    engine = work.engines.get(number)
    if engine is None or engine.phase is not Phase.STARTING:
        return
    work.engines[number] = replace(engine, phase=Phase.READY, since_s=work.now_s, used_s=work.now_s)
    if (trouble := work.troubles.get(engine.model)) is not None:
        work.troubles.pop(engine.model)
        if trouble.context_tokens:  # what did not fit once will not the next time
            work.troubles[engine.model] = replace(trouble, retry_at_s=0.0)
    if engine.version == work.plans[engine.model].version:
        for other in work.of(engine.model, Phase.READY):
            if other.version != engine.version:
                work.drain(other, Cause.REPLACE)


def _gone(work: Settling, event: state.EngineGone) -> None:
    engine = work.engines.pop(event.engine, None)
    if engine is None or engine.phase is Phase.STOPPING:
        return
    plan = work.plans[engine.model]
    if event.is_memory:
        work.troubles[engine.model] = _shorter(plan, engine, event.why)
    else:
        known = work.troubles.get(engine.model)
        context_tokens = known.context_tokens if known is not None else 0
        work.troubles[engine.model] = Trouble(event.why, event.retry_at_s, context_tokens)


def _shorter(plan: state.Plan, engine: state.Engine, why: str) -> Trouble:
    """What follows where memory ran out: half the context, down to the least."""
    context_tokens = engine.context_tokens // 2
    if not plan.context_tokens or context_tokens < plan.context_tokens_min:
        return Trouble(f"{why}; free memory, or give the model a smaller context_tokens", None)
    return Trouble(f"{why}; tried again with a context of {context_tokens} tokens", 0.0, context_tokens)


def _unload(work: Settling, model: str, *, force: bool) -> None:
    work.kept.discard(model)
    work.troubles.pop(model, None)
    for want in work.queues.get(model, ()):
        work.effects.append(state.Refuse(want.number, "unloaded", "an operator unloaded the model"))
    work.put_queue(model, ())
    for engine in work.of(model, Phase.STARTING):
        work.stop(engine)
    for engine in work.of(model, Phase.READY, Phase.DRAINING):
        if force:
            work.stop(engine)
        else:
            work.drain(engine, Cause.UNLOAD)


def _revise(work: Settling, plan: state.Plan) -> None:
    work.plans = {**work.plans, plan.name: plan}
    work.troubles.pop(plan.name, None)
    for engine in work.of(plan.name, Phase.STARTING):
        if engine.version != plan.version:
            work.stop(engine)
    for engine in work.of(plan.name, Phase.DRAINING):
        if engine.version == plan.version and engine.cause is Cause.REPLACE:
            work.engines[engine.number] = replace(engine, phase=Phase.READY, cause=None)
