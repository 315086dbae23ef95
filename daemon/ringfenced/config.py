"""The daemon's configuration: one TOML file, read once, frozen; and the only place that reads the environment.

`ringfenced --config FILE --check-config` says what is wrong with a file, where, and what to write instead. Paths in the
file are relative to the file's own folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from ringfence.configfile import Section, load
from ringfence.labels import Category, Label, Level
from ringfence.recognize.plugins import Kind
from ringfence.recognize.settings import Classification
from ringfence.recognize.settings_types import near
from ringfence.tls13 import HYBRID, Group
from ringfenced.model import Caller, CallerRole


def _level(value: object) -> object:
    return Level[value.upper()] if isinstance(value, str) and value.upper() in Level.__members__ else value


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder = info.context if isinstance(info.context, Path) else Path.cwd()
    return folder / path


Levels = Annotated[Level, BeforeValidator(_level), Field(description="PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED")]
FilePath = Annotated[Path, AfterValidator(_beside)]
Identity = Annotated[str, Field(pattern=r"^spiffe://[A-Za-z0-9.\-_]+/[A-Za-z0-9.\-_/]+$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$", max_length=128)]
Share = Annotated[float, Field(ge=0, le=1)]


class Tls(Section):
    """A certificate and what it is checked against."""

    ca: FilePath
    """CA certificates that peers must chain to, PEM."""
    cert: FilePath
    """Our certificate chain, PEM."""
    key: FilePath
    """Its private key, PEM, mode 0600 or stricter."""


class Listen(Section):
    """Where applications reach the daemon; mTLS and TLS 1.3 only, on both."""

    tcp: str = ""
    """``host:port``; empty for none. Port 0 takes a free one, told in the log."""
    unix: FilePath | None = None
    """Path of a unix socket; none if unset."""
    health: str = ""
    """``host:port`` of a plain gRPC port with nothing but grpc.health.v1, for Kubernetes' probes; empty for none."""
    tls: Tls
    """Our certificate."""
    key_exchange_groups: frozenset[Group] = Field(default=frozenset({HYBRID}), min_length=1)
    """What a handshake may settle on. grpcio, Go 1.24 and OpenSSL 3.5 or later offer the hybrid; add ``X25519`` while
    callers are left that do not."""
    message_bytes_max: int = Field(default=16 * 1024 * 1024, ge=4096, le=256 * 1024 * 1024)
    """Largest request, in bytes."""
    calls_max: int = Field(default=2048, ge=1, le=100_000)
    """Most calls at the same time in one process; further ones are refused."""
    request_seconds_max: int = Field(default=600, ge=1, le=86_400)
    """How long a request may take that asks for no deadline, or for a later one."""

    @model_validator(mode="after")
    def _somewhere(self) -> Listen:
        if not self.tcp and self.unix is None:
            raise ValueError('set listen.tcp, for example "127.0.0.1:7443", or listen.unix, or both')
        return self


class LabelSetting(Section):
    """A label."""

    level: Levels = Level.PUBLIC
    """PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED."""
    categories: frozenset[Category] = frozenset()
    """Any of PHI, PII, PCI, FINANCIAL, SECRET, CUSTOM."""

    def label(self) -> Label:
        """As a value."""
        return Label(self.level, self.categories)


class CallerSetting(Section):
    """One identity that may call."""

    identity: Identity
    """URI SAN of its certificate, for example ``spiffe://site.example/ward-app``."""
    department: Name
    """Whose wallet pays; a name of [[departments]]."""
    tenant: Name = "site"
    """The tenant that the department belongs to; caches are never shared between tenants."""
    roles: frozenset[CallerRole] = frozenset({CallerRole.CALLER})
    """caller, operator, auditor."""
    label_default: LabelSetting = LabelSetting(level=Level.INTERNAL)
    """Label of a request that names none."""
    source: Name | None = None
    """The upstream system that this identity speaks for, a name of [[sources]]; its label always counts."""


