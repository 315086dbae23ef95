"""The directory of targets and callers: configuration joined with what is true now."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol

from ringfence.labels import Label, meet
from ringfenced.config import Config, LocalModel, Provider, ProviderModel
from ringfenced.engines.status import EngineStatus
from ringfenced.errors import NotFound
from ringfenced.model import Caller, HealthCheck, ModelFacts, ModelMemory, Offer, Speed, Target, TargetKind
from ringfenced.nouns import Place
from ringfenced.site.adapted import AdaptedPlace, AdapterPlace
from ringfenced.site.exits import Spent
from ringfenced.weights.dryrun import HOST


class Engines(Protocol):
    """The engines of this node."""

    changes: int
    """Counts whenever something of a state has changed."""

    def states(self) -> Mapping[str, EngineStatus]:
        """Where each model stands."""
        ...

    def waits(self) -> Mapping[str, int]:
        """How many milliseconds whoever asks would wait for a place, by model; without models that have one."""
        ...

    def place(self, name: str, *, seconds_max: float | None, salt: bytes) -> AdapterPlace:
        """A place on a model."""
        ...


_RESTING: Final = "the agent leaves the provider alone for a while, for it failed too often"


class Exit(Protocol):
    """What the agent says of one model."""

    @property
    def region(self) -> str:
        """Where it runs."""
        ...

    @property
    def clearance(self) -> Label:
        """Highest label that the agent lets go there."""
        ...


class Exits(Protocol):
    """What the agent says it can reach."""

    def exit(self, provider: str, model: str) -> Exit | None:
        """What the agent says of a model; None where it lists no such model or may not send there now."""
        ...

    def is_resting(self, provider: str, model: str) -> bool:
        """Whether the agent lists a model and leaves its provider alone, for it failed too often."""
        ...

    def spent(self, provider: str, model: str) -> Spent | None:
        """What of a model's rate is used up, and until when; None where something may be sent."""
        ...

    @property
    def closed_reason(self) -> str:
        """Why nothing leaves at present; empty where something may."""
        ...

    @property
    def connection(self) -> str:
        """How the connection to the agent is secured, for people."""
        ...


