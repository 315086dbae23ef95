"""Whose memory another model may have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ringfenced.schedule.placement_state import Bytes, Engine, Phase, Plan

GRACE_S = 10.0
"""How long a model that was loaded and has served nobody yet is left alone, in seconds."""

PATIENCE_S = 5.0
"""How long somebody waits for a moment in which nothing runs in a model of the same rank, in seconds; then that model
takes nothing new until its memory was had."""

PREEMPT_S = 2.0
"""How long requests in a model of a lower rank may go on when its memory is wanted, in seconds."""


def fits(need: Bytes, free: Mapping[str, int]) -> bool:
    """Whether `free` holds `need` on every device of it; a device that is not there holds nothing."""
    return all(free.get(device, 0) >= count for device, count in need.items())


def missing(need: Bytes, free: Mapping[str, int]) -> dict[str, int]:
    """What `free` lacks of `need`, by device."""
    return {device: count - free.get(device, 0) for device, count in need.items() if count > free.get(device, 0)}


def candidates(
    engines: Iterable[Engine], plans: Mapping[str, Plan], *, rank: int, now_s: float, waited_s: float
) -> list[Engine]:
    """Engines that may make room, in the order in which they go.

    In each class the lower rank first, then the one that was used longest ago:

    1. one that already makes room; so that the choice stays what it was;
    2. one that is spare: its model has another that is ready;
    3. one that is idle, and has served or was given `GRACE_S` to;
    4. one with running requests and a lower rank than the wanted model's;
    5. after `PATIENCE_S`, any other with running requests, to be taken when they have ended.

    Never one whose model is pinned, nor one of the wanted model, which the caller leaves out.

    Args:
        engines: those that could go: starting, ready or already making room.
        plans: every model.
        rank: the wanted model's.
        now_s: monotonic time, in seconds.
        waited_s: how long somebody has waited for the model, in seconds; only whether it is `PATIENCE_S` counts.
    """
    known = sorted(engines, key=lambda engine: (engine.used_s, engine.number))
    spare = _spare(known)
    ordered = []
    for engine in known:
        plan = plans[engine.model]
        is_spare = engine.number in spare
        tier = _tier(engine, plan, is_spare=is_spare, rank=rank, now_s=now_s, waited_s=waited_s)
        if tier is not None:
            ordered.append((tier, plan.rank, engine.used_s, engine.number, engine))
    ordered.sort(key=lambda row: row[:4])
    return [row[4] for row in ordered]


def victims(ordered: Iterable[Engine], lack: Bytes) -> tuple[Engine, ...] | None:
    """Choose, of those that `candidates` gave, who covers what is lacking; None where all together do not."""
    left = dict(lack)
    chosen: list[Engine] = []
    for engine in ordered:
        if not left:
            break
        if any(device in left for device in engine.need):
            chosen.append(engine)
            left = _less(left, engine.need)
    return None if left else _needed(chosen, lack)


def _spare(engines: list[Engine]) -> set[int]:
    """The idle ones whose model has another that is ready and stays: all but the one that was used last."""
    ready: dict[str, int] = {}
    for engine in engines:
        if engine.phase is Phase.READY:
            ready[engine.model] = ready.get(engine.model, 0) + 1
    spare: set[int] = set()
    for engine in engines:
        if engine.phase is Phase.STARTING and ready.get(engine.model, 0):
            spare.add(engine.number)
        elif engine.phase is Phase.READY and not engine.running and ready[engine.model] > 1:
            spare.add(engine.number)
            ready[engine.model] -= 1
    return spare


def _tier(engine: Engine, plan: Plan, *, is_spare: bool, rank: int, now_s: float, waited_s: float) -> int | None:
    """The place of an engine in the order; None where it must not go."""
    if plan.pin or (engine.phase is Phase.STARTING and not is_spare):
        return None
    if engine.running:
        if plan.rank >= rank and waited_s < PATIENCE_S:
            return None
        tier = 4 if plan.rank < rank else 5
    else:
        if not is_spare and not engine.served and now_s - engine.since_s < GRACE_S:
            return None
        tier = 2 if is_spare else 3
    return tier if engine.cause is None else 1


def _less(left: Mapping[str, int], need: Bytes) -> dict[str, int]:
    return {device: rest for device, count in left.items() if (rest := count - need.get(device, 0)) > 0}


def _needed(chosen: list[Engine], lack: Bytes) -> tuple[Engine, ...]:
    """Spare those without whom the others suffice, the last chosen first."""
    kept = list(chosen)
    for engine in reversed(chosen):
        left = dict(lack)
        for other in kept:
            if other is not engine:
                left = _less(left, other.need)
        if not left:
            kept.remove(engine)
    return tuple(kept)