class Department(Section):
    """One wallet."""

    name: Name
    """Unique."""
    grant_credits: int = Field(ge=0, le=10**12)
    """Credits granted in all; a credit is 1,000,000 microcredits."""
    label: LabelSetting = LabelSetting()
    """Least label of everything that it sends; a caller can raise it, never lower it."""
    weight: int = Field(default=1, ge=1, le=1000)
    """How much of a busy local model it may claim against other departments, which have 1 unless they say more."""


class Source(Section):
    """One upstream system that content comes from, for example a laboratory's.

    Requests name it in their field source; one that names a source that is not here is refused.
    """

    name: Name
    """Unique."""
    label: LabelSetting
    """Least label of what comes from it."""


class Price(Section):
    """What tokens cost, in microcredits (millionths of a credit) for a thousand."""

    prompt_microcredits_per_1k: int = Field(default=0, ge=0)
    """For a thousand tokens of the prompt."""
    completion_microcredits_per_1k: int = Field(default=0, ge=0)
    """For a thousand tokens of the answer."""


class Speed(Section):
    """What a target is expected to take until it is measured, in milliseconds."""

    first_token_ms: float = Field(default=50.0, ge=0)
    """To the first token."""
    token_ms: float = Field(default=5.0, ge=0)
    """For each further token."""


class Adapter(Section):
    """A LoRA adapter of a model; callers ask for it like for a model of its own."""

    name: Name
    """Unique among models and adapters."""
    path: FilePath
    """With llama.cpp: the GGUF file; with vllm: the folder."""
    quality: Share = 0.5
    """Expected quality, 0 to 1, until learned."""


class Vllm(Section):
    """What only vLLM takes."""

    python: FilePath | None = None
    """Interpreter of the virtual environment that has vLLM; the daemon's own if unset."""
    tensor_parallel: int = Field(default=1, ge=1, le=64)
    """GPUs that share each layer."""
    pipeline_parallel: int = Field(default=1, ge=1, le=64)
    """Groups of GPUs that take turns; more than one node needs vLLM's own launcher (docs/vllm.md)."""
    memory_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a device's memory that it may take (vLLM's gpu_memory_utilization)."""
    arguments: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Further fields of vLLM's AsyncEngineArgs, by their names."""