class SiteDirectory:
    """Implements `nouns.Directory`."""

    def __init__(self, config: Config, engines: Engines, exits: Exits, ledger_failure: Callable[[], str]) -> None:
        """Join.

        Args:
            config: the file.
            engines: the engines.
            exits: what the agent can reach.
            ledger_failure: why settlements are not being written; while they are not, nothing leaves.
        """
        self._engines = engines
        self._exits = exits
        self._ledger_failure = ledger_failure
        self._models = {model.name: model for model in config.models}
        self._adapters = {adapter.name: (model, adapter) for model in config.models for adapter in model.adapters}
        self._providers = config.providers
        self.callers: dict[str, Caller] = config.callers_by_identity()
        self.sources: dict[str, Label] = config.labels_by_source()
        self._offered_for: tuple[str, ...] | None = None
        self._offers: tuple[Offer, ...] = ()
        self._waits: Mapping[str, int] = {}
        self._offers_now: tuple[Offer, ...] = ()
        """The same with the lines before the engines, which change all the time."""
        self._names = (
            *self._models,
            *self._adapters,
            *(model.name for provider in config.providers for model in provider.models),
        )

    def offers(self) -> tuple[Offer, ...]:
        """Every target, as it stands now."""
        now = (
            str(self._engines.changes),
            *(self._closed(provider, model) for provider in self._providers for model in provider.models),
            *(str(self._clearance(provider, model)) for provider in self._providers for model in provider.models),
        )
        # Offers are made anew only when something has changed: deciding asks for them with every request.
        if now != self._offered_for:
            states = self._engines.states()
            local = [offer for name, model in self._models.items() for offer in _local_offers(model, states[name])]
            exits = [self._exit_offer(provider, model) for provider in self._providers for model in provider.models]
            self._offered_for, self._offers = now, (*local, *exits)
            self._offers_now = self._offers
            self._waits = {}
        if (waits := self._engines.waits()) != self._waits:
            self._waits = waits
            self._offers_now = tuple(self._waited(offer, waits) for offer in self._offers)
        return self._offers_now

    def _waited(self, offer: Offer, waits: Mapping[str, int]) -> Offer:
        """An offer with the wait that nobody escapes in its time to the first token."""
        target = offer.target
        if target.kind is not TargetKind.LOCAL:
            return offer
        base = self._adapters[target.model][0].name if target.model in self._adapters else target.model
        if base not in waits:
            return offer
        return replace(offer, first_token_ms=offer.first_token_ms + waits[base], wait_ms=offer.wait_ms + waits[base])

    def place(self, model: str, *, seconds_max: float | None, salt: bytes) -> Place:
        """A place on an engine that hosts `model`, an adapter perhaps; it is loaded where it is not."""
        if model not in self._adapters:
            return self._engines.place(model, seconds_max=seconds_max, salt=salt)
        base, adapter = self._adapters[model]
        return AdaptedPlace(self._engines.place(base.name, seconds_max=seconds_max, salt=salt), adapter.name)

    def default_model(self) -> str:
        """The first local model."""
        name = next(iter(self._models), None)
        if name is None:
            raise NotFound("This node hosts no model. Add one under [[models]].", reason="model_unknown")
        return name

    def context_tokens_max(self, model: str) -> int:
        """Prompt and answer together, for a local model."""
        base = self._adapters[model][0] if model in self._adapters else self._models[model]
        return base.context_tokens

    def check_model(self, name: str) -> None:
        """Pass if `name` is a model of this site.

        Raises:
            NotFound: with the nearest names.
        """
        if name in self._names:
            return
        near = tuple(difflib.get_close_matches(name, self._names, n=3, cutoff=0.4)) or self._names[:3]
        raise NotFound(
            f"This site has no model of that name. Nearest: {', '.join(near) or 'none, it has no models'}.",
            reason="model_unknown",
            suggestions=near,
        )

    def check_source(self, name: str) -> None:
        """Pass if `name` is an upstream system of this site: what comes from an unknown one has no label to go by.

        Raises:
            NotFound: with the nearest names.
        """
        if name in self.sources:
            return
        near = tuple(difflib.get_close_matches(name, self.sources, n=3, cutoff=0.4)) or tuple(self.sources)[:3]
        raise NotFound(
            f"This site has no source of that name. Nearest: {', '.join(near) or 'none, it has no [[sources]]'}.",
            reason="source_unknown",
            suggestions=near,
            input_path="source",
        )

    def models(self) -> tuple[ModelFacts, ...]:
        """Every model as an operator sees it."""
        states = self._engines.states()
        local = [facts for name, model in self._models.items() for facts in _local_facts(model, states[name])]
        return (*local, *(self._exit_facts(p, model) for p in self._providers for model in p.models))

    def checks(self) -> tuple[HealthCheck, ...]:
        """Whether each model of this node is well."""
        states = self._engines.states()
        return tuple(_health(states[name], is_preloaded=model.preload) for name, model in self._models.items())

    def _exit_offer(self, provider: Provider, model: ProviderModel) -> Offer:
        reason = self._closed(provider, model)
        return Offer(
            target=Target(TargetKind.PROVIDER, model.name, provider=provider.name, region=provider.region),
            available=not reason,
            unavailable_reason=reason,
            quality=model.quality,
            context_tokens_max=model.context_tokens,
            prompt_microcredits_per_1k_tokens=model.price.prompt_microcredits_per_1k,
            completion_microcredits_per_1k_tokens=model.price.completion_microcredits_per_1k,
            cached_prompt_microcredits_per_1k_tokens=model.price.cached_prompt_microcredits_per_1k,
            first_token_ms=model.speed.first_token_ms,
            token_ms=model.speed.token_ms,
            clearance=self._clearance(provider, model),
            supports_tools=model.tools,
            supports_json_schema=model.json_schema,
            supports_images=model.images,
            supports_embeddings=model.embeddings,
            supports_text=not model.embeddings,
            evaluators=model.evaluators,
        )

    def _clearance(self, provider: Provider, model: ProviderModel) -> Label:
        """What both sides clear a provider for."""
        ours = provider.clearance.label()
        exit_ = self._exits.exit(provider.name, model.name)
        return meet(ours, exit_.clearance) if exit_ is not None else ours

    def _closed(self, provider: Provider, model: ProviderModel) -> str:
        """Why a provider's model cannot be used now; empty where it can. When in doubt, closed."""
        spent = self._exits.spent(provider.name, model.name)
        return self._away(provider, model) or (_spent(spent) if spent is not None else "")

    def _away(self, provider: Provider, model: ProviderModel) -> str:
        """Why a provider's model is not there; empty where it is, though its rate may be spent."""
        if failure := self._ledger_failure():
            return failure
        if reason := self._exits.closed_reason:
            return reason
        exit_ = self._exits.exit(provider.name, model.name)
        if exit_ is None:
            resting = self._exits.is_resting(provider.name, model.name)
            return _RESTING if resting else "the agent's configuration does not list it, or the agent is locked down"
        if exit_.region != provider.region:
            return "the agent's configuration has another region for it; make the two agree"
        return ""

    def _exit_facts(self, provider: Provider, model: ProviderModel) -> ModelFacts:
        return ModelFacts(
            name=model.name,
            kind=TargetKind.PROVIDER,
            engine=provider.name,
            state="failed" if self._away(provider, model) else "ready",
            context_tokens_max=model.context_tokens,
            quality=model.quality,
            prompt_microcredits_per_1k_tokens=model.price.prompt_microcredits_per_1k,
            completion_microcredits_per_1k_tokens=model.price.completion_microcredits_per_1k,
            failure=self._closed(provider, model),
            configured=Speed(model.speed.first_token_ms, 0.0, model.speed.token_ms),
        )


