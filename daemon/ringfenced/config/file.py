"""The whole file of the daemon, and what the daemon makes of it: callers, qualities, costs and the policy in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, model_validator

from ringfence.configfile import Section, load
from ringfence.confine.settings import Confine
from ringfence.labels import Label
from ringfence.recognize.settings import Classification
from ringfenced.config.agent import Agent
from ringfenced.config.callers import CallerSetting, Department, Source
from ringfenced.config.checks import CHECKS
from ringfenced.config.evaluators import Evaluator
from ringfenced.config.listen import Listen, Streams
from ringfenced.config.models import Library, LocalModel, Placement
from ringfenced.config.policy import Policies
from ringfenced.config.providers import Provider
from ringfenced.config.routing import Routing
from ringfenced.config.telemetry import Telemetry
from ringfenced.config.types import FilePath, Name
from ringfenced.model import Caller
from ringfenced.policy import PEOPLE, Ceilings, People, ProviderFacts, Rulebook, World, everybody, parse, schema_text
from ringfenced.policy import Source as CedarSource


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
    drain_seconds_max: float = Field(default=20.0, ge=0, le=300)
    """How long running requests may go on after SIGTERM, in seconds, before they are broken off. `TimeoutStopSec=` of
    the unit, 30 s as shipped, must be at least 10 s more, so that more than 20 take a drop-in; the chart gives its pods
    so much by itself (terminationGracePeriodSeconds)."""
    confine: Confine = Confine()
    """How the daemon and its engines shut themselves in."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        for check in CHECKS:
            check(self)
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
