"""What the node tells of itself: its models and its health."""

from __future__ import annotations

from dataclasses import dataclass

from ringfenced.model.target import TargetKind


@dataclass(frozen=True, slots=True)
class Speed:
    """What a target takes."""

    first_token_ms: float
    """To the first token of an empty prompt, in milliseconds; what is waited before it works is not in it."""
    prompt_token_ms: float
    """For each token of the prompt that is read, on top."""
    token_ms: float
    """For each further token."""
    answers: int = 0
    """Measured from so many answers; 0 where it is configured."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What a model takes on one device."""

    device: str
    """As `DeviceFacts.id`."""
    planned_bytes: int | None = None
    """Weights, cache and compute buffers together, as planned; None where nothing was planned."""
    measured_bytes: int | None = None
    """The same as measured once it was loaded; None before."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as an operator sees it."""

    name: str
    """What callers ask for it by."""
    kind: TargetKind
    """Where it runs."""
    engine: str
    """For example ``llama.cpp``; the provider's name for a cloud model."""
    state: str
    """``unloaded``, ``loading``, ``ready`` or ``failed``."""
    context_tokens_max: int
    """Prompt and answer together."""
    quality: float
    """Expected quality, 0 to 1."""
    prompt_microcredits_per_1k_tokens: int
    """Price of the prompt."""
    completion_microcredits_per_1k_tokens: int
    """Price of the answer."""
    requests_running: int = 0
    """How many it works on now."""
    requests_waiting: int = 0
    """How many wait for it now."""
    failure: str = ""
    """Why it failed."""
    progress: float = 0.0
    """0 to 1, while it is loading."""
    stage: str = ""
    """What is being done or waited for, for people."""
    pinned: bool = False
    """Never unloaded to make room."""
    replicas: int = 1
    """Engine processes wanted."""
    replicas_ready: int = 0
    """Of these, ready."""
    memory: tuple[ModelMemory, ...] = ()
    """What it uses or would use, by device."""
    last_used_unix_ms: int | None = None
    """When the last request began in it; None where none did."""
    deaths: int = 0
    """How often its engines died since the daemon started."""
    wait_ms: int | None = None
    """How long a new interactive request is expected to wait for its place; None where not known."""
    requests_waiting_batch: int = 0
    """Of those that wait, the ones that nobody waits for."""
    supports_tools: bool = False
    """It can call tools."""
    supports_json_schema: bool = False
    """It keeps to a JSON schema."""
    supports_images: bool = False
    """It reads pictures."""
    supports_embeddings: bool = False
    """It embeds texts."""
    idle_unload_s: int = 0
    """Unloaded after so many seconds without a request; 0 for never."""
    process_bytes: int | None = None
    """Memory of its process groups by the kernel's account; None where not known."""
    weights: str = ""
    """Name of the file or folder that its weights come from."""
    configured: Speed | None = None
    """What it is expected to take by the configuration."""
    measured: Speed | None = None
    """What it was measured to take lately; None where too little is known, so that the configured counts."""
    closed: tuple[str, ...] = ()
    """The troubles for which it is left alone now, with the number of tenants; empty where it is not."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that can be well or not."""

    name: str
    """What was looked at."""
    ok: bool
    """It is well."""
    message: str = ""
    """What is wrong and what to do; empty when ok."""
