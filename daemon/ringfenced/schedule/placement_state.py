"""What placement knows, what it hears, and what it says: frozen values.

A model is *wanted* by requests and operators, and *kept* once it was loaded, until it has to leave. An engine is one
process of it; its number is never used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Bytes = Mapping[str, int]
"""Memory by device."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One model that can be placed."""

    name: str
    """Unique on the node."""
    ways: tuple[Bytes, ...] = ({},)
    """What one engine takes, by device; several where it can be placed in several ways, the best first."""
    version: int = 0
    """Which weights these are: engines of another version are replaced."""
    preload: bool = False
    """Loaded at the start, where that needs no other's memory."""
    pin: bool = False
    """Never unloaded to make room."""
    rank: int = 0
    """The lower one gives way."""
    idle_unload_s: float = 0.0
    """Unloaded after so many seconds without a request; 0 for never."""
    replicas: int = 1
    """Engines that share its requests, as memory allows."""
    context_tokens: int = 0
    """Longest prompt and answer; 0 where that is the engine's own affair."""
    context_tokens_min: int = 0
    """What it may be halved down to where loading runs out of memory; as much as `context_tokens` for not at all."""


class Phase(StrEnum):
    """Where an engine stands."""

    STARTING = "starting"
    """Its process runs, its model is being loaded."""
    READY = "ready"
    """It takes requests."""
    DRAINING = "draining"
    """It ends what it began, and takes nothing new."""
    STOPPING = "stopping"
    """It was told to stop; its memory is not free before it is gone."""
    LOST = "lost"
    """It does not answer any more; its memory is not free before it is gone, and only then is it started again."""


class Cause(StrEnum):
    """Why an engine takes nothing new."""

    ROOM = "room"
    """Its memory is wanted; taken back where nobody waits for it any more."""
    UNLOAD = "unload"
    """An operator said so."""
    REPLACE = "replace"
    """Other weights take its place."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine process."""

    number: int
    """Its own, for ever."""
    model: str
    """What it hosts."""
    version: int
    """Of the model's weights."""
    need: Bytes
    """What it takes."""
    since_s: float
    """When it came into its phase."""
    used_s: float
    """When a request last began or ended in it; when it was started, before any."""
    context_tokens: int = 0
    """As it was started."""
    phase: Phase = Phase.STARTING
    """Where it stands."""
    running: int = 0
    """Requests in it."""
    served: int = 0
    """Requests that ended in it."""
    cause: Cause | None = None
    """Why it is draining."""
    stop_by_s: float | None = None
    """When a draining one is stopped whatever runs in it; None for never."""

    def counting(self, running: int, served: int, now_s: float) -> Engine:
        """The same with other counts: what every request does twice, without `dataclasses.replace`'s search."""
        known = self.number, self.model, self.version, self.need, self.since_s, now_s, self.context_tokens, self.phase
        return Engine(*known, running, served, self.cause, self.stop_by_s)


class Asker(StrEnum):
    """Who wants a model."""

    REQUEST = "request"
    """A request, which then runs in it."""
    OPERATOR = "operator"
    """An operator, who forgives earlier failures."""


@dataclass(frozen=True, slots=True)
class Want:
    """Somebody who waits for a model."""

    number: int
    """Its own, for ever; orders those that came at the same time."""
    since_s: float
    """When it came."""
    deadline_s: float | None = None
    """When it stops waiting; None for never."""
    asker: Asker = Asker.REQUEST
    """Who it is."""
    prefer: int | None = None
    """The engine that it would rather have, among those that are equally busy."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with a model; forgotten when an engine of it gets ready."""

    why: str
    """For people."""
    retry_at_s: float | None
    """When it may be tried again; None for not before an operator asks."""
    context_tokens: int = 0
    """Where memory ran out: the smaller context to try; 0 for the planned one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Everything that a decision goes by. Its size is that of what is loaded or waited for, not of what could be."""

    plans: Mapping[str, Plan]
    """Every model; never changed, only replaced."""
    budget: Bytes = field(default_factory=dict)
    """What all engines together may take, by usable device."""
    engines: Mapping[int, Engine] = field(default_factory=dict)
    """Those that live, by number, oldest first."""
    queues: Mapping[str, tuple[Want, ...]] = field(default_factory=dict)
    """Who waits for which model, in order; no empty queue."""
    kept: frozenset[str] = frozenset()
    """Models that should be loaded: started again after a death, with all their replicas, as memory allows."""
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    """Of models whose engines died."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What those who wait for a model were last told."""
    engines_n: int = 0
    """How many engines there have been."""

    def with_engine(self, engine: Engine) -> Placement:
        """The same with one engine otherwise."""
        engines = {**self.engines, engine.number: engine}
        return Placement(
            *(self.plans, self.budget, engines, self.queues, self.kept, self.troubles, self.told, self.engines_n)
        )


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Began:
    """The node begins: preload."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants a model; ends in exactly one `Grant` or `Refuse`, or in `Left`."""

    model: str
    want: Want


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody does not wait any more; one that does not wait is nobody."""

    model: str
    number: int


@dataclass(frozen=True, slots=True)
class RequestBegan:
    """A request began in an engine without asking, because it was ready (a worker process told it)."""

    engine: int


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A request ended, however it did."""

    engine: int


@dataclass(frozen=True, slots=True)
class EngineReady:
    """An engine takes requests."""

    engine: int


@dataclass(frozen=True, slots=True)
class EngineLost:
    """An engine that was ready does not answer any more; `EngineGone` follows."""

    engine: int


@dataclass(frozen=True, slots=True)
class EngineGone:
    """An engine's process has ended, and its memory is free."""

    engine: int
    why: str = ""
    """For people; of no account where it was told to stop."""
    retry_at_s: float | None = 0.0
    """When its model may be started again; None for not before an operator asks."""
    is_memory: bool = False
    """It ran out of memory while it loaded."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """Engines may take another amount of memory."""

    budget: Bytes


@dataclass(frozen=True, slots=True)
class UnloadAsked:
    """An operator wants a model out of memory."""

    model: str
    force: bool
    """End the requests in it instead of waiting for them."""


@dataclass(frozen=True, slots=True)
class Revised:
    """A model has another plan from now on: other weights (another version), or its old ones again."""

    plan: Plan


Event = (
    Began
    | Wanted
    | Left
    | RequestBegan
    | RequestEnded
    | EngineReady
    | EngineLost
    | EngineGone
    | Tick
    | BudgetChanged
    | UnloadAsked
    | Revised
)


# ── effects ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Start:
    """Start this engine; `EngineReady` or `EngineGone` follows."""

    engine: Engine


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop this engine now; `EngineGone` follows. Requests in it, if any, end with an error."""

    engine: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The model is there. A request counts as running in the engine from here on: `RequestEnded` must follow."""

    number: int
    engine: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Whoever waits for the model learns what is waited for."""

    model: str
    stage: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot be had."""

    number: int
    reason: str
    """``no_room``, ``quarantined``, ``unloaded``, ``deadline`` or ``model_unknown``."""
    why: str
    """For people."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """What `why` names."""


Effect = Start | Stop | Grant | Tell | Refuse