def _spent(spent: Spent) -> str:
    """Why a model is kept from requests whose rate is used up."""
    until = datetime.fromtimestamp(spent.until_unix_ms / 1000, UTC)
    what = "the agent's quota for the provider" if spent.of == "quota" else f"its rate of {spent.of or 'something'}"
    return f"{what} is spent until {until:%H:%M:%S} UTC"


def _local_offers(model: LocalModel, status: EngineStatus) -> Iterator[Offer]:
    """A model, and each of its adapters as a model of its own.

    A model that is not loaded is on offer too, where it can be: it takes the longer to its first token.
    """
    ready = status.state == "ready"
    shorter = status.description.context_tokens_max if status.description is not None else 0
    base = Offer(
        target=Target(TargetKind.LOCAL, model.name),
        available=ready or not status.obstacle,
        unavailable_reason="" if ready else status.obstacle,
        quality=model.quality,
        context_tokens_max=min(model.context_tokens, shorter) if shorter else model.context_tokens,
        prompt_microcredits_per_1k_tokens=model.price.prompt_microcredits_per_1k,
        completion_microcredits_per_1k_tokens=model.price.completion_microcredits_per_1k,
        cached_prompt_microcredits_per_1k_tokens=model.price.cached_prompt_microcredits_per_1k,
        first_token_ms=model.speed.first_token_ms + status.load_ms,
        token_ms=model.speed.token_ms,
        wait_ms=status.load_ms,
        supports_tools=model.tools,
        supports_json_schema=model.json_schema,
        supports_images=model.projector is not None,
        supports_grammar=model.engine == "llama.cpp",
        supports_logprobs=model.engine != "command",
        supports_embeddings=model.embeddings,
        supports_text=not model.embeddings,
        logprob_floor=model.logprob_floor,
        evaluators=model.evaluators,
    )
    yield base
    for adapter in model.adapters:
        yield replace(base, target=Target(TargetKind.LOCAL, adapter.name), quality=adapter.quality)


def _local_facts(model: LocalModel, status: EngineStatus) -> Iterator[ModelFacts]:
    description = status.description
    base = ModelFacts(
        name=model.name,
        kind=TargetKind.LOCAL,
        engine=model.engine,
        state=str(status.state),
        context_tokens_max=description.context_tokens_max if description is not None else model.context_tokens,
        quality=model.quality,
        prompt_microcredits_per_1k_tokens=model.price.prompt_microcredits_per_1k,
        completion_microcredits_per_1k_tokens=model.price.completion_microcredits_per_1k,
        requests_running=status.running,
        requests_waiting=status.waiting,
        requests_waiting_batch=status.waiting_batch,
        wait_ms=status.wait_ms,
        failure=status.failure or (status.obstacle if status.state == "unloaded" else ""),
        progress=status.progress,
        stage=status.stage,
        pinned=status.pinned,
        replicas=status.replicas,
        replicas_ready=len(status.ready),
        memory=_memory(status),
        last_used_unix_ms=status.used_unix_ms,
        deaths=status.deaths,
        supports_tools=model.tools,
        supports_json_schema=model.json_schema,
        supports_embeddings=model.embeddings,
        supports_images=model.projector is not None,
        idle_unload_s=status.idle_unload_s,
        process_bytes=status.process_bytes,
        weights=status.weights,
        configured=Speed(model.speed.first_token_ms, 0.0, model.speed.token_ms),
    )
    yield base
    for adapter in model.adapters:
        yield replace(base, name=adapter.name, quality=adapter.quality)


def _memory(status: EngineStatus) -> tuple[ModelMemory, ...]:
    """What a model takes by device, as planned and as its engine's library reports it."""
    gpus = [name for name in status.planned if name != HOST]  # in the order in which the engine sees them
    as_engines_say = {f"CUDA{number}": name for number, name in enumerate(gpus)}
    uses = status.description.memory if status.description is not None else ()
    measured = {as_engines_say.get(use.device, use.device): use.bytes for use in uses}
    names = dict.fromkeys((*status.planned, *measured))
    return tuple(ModelMemory(name, status.planned.get(name), measured.get(name)) for name in names)


def _health(status: EngineStatus, *, is_preloaded: bool) -> HealthCheck:
    """Unwell is what failed, what cannot be loaded, and what should be there from the start and is not there yet."""
    name = f"model {status.name}"
    if status.state == "ready":
        return HealthCheck(name, ok=True)
    if status.failure or status.obstacle:
        return HealthCheck(name, ok=False, message=status.failure or f"it cannot be loaded: {status.obstacle}")
    if status.state == "loading" and is_preloaded:
        return HealthCheck(name, ok=False, message=f"it is loading: {status.stage}")
    return HealthCheck(name, ok=True, message=f"it is {status.state}, and loaded when it is asked for")