class LocalModel(Section):
    """One model that this node hosts, in an engine process of its own."""

    name: Name
    """Unique within the site."""
    engine: Literal["llama.cpp", "vllm", "command"] = "llama.cpp"
    """``llama.cpp``, ``vllm``, or ``command`` for any program that speaks the engine protocol on ``--socket PATH``."""
    path: FilePath | None = None
    """With llama.cpp: the GGUF file; with vllm: the folder that Hugging Face's libraries read."""
    library: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._\-]*)?$", max_length=128)
    """Instead of path: a name in the library, whose files were verified when they came."""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """With llama.cpp: digest that the file must have, hex; unchecked if empty."""
    command: tuple[str, ...] = ()
    """With command: the program and its arguments."""
    preload: bool = True
    """Load it when the daemon starts; otherwise when the first request comes."""
    pin: bool = False
    """Never unload it to make room for another."""
    rank: int = Field(default=0, ge=-100, le=100)
    """Which model gives way where memory is short: the lower one, even one with running requests, if it must; models of
    one rank never end each other's requests."""
    idle_unload_s: int = Field(default=0, ge=0)
    """Unload it after so many seconds without a request; 0 for never."""
    replicas: int = Field(default=1, ge=1, le=64)
    """Engine processes that share its requests."""
    memory_bytes: int = Field(default=0, ge=0)
    """What one engine process takes of the node's memory; 0 to compute it from the model's files."""
    devices: tuple[str, ...] = ()
    """Devices that it may use, as ``ringfence node`` names them; empty for any."""
    load_timeout_s: int = Field(default=600, ge=1, le=86_400)
    """How long loading may take."""
    context_tokens: int = Field(default=4096, ge=64)
    """Longest prompt and answer together of one sequence."""
    sequences: int = Field(default=4, ge=1, le=1024)
    """How many requests run at once; more wait."""
    waiting: int = Field(default=256, ge=0)
    """How many requests may wait; more are refused."""
    threads: int = Field(default=0, ge=0)
    """CPU threads of the engine; 0 for one a core."""
    gpu_layers: int = Field(default=0, ge=-1)
    """Layers on the GPU; -1 for all."""
    tensor_split: tuple[float, ...] = ()
    """With llama.cpp: each GPU's part of the layers, in proportion; empty to split by free memory."""
    cache_tokens: int = Field(default=0, ge=0)
    """With llama.cpp: tokens that the cache holds, all requests together; 0 for a whole context for each."""
    cache_type: Literal["f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"] = "f16"
    """With llama.cpp: how the cache is kept; quantised takes less memory and needs flash attention."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """With llama.cpp: attention without the whole matrix of scores."""
    step_tokens: int = Field(default=64, ge=8, le=8192)
    """Tokens of a prompt that are read in one step while other answers run: what a long prompt adds to their gaps."""
    prefix_cache: bool = True
    """Keep what was read of prompts, so that one that begins alike is read faster; never across tenants or labels, and
    never of what is confidential."""
    projector: FilePath | None = None
    """With llama.cpp: the GGUF file that makes pictures readable (mmproj)."""
    adapters: tuple[Adapter, ...] = ()
    """LoRA adapters."""
    embeddings: bool = False
    """It embeds texts and answers nothing."""
    vllm: Vllm = Vllm()
    """What only vLLM takes."""
    quality: Share = 0.5
    """Expected quality, 0 to 1, until learned."""
    price: Price = Price()
    """What it costs."""
    speed: Speed = Speed()
    """What it takes."""
    logprob_floor: float | None = Field(default=None, le=0)
    """Answers whose least certain token lies under this natural log-probability are handed up the ladder."""
    tools: bool = False
    """It can call tools."""
    json_schema: bool = True
    """It keeps to a JSON schema."""

    @model_validator(mode="after")
    def _complete(self) -> LocalModel:
        if self.engine != "command" and (self.path is None) == (not self.library):
            raise ValueError("a model needs either path, its file or folder, or library, its name there")
        if self.engine == "command" and not self.command:
            raise ValueError('a model with engine "command" needs command, the program and its arguments')
        return self


class ProviderModel(Section):
    """One model of a provider."""

    name: Name
    """The name that callers use, unique within the site; the agent's configuration maps it to the wire."""
    context_tokens: int = Field(default=128_000, ge=64)
    """Prompt and answer together."""
    quality: Share = 0.9
    """Expected quality, 0 to 1, until learned."""
    price: Price = Price()
    """What it costs."""
    speed: Speed = Speed(first_token_ms=500.0, token_ms=20.0)
    """What it takes."""
    tools: bool = True
    """It can call tools."""
    json_schema: bool = True
    """It keeps to a JSON schema."""
    images: bool = False
    """It reads pictures; only approved ones reach it (``classification.approved_pictures``)."""
    embeddings: bool = False
    """It embeds texts and answers nothing."""


class Provider(Section):
    """One provider, and what it is cleared for; the agent's own configuration must agree."""

    name: Name
    """As in the agent's configuration."""
    region: str = ""
    """Where it runs, for example ``eu``."""
    clearance: LabelSetting = LabelSetting(level=Level.PUBLIC)
    """Highest label that may go there. RESTRICTED content never leaves, whatever stands here."""
    models: tuple[ProviderModel, ...] = Field(min_length=1)
    """Its models."""


