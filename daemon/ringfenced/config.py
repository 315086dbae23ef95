"""The daemon's configuration: one TOML file, read once, frozen; and the only place that reads the environment.

`ringfenced --config FILE --check-config` says what is wrong with a file, where, and what to write instead. Paths in the
file are relative to the file's own folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ringfence.configfile import Section, load
from ringfence.labels import Label, Level
from ringfence.recognize.plugins import Kind
from ringfence.recognize.settings import Classification
from ringfence.recognize.settings_types import near
from ringfence.tls13 import HYBRID, Group
from ringfenced.config_evaluators import Evaluator, with_built_in
from ringfenced.config_models import Library, LocalModel, Placement
from ringfenced.config_policy import Policies
from ringfenced.config_routing import Routing
from ringfenced.config_types import FilePath, Identity, LabelSetting, Name, Price, Share, Speed, Tls
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import PEOPLE, Ceilings, People, ProviderFacts, Rulebook, World, everybody, parse, schema_text
from ringfenced.policy import Source as CedarSource


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
    evaluators: tuple[Name, ...] = ()
    """Who judges its answers: names of [[evaluators]], or of built-in ones (docs/evaluators.md)."""


class Provider(Section):
    """One provider, and what it is cleared for; the agent's own configuration must agree."""

    name: Name
    """As in the agent's configuration."""
    region: str = ""
    """Where it runs, for example ``eu``."""
    contract: str = ""
    """What was signed with it, for policies to ask for, for example ``BAA`` or ``DPA``; empty for nothing."""
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
    evaluators: tuple[Evaluator, ...] = ()
    """Who judges answers, besides the built-in ones."""
    agent: Agent | None = None
    """The way out; without it nothing leaves."""
    streams: Streams = Streams()
    """How answers are streamed."""
    library: Library | None = None
    """The models that lie on this node; none if unset."""
    placement: Placement = Placement()
    """Which models are in memory."""
    policy: Policies = Policies()
    """Who may do what, and which label may go where, on top of the built-in rules."""
    routing: Routing = Routing()
    """How targets are chosen among those that are allowed."""
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
            ("evaluator", [evaluator.name for evaluator in self.evaluators]),
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
    def _names_in_policy(self) -> Config:
        """A name that is nobody's would make a rule that never applies."""
        callers = {caller.identity for caller in self.callers}
        departments = {department.name for department in self.departments}
        providers = {provider.name for provider in self.providers}
        targets = {f"local:{model.name}" for model in self.models}
        targets |= {f"local:{adapter.name}" for model in self.models for adapter in model.adapters}
        targets |= {f"{provider.name}/{model.name}" for provider in self.providers for model in provider.models}
        table = [
            (f"the policy's rule {rule.name}", names, known)
            for rule in self.policy.rules
            for names, known in (
                (rule.callers, callers),
                (rule.departments, departments),
                (rule.sources, {source.name for source in self.sources}),
                (rule.only_providers, providers),
                (rule.only_models, targets),
            )
        ]
        for one in self.policy.ceilings:
            table.append(("a policy's ceiling", frozenset({one.caller} if one.caller else ()), callers))
            table.append(("a policy's ceiling", frozenset({one.department} if one.department else ()), departments))
        for what, names, known in table:
            for name in sorted(names - known):
                advice = f"write {near(name, sorted(known))}" if known else "there is none at all"
                raise ValueError(f"{what} names {name}, which this file does not; {advice}")
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

    @model_validator(mode="after")
    def _judged(self) -> Config:
        """Who is named judges, and a model that judges is one of this node: a provider's would see what it may not."""
        known = with_built_in(self.evaluators)
        named = [(model.name, model.evaluators) for model in self.models]
        named += [(model.name, model.evaluators) for provider in self.providers for model in provider.models]
        for target, names in named:
            if unknown := next((name for name in names if name not in known), None):
                raise ValueError(f"{target} names no evaluator of this site; write {near(unknown, known)}")
        local = [model.name for model in self.models if not model.embeddings]
        for evaluator in self.evaluators:
            if evaluator.kind == "judge" and evaluator.model not in local:
                write = near(evaluator.model, local) if local else "one under [[models]]"
                raise ValueError(f"evaluator {evaluator.name} asks no model of this node; write {write}")
        return self

    @model_validator(mode="after")
    def _embedded(self) -> Config:
        """Prompts are embedded by a model of this node alone."""
        name = self.routing.embedder
        able = [model.name for model in self.models if model.embeddings]
        if name is not None and name not in able:
            write = near(name, able) if able else "one under [[models]] with embeddings = true"
            raise ValueError(f"routing.embedder names no model of this node that embeds; write {write}")
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

    def qualities(self) -> dict[str, float]:
        """Every model's configured quality."""
        local = [(model.name, model.quality) for model in self.models]
        local += [(adapter.name, adapter.quality) for model in self.models for adapter in model.adapters]
        return dict(local + [(model.name, model.quality) for each in self.providers for model in each.models])

    def costs(self) -> dict[str, float]:
        """What an answer of each model costs in microcredits, where nobody knows better: a thousand tokens in all."""
        prices = [(model.name, model.price) for model in self.models]
        prices += [(adapter.name, model.price) for model in self.models for adapter in model.adapters]
        prices += [(model.name, model.price) for each in self.providers for model in each.models]
        return {
            name: (price.prompt_microcredits_per_1k + price.completion_microcredits_per_1k) / 2
            for name, price in prices
        }

    def rulebook(self, text: str = "", people: str = "") -> Rulebook:
        """The site's policy.

        Args:
            text: what stands in its Cedar file.
            people: what stands in its Cedar file about people.

        Raises:
            PolicyError: a text is no policy.
        """
        acting = self._people(people)
        sources = self.policy.sources(text)
        providers = {one.name: ProviderFacts(one.region, one.contract, one.clearance.label()) for one in self.providers}
        return Rulebook(
            parse(sources),
            World(providers, everybody(self.callers_by_identity().values())),
            ceilings=Ceilings([one.ceiling() for one in self.policy.ceilings]),
            source=self.policy_source([(one.name.rpartition("/")[2], one.text) for one in sources], people),
            people=acting,
        )

    def _people(self, text: str) -> People | None:
        if self.policy.people is None:
            return None
        source = CedarSource(str(self.policy.people), text)
        return People(source, self.node, self.callers_by_identity().values())

    def policy_source(self, cedar: Sequence[tuple[str, str]] = (), people: str = "") -> str:
        """All that is policy, as canonical JSON; its SHA-256 is the digest that stands in decisions.

        That is who may call, which departments and sources have labels, what is looked for and what it means (the
        whole table in force, as this version ships it), what each provider is cleared for, what each process that
        judges answers is shown, what a request may cost, and the policies of `cedar`, by name. Where
        the site has a policy for `people`, that and its schema too.
        """
        document = self.model_dump(mode="json", include={"callers", "providers", "sources"})
        labels = {department.name: str(department.label.label()) for department in self.departments}
        shown = {one.name: str(one.label_max.label()) for one in self.evaluators if one.kind == "grpc"}
        document |= {"departments": labels, "classification": self.classification.document(), "evaluators": shown}
        document["policy"] = {
            "cedar": [{"name": name, "text": text} for name, text in cedar],
            "ceilings": [one.model_dump(mode="json") for one in self.policy.ceilings],
            "schema": schema_text(),
        }
        if self.policy.people is not None:
            document["policy"]["people"] = {
                "cedar": [{"name": self.policy.people.name, "text": people}],
                "schema": schema_text(PEOPLE),
            }
        return json.dumps(_sorted(document), sort_keys=True, separators=(",", ":"))

    def policy_digest(self) -> str:
        """SHA-256 of what of this file is policy by itself, hex; a decision's digest covers the policy's file too."""
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
