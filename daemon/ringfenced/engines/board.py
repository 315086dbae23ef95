"""Where every model stands, told from what was decided and from the processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ringfenced.engines.client import shortest_wait_ms
from ringfenced.engines.launch import EngineSpec
from ringfenced.engines.replica import Replica
from ringfenced.engines.restart import DEATHS_MAX
from ringfenced.engines.status import EngineState, EngineStatus
from ringfenced.model import Loading, Target, TargetKind
from ringfenced.schedule.placement import impossible
from ringfenced.schedule.placement_state import Engine, Phase, Placement, Plan, Trouble

CONTEXT_SHARE_MIN = 8
"""Where loading runs out of memory, the context is halved down to an eighth of what was configured."""

CONTEXT_TOKENS_MIN = 256
"""And not under this many tokens: hardly a question and its answer fit in less."""

LOAD_BYTES_PER_S = 1_000_000_000
"""What loading is expected to read a second until it was measured: a solid-state disk's pace. The true one is kept for
each model once it was loaded."""

LOAD_MS_LEAST = 1000.0
"""What starting a process and its libraries is expected to take until it was measured."""

assert DEATHS_MAX > 1


def plan_of(spec: EngineSpec, version: int = 0) -> Plan:
    """What placement knows of a model."""
    least = max(CONTEXT_TOKENS_MIN, spec.context_tokens // CONTEXT_SHARE_MIN)
    return Plan(
        name=spec.name,
        ways=spec.ways,
        version=version,
        preload=spec.preload,
        pin=spec.pin,
        rank=spec.rank,
        idle_unload_s=spec.idle_unload_s,
        replicas=spec.replicas,
        context_tokens=spec.context_tokens,
        context_tokens_min=min(least, spec.context_tokens),
    )


class Known:
    """What the supervisor keeps of one model besides what was decided."""

    __slots__ = ("deaths", "deaths_s", "load_s", "preferred", "spec", "specs", "used_unix_ms")

    def __init__(self, spec: EngineSpec) -> None:
        """Nothing has happened yet."""
        self.spec = spec
        """The program of its current weights."""
        self.specs = {0: spec}
        """The programs by version of the weights."""
        self.deaths = 0
        """Since the daemon started."""
        self.deaths_s: list[float] = []
        """When, those that count for a quarantine."""
        self.load_s: float | None = None
        """How long loading took the last time; None before."""
        self.preferred: dict[bytes, int] = {}
        """The engine that a salt was last in: it may have read the beginning of the prompt before."""
        self.used_unix_ms: int | None = None
        """When a request last began or ended."""

    @property
    def expected_load_s(self) -> float:
        """How long loading it should take."""
        if self.load_s is not None:
            return self.load_s
        return LOAD_MS_LEAST / 1000 + sum(self.spec.ways[0].values()) / LOAD_BYTES_PER_S


def status_of(known: Known, placement: Placement, replicas: Mapping[int, Replica]) -> EngineStatus:
    """Where a model stands."""
    spec = known.spec
    engines = [engine for engine in placement.engines.values() if engine.model == spec.name]
    mine = [replicas[engine.number] for engine in engines if engine.number in replicas]
    # One whose process is not known is not ready: nobody could tell whether it listens on its socket.
    ready = [one for one in mine if one.client is not None and _phase(engines, one) is Phase.READY]
    pids = {one.engine.number: one.pid for one in ready if one.pid is not None}
    ready = [one for one in ready if one.engine.number in pids]
    queue = placement.queues.get(spec.name, ())
    trouble = placement.troubles.get(spec.name)
    state = _state(engines, is_wanted=bool(queue), is_failed=trouble is not None and not _is_shorter(trouble))
    loading = loading_of(known, placement, replicas, 0.0)
    loads = [load for one in ready if one.client is not None and (load := one.client.load) is not None]
    counted = [one.process_bytes for one in mine if one.process_bytes is not None]
    return EngineStatus(
        name=spec.name,
        engine=spec.kind,
        state=state,
        failure=trouble.why if trouble is not None and state is not EngineState.READY else "",
        description=ready[0].client.description if ready and ready[0].client is not None else None,
        running=sum(engine.running for engine in engines),
        deaths=known.deaths,
        pid=next((one.pid for one in mine if one.pid is not None), None),
        waiting=len(queue),
        progress=loading.progress if state is EngineState.LOADING else 0.0,
        stage=_stage(state, engines, loading),
        replicas=spec.replicas,
        ready=tuple(pids),
        ready_pids=tuple(pids.values()),
        pinned=spec.pin,
        idle_unload_s=int(spec.idle_unload_s),
        planned=engines[0].need if engines else spec.ways[0],
        process_bytes=sum(counted) if counted else None,
        used_unix_ms=known.used_unix_ms,
        load_ms=0.0 if state is EngineState.READY else known.expected_load_s * 1000,
        wait_ms=shortest_wait_ms(one.client for one in ready if one.client is not None),
        waiting_batch=sum(load.waiting_batch for load in loads),
        obstacle="" if state is EngineState.READY else obstacle_of(spec.name, placement),
        weights=spec.weights,
    )


def obstacle_of(model: str, placement: Placement) -> str:
    """Why a model that is not loaded cannot be, as things stand; without the lines that an engine printed."""
    trouble = placement.troubles.get(model)
    if trouble is not None and trouble.retry_at_s is None:
        return trouble.why.partition("\n")[0]
    told = impossible(placement, placement.plans[model])
    return told[0] if told is not None else ""


def loading_of(known: Known, placement: Placement, replicas: Mapping[int, Replica], now_s: float) -> Loading:
    """What somebody who waits for a model is told."""
    target = Target(TargetKind.LOCAL, known.spec.name)
    version = placement.plans[known.spec.name].version
    starting = [
        replicas[engine.number]
        for engine in placement.engines.values()
        if engine.model == known.spec.name and engine.phase is Phase.STARTING and engine.number in replicas
    ]
    if not starting:
        return Loading(target, 0.0, placement.told.get(known.spec.name, ""))
    first = min(starting, key=lambda one: (one.engine.version != version, one.engine.number))
    left_ms = None
    if known.load_s is not None:
        left_ms = max(0, int((first.engine.since_s + known.load_s - now_s) * 1000))
    return Loading(target, first.progress.share, first.progress.stage, left_ms)


def _phase(engines: Iterable[Engine], replica: Replica) -> Phase:
    return next(engine.phase for engine in engines if engine.number == replica.engine.number)


def _is_shorter(trouble: Trouble) -> bool:
    """Whether all that is wrong is that the next try has a shorter context."""
    return bool(trouble.context_tokens) and trouble.retry_at_s is not None


def _state(engines: list[Engine], *, is_wanted: bool, is_failed: bool) -> EngineState:
    phases = {engine.phase for engine in engines}
    if Phase.READY in phases:
        return EngineState.READY
    if Phase.STARTING in phases or (is_wanted and not is_failed):
        return EngineState.LOADING
    return EngineState.FAILED if is_failed else EngineState.UNLOADED


def _stage(state: EngineState, engines: list[Engine], loading: Loading) -> str:
    if state is EngineState.LOADING:
        return loading.stage
    if state is EngineState.UNLOADED and engines:
        return "ending what it began"
    return ""