class Agent(Section):
    """The way out."""

    target: str
    """``unix:/path`` or ``host:port`` of ringfence-agent."""
    server_name: str = "localhost"
    """DNS name that the agent's certificate must bear."""
    tls: Tls
    """Our client certificate and the CA that the agent's chains to."""
    key_exchange_groups: frozenset[Group] = Field(default=frozenset({HYBRID}), min_length=1)
    """What a handshake with the agent may settle on; over anything else nothing is sent."""
    permit_key: FilePath
    """Ed25519 private key, PEM, that signs release permits."""
    permit_key_id: Name = "daemon-1"
    """How the agent's configuration names its public half."""
    log_public_key: FilePath
    """Ed25519 public key, PEM, of the egress log."""
    log_origin: str
    """Origin line of the log's checkpoints, as in the agent's configuration."""
    witness_name: str = Field(default="", pattern=r"^[^\s+]{0,255}$")
    """Name under which this daemon cosigns the log's checkpoints, for example ``site.example/witness``."""
    witness_key: FilePath | None = None
    """Ed25519 private key, PEM, that cosigns; none if unset."""
    witness_key_mldsa: FilePath | None = None
    """ML-DSA-44 private key, PEM, that cosigns as well or alone; none if unset."""

    @property
    def witness_keys(self) -> tuple[Path, ...]:
        """Every key that cosigns."""
        return tuple(key for key in (self.witness_key, self.witness_key_mldsa) if key is not None)

    @model_validator(mode="after")
    def _named(self) -> Agent:
        if bool(self.witness_name) != bool(self.witness_keys):
            raise ValueError("a daemon that cosigns needs witness_name, and witness_key or witness_key_mldsa")
        return self


class Telemetry(Section):
    """Logs and metrics; neither ever holds content."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe line that is written."""
    request_lines: bool = True
    """One canonical line for each request."""
    metrics: bool = True
    """Count requests, times and costs."""
    metrics_listen: str = ""
    """``host:port`` for Prometheus to scrape, plain HTTP, without content; empty for none."""


class Library(Section):
    """The models that lie on this node (``ringfence models``)."""

    folder: FilePath
    """Where they are, a folder each."""
    signers: tuple[FilePath, ...] = ()
    """Public keys, PEM, one of which must have signed what is imported; unsigned models are taken if empty."""


class Placement(Section):
    """Which models are in memory."""

    memory_bytes: int = Field(default=0, ge=0)
    """Most that engines may take of the node's own memory, all together; 0 for what the machine has, or the daemon's
    control group, less ``reserve_bytes``."""
    reserve_bytes: int = Field(default=1024**3, ge=0)
    """What is left of it for everything else."""
    device_reserve_bytes: int = Field(default=512 * 1024**2, ge=0)
    """What is left free of each GPU."""


class Streams(Section):
    """How answers are streamed."""

    coalesce_ms: float = Field(default=50.0, ge=0, le=1000)
    """How long an engine may let text gather before it sends it, in milliseconds: the first piece goes at once, the end
    never waits; 0 sends each step as it comes."""


