"""What policies speak of, as values: callers, targets and the context of a request, under the schema's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ringfence.labels import PUBLIC, Category, Label, Level
from ringfenced.inputs import Ability, Asked
from ringfenced.model import Caller, CallerRole, Offer, Permission, Priority, Target, TargetKind
from ringfenced.policy.scopes import Uid

SITE: Final = Uid("Site", "site")
"""What every model within the walls belongs to."""
GENERATE: Final = Uid("Action", "generate")
EMBED: Final = Uid("Action", "embed")
ACTIONS: Final = (GENERATE, EMBED)
ANYTHING: Final = Label(Level.RESTRICTED, frozenset(Category))
"""What models within the site are cleared for."""
LONG_MAX: Final = 2**63 - 1
"""Cedar's largest number."""

Value = str | int | bool | frozenset[str]
"""What an attribute holds."""


class ProviderFacts(NamedTuple):
    """A provider as the configuration has it."""

    region: str
    """Where it runs."""
    contract: str
    """What was signed with it."""
    clearance: Label
    """Highest label that may go there."""


_UNKNOWN: Final = ProviderFacts("", "", PUBLIC)
"""A provider that the configuration does not name."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing with its attributes."""

    uid: Uid
    """Its name."""
    belongs_to: tuple[Uid, ...] = ()
    """What it belongs to, nearest first, however far up."""
    attributes: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    """By name."""

    def json(self) -> dict[str, Any]:
        """As Cedar's JSON has it."""
        attributes = {name: plain(value) for name, value in self.attributes.items()}
        return {"uid": self.uid.json(), "attrs": attributes, "parents": [one.json() for one in self.belongs_to]}


def plain(value: Value) -> str | int | bool | list[str]:
    """A value as JSON has it."""
    if isinstance(value, int):
        return min(value, LONG_MAX)
    return sorted(value) if isinstance(value, frozenset) else value


# ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def principal(asked: Asked) -> Entity:
    """Who asks."""
    return _caller(asked.caller, asked.department, asked.tenant, asked.roles)


def owners(asked: Asked) -> tuple[Entity, Entity]:
    """Department and tenant of who asks."""
    return _owners(asked.department, asked.tenant)


def everybody(callers: Iterable[Caller]) -> tuple[Entity, ...]:
    """Callers with their departments and tenants."""
    found = [
        entity
        for one in callers
        for entity in (
            _caller(one.identity, one.department, one.tenant, one.roles),
            *_owners(one.department, one.tenant),
        )
    ]
    return tuple({one.uid: one for one in found}.values())


def _caller(identity: str, department: str, tenant: str, roles: Iterable[CallerRole]) -> Entity:
    owners_ = Uid("Department", department), Uid("Tenant", tenant)
    return Entity(Uid("Caller", identity), owners_, {"roles": frozenset(map(str, roles))})


def _owners(department: str, tenant: str) -> tuple[Entity, Entity]:
    owner = Uid("Tenant", tenant)
    return Entity(Uid("Department", department), (owner,)), Entity(owner)


def plainest(caller: Caller, *, embeds: bool = False) -> Asked:
    """A request that says nothing, of a caller."""
    return Asked(
        caller=caller.identity,
        department=caller.department,
        tenant=caller.tenant,
        roles=caller.roles,
        model="",
        task="",
        permission=Permission(),
        quality_min=0.0,
        needs=frozenset({Ability.EMBEDDINGS if embeds else Ability.TEXT}),
        inputs=1,
        prompt_chars=0,
        tokens_max=0,
        priority=Priority.INTERACTIVE,
        label=PUBLIC,
        label_deidentified=PUBLIC,
        lowered=False,
    )


def action(asked: Asked) -> Uid:
    """What for."""
    return EMBED if Ability.EMBEDDINGS in asked.needs else GENERATE


# ── where to ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def name_of(target: Target) -> Uid:
    """A target's name: as decisions print it, with its node where several have one."""
    if target.kind is TargetKind.PEER:
        return Uid("Model", f"{target.kind}:{target.node}/{target.model}")
    return Uid("Model", str(target))


def resource(offer: Offer, providers: Mapping[str, ProviderFacts]) -> Entity:
    """A target."""
    target = offer.target
    clearance = ANYTHING if offer.clearance is None else offer.clearance
    facts = providers.get(target.provider, _UNKNOWN)
    parent = Uid("Provider", target.provider) if target.kind is TargetKind.PROVIDER else SITE
    return Entity(
        name_of(target),
        (parent,),
        {
            "kind": str(target.kind),
            "task": "embeddings" if offer.supports_embeddings and not offer.supports_text else "chat",
            "region": target.region,
            "contract": facts.contract,
            "level_rank": int(clearance.level),
            "categories": frozenset(map(str, clearance.categories)),
        },
    )


def provider(name: str, facts: ProviderFacts) -> Entity:
    """A provider."""
    return Entity(
        Uid("Provider", name),
        (),
        {
            "region": facts.region,
            "contract": facts.contract,
            "level_rank": int(facts.clearance.level),
            "categories": frozenset(map(str, facts.clearance.categories)),
        },
    )


def surroundings(providers: Mapping[str, ProviderFacts], offers: Iterable[Offer]) -> tuple[Entity, ...]:
    """The site and every provider, those too that only an offer names."""
    named = {offer.target.provider: _UNKNOWN for offer in offers if offer.target.kind is TargetKind.PROVIDER}
    return (Entity(SITE), *(provider(name, facts) for name, facts in (named | dict(providers)).items()))


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def views(asked: Asked) -> tuple[Asked, ...]:
    """A request as policies see it: once for each source that it comes from, since the context holds one.

    What it may do, it may do in every view: a policy that was written for one source cannot be evaded with another.
    """
    return tuple([replace(asked, sources=(one,)) for one in asked.sources]) if len(asked.sources) > 1 else (asked,)


def _source(asked: Asked) -> str:
    """The source of a view; ValueError of a request that has several, about one of which nothing may be decided."""
    (source,) = asked.sources or ("",)
    return source


CONTEXT: Final[Mapping[str, Callable[[Asked], Value]]] = MappingProxyType(
    {
        "level": lambda asked: asked.label_deidentified.level.name,
        "level_rank": lambda asked: int(asked.label_deidentified.level),
        "categories": lambda asked: asked.label_deidentified.categories,
        "level_before": lambda asked: asked.label.level.name,
        "level_before_rank": lambda asked: int(asked.label.level),
        "categories_before": lambda asked: asked.label.categories,
        "findings": lambda asked: asked.findings,
        "task": lambda asked: asked.task,
        "source": _source,
        "priority": lambda asked: str(asked.priority),
        "model": lambda asked: asked.model,
        "needs": lambda asked: asked.needs,
        "tools": lambda asked: Ability.TOOLS in asked.needs,
        "pictures": lambda asked: Ability.IMAGES in asked.needs,
        "deidentified_egress": lambda asked: asked.permission.deidentified_egress,
        "deidentified": lambda asked: asked.lowered,
        "tokens_max": lambda asked: asked.tokens_max,
        "prompt_chars": lambda asked: asked.prompt_chars,
        "inputs": lambda asked: asked.inputs,
    }
)
"""Name to what it is for a request: the schema's context."""

MANY_VALUED: Final = frozenset({"findings", "task", "model", "tokens_max", "prompt_chars", "inputs"})
"""What has so many values that most requests differ in it."""
