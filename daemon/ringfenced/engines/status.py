"""What is known of a model's engines: values that go from the supervisor to whoever asks, another process too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from ringfenced.engines.wire import Description
from ringfenced.weights.dryrun import DeviceUse


class EngineState(StrEnum):
    """Where a model stands; the words of `Models.ListModels`."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What is known of one model's engines."""

    name: str
    """The model."""
    engine: str
    """Its engine's kind, for example ``llama.cpp``."""
    state: EngineState
    """Where it stands."""
    failure: str = ""
    """Why it failed, for people, last lines of its start included; no content. It stays while a restart is tried."""
    description: Description | None = None
    """What it hosts; None unless it is ready."""
    running: int = 0
    """Requests in its engines, their queues included."""
    deaths: int = 0
    """How often its engines died since the daemon started."""
    pid: int | None = None
    """A process of it; None where there is none."""
    waiting: int = 0
    """Requests that wait for it to be loaded."""
    progress: float = 0.0
    """0 to 1, while it is loading."""
    stage: str = ""
    """What is being done or waited for, for people."""
    replicas: int = 1
    """Engines wanted."""
    ready: tuple[int, ...] = ()
    """Numbers of the engines that take requests."""
    ready_pids: tuple[int, ...] = ()
    """Their processes, in the same order: who must be listening on their sockets."""
    pinned: bool = False
    """Never unloaded to make room."""
    idle_unload_s: int = 0
    """Unloaded after so many seconds without a request; 0 for never."""
    planned: Mapping[str, int] = field(default_factory=dict)
    """What an engine of it takes of memory as planned, in bytes by device; empty where nothing was planned."""
    process_bytes: int | None = None
    """What its processes take of the node's memory, as last measured; None where that is not known."""
    used_unix_ms: int | None = None
    """When a request last began or ended in it; None where none did."""
    load_ms: float = 0.0
    """How long loading it is expected to take, waiting for memory not included; 0 where it is ready."""
    wait_ms: int | None = None
    """How long a new interactive request is expected to wait for its place, by the least busy engine; None where none
    has said."""
    waiting_batch: int = 0
    """Requests in its engines' queues that nobody waits for."""
    obstacle: str = ""
    """Why it cannot be loaded as things stand; empty where it can."""
    weights: str = ""
    """Name of the file or folder that its weights come from."""

    @property
    def is_loadable(self) -> bool:
        """Whether a request for it may wait for it."""
        return not self.obstacle

    def to_json(self) -> dict[str, Any]:
        """As JSON, for another process of this node."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        """What `to_json` said.

        Raises:
            TypeError, ValueError: nothing of the kind.
        """
        description = said["description"]
        read = None
        if description is not None:
            plain = {one.name: _tuple(description[one.name]) for one in fields(Description)}
            read = Description(**{**plain, "memory": tuple(DeviceUse(**use) for use in description["memory"])})
        numbers = {name: tuple(said[name]) for name in ("ready", "ready_pids")}
        return cls(**{**said, **numbers, "state": EngineState(said["state"]), "description": read})


def _tuple(value: object) -> Any:
    """A list of JSON as the tuple that it was."""
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