class Config(Section):
    """The whole file."""

    node: Name = "node-1"
    """This node's name."""
    workers: int = Field(default=1, ge=1, le=256)
    """Processes that serve requests, one a core, on one port (SO_REUSEPORT)."""
    state: FilePath
    """Folder for the ledger, the witnessed checkpoint and caches; made with mode 0700 if missing."""
    runtime: FilePath | None = None
    """Folder for sockets between our own processes; a folder in `state` if unset. Keep it short: a unix socket's path
    has at most 107 bytes (unix(7))."""
    listen: Listen
    """Where applications reach the daemon."""
    callers: tuple[CallerSetting, ...] = Field(min_length=1)
    """Every identity that may call."""
    departments: tuple[Department, ...] = Field(min_length=1)
    """Every wallet."""
    sources: tuple[Source, ...] = ()
    """Upstream systems whose content has a label of its own."""
    classification: Classification = Classification()
    """What is looked for in every request, and what it means. The agent has a section of its own."""
    models: tuple[LocalModel, ...] = ()
    """Models of this node."""
    providers: tuple[Provider, ...] = ()
    """Providers that policy allows at all."""
    agent: Agent | None = None
    """The way out; without it nothing leaves."""
    streams: Streams = Streams()
    """How answers are streamed."""
    library: Library | None = None
    """The models that lie on this node; none if unset."""
    placement: Placement = Placement()
    """Which models are in memory."""
    telemetry: Telemetry = Telemetry()
    """Logs and metrics."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        wallets = {department.name for department in self.departments}
        for caller in self.callers:
            if caller.department not in wallets:
                raise ValueError(f"{caller.identity} belongs to {caller.department}, which no [[departments]] names")
        sources = {source.name for source in self.sources}
        for caller in self.callers:
            if caller.source is not None and caller.source not in sources:
                raise ValueError(f"{caller.identity} speaks for {caller.source}, which no [[sources]] names")
        names = [model.name for model in self.models]
        names += [adapter.name for model in self.models for adapter in model.adapters]
        names += [model.name for provider in self.providers for model in provider.models]
        for kind, seen in (
            ("model", names),
            ("department", [department.name for department in self.departments]),
            ("caller", [caller.identity for caller in self.callers]),
            ("provider", [provider.name for provider in self.providers]),
            ("source", [source.name for source in self.sources]),
        ):
            if twice := {name for name in seen if seen.count(name) > 1}:
                raise ValueError(f"every {kind} needs a name of its own; twice: {', '.join(sorted(twice))}")
        if self.workers > 1 and self.listen.tcp.endswith(":0"):
            raise ValueError("several workers share one port: give listen.tcp a number")
        if self.workers > 1 and not self.listen.tcp:
            raise ValueError("several workers need listen.tcp: a unix socket has one listener")
        if self.providers and self.agent is None:
            raise ValueError("[[providers]] need an [agent]: nothing leaves but through it")
        return self

    @model_validator(mode="after")
    def _has_library(self) -> Config:
        if self.library is None and (lying := [model.name for model in self.models if model.library]):
            raise ValueError(f"{lying[0]} comes from the library, and there is no [library]: set its folder")
        return self

    @model_validator(mode="after")
    def _read_here(self) -> Config:
        """Texts are read by models of this node alone: a provider's would see them as they are."""
        local = [model.name for model in self.models]
        for plugin in self.classification.plugins:
            if plugin.kind is Kind.LLM and plugin.model not in local:
                raise ValueError(
                    f"plug-in {plugin.name} asks {plugin.model}, which is no model of this node; "
                    f"write {near(plugin.model, local) if local else 'one under [[models]]'}"
                )
        return self

    @property
    def runtime_folder(self) -> Path:
        """Where the sockets between our own processes are."""
        return self.runtime or self.state / "run"

    def callers_by_identity(self) -> dict[str, Caller]:
        """Every identity as a value."""
        departments = {department.name: department for department in self.departments}
        return {
            setting.identity: Caller(
                identity=setting.identity,
                tenant=setting.tenant,
                department=setting.department,
                roles=setting.roles,
                label_default=setting.label_default.label(),
                label_department=departments[setting.department].label.label(),
                source=setting.source or "",
                weight=departments[setting.department].weight,
            )
            for setting in self.callers
        }

    def labels_by_source(self) -> dict[str, Label]:
        """Every upstream system's label."""
        return {source.name: source.label.label() for source in self.sources}

    def policy_source(self) -> str:
        """What of this file is policy, as canonical JSON.

        That is who may call, which departments and sources have labels, what is looked for and what it means (the
        whole table in force, as this version ships it), and what each provider is cleared for.
        """
        document = self.model_dump(mode="json", include={"callers", "providers", "sources"})
        labels = {department.name: str(department.label.label()) for department in self.departments}
        document |= {"departments": labels, "classification": self.classification.document()}
        return json.dumps(_sorted(document), sort_keys=True, separators=(",", ":"))

    def policy_digest(self) -> str:
        """SHA-256 of the policy, hex."""
        return hashlib.sha256(self.policy_source().encode()).hexdigest()


def _sorted(value: object) -> object:
    """Sets come out of pydantic in no order: sort what is a list of words, so that the digest is stable."""
    if isinstance(value, dict):
        return {key: _sorted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        words = [item for item in value if isinstance(item, str)]
        return sorted(words) if len(words) == len(value) else [_sorted(item) for item in value]
    return value


def read(path: Path) -> Config:
    """The configuration at `path`.

    Raises:
        ConfigError: with a line for each problem.
    """
    return load(path, Config)


def notify_environment() -> Mapping[str, str]:
    """The variables that systemd tells its socket by (sd_notify(3))."""
    return {name: os.environ[name] for name in ("NOTIFY_SOCKET",) if name in os.environ}
