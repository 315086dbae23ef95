"""A small site, and what Cedar itself says of it: every policy, every target, one question each."""

from __future__ import annotations

import json
from dataclasses import replace

import cedarpy
from hypothesis import strategies as st

from fakes.asked import PLAIN
from ringfence.labels import Category, Label, Level
from ringfenced.inputs import Ability, Ruling
from ringfenced.model import CallerRole, Offer, Permission, Priority, Target, TargetKind
from ringfenced.policy import ProviderFacts, Rulebook, Source, World, parse, schema_text
from ringfenced.policy import vocabulary as words

PHI = frozenset({Category.PHI})
PROVIDERS = {
    "acme": ProviderFacts("eu", "DPA", Label(Level.CONFIDENTIAL, PHI)),
    "globex": ProviderFacts("us", "", Label(Level.INTERNAL)),
}


def offer(name, provider="", **changes):
    """A target of the site, or of a provider."""
    facts = PROVIDERS.get(provider)
    target = (
        Target(TargetKind.PROVIDER, name, provider=provider, region=facts.region)
        if facts
        else Target(TargetKind.LOCAL, name)
    )
    price = 1000 if facts else 10
    base = Offer(target, True, "", 0.5, 8000, price, 2 * price, 50, 1, clearance=facts.clearance if facts else None)
    return replace(base, **changes)


OFFERS = (
    offer("tiny"),
    offer("small"),
    offer("vectors", supports_embeddings=True, supports_text=False),
    offer("large", "acme"),
    offer("fast", "acme"),
    offer("huge", "globex"),
    offer("odd", "globex", clearance=Label()),
)


def asked(**changes):
    """A request of the ward's."""
    base = replace(
        PLAIN,
        permission=Permission(deidentified_egress=True),
        prompt_chars=400,
        tokens_max=512,
        label=Label(Level.CONFIDENTIAL, PHI),
        label_deidentified=Label(Level.INTERNAL),
        lowered=True,
        findings=frozenset({"PERSON"}),
    )
    return replace(base, **changes)


def book(*texts, providers=PROVIDERS, callers=(), **more):
    """The policies of some texts."""
    sources = [Source(f"{number}.cedar", text) for number, text in enumerate(texts)]
    return Rulebook(parse(sources), World(providers, callers), **more)


def ruled(text, request=None, offers=OFFERS):
    """Target, as printed, to whether it is allowed."""
    rulings = book(text).rulings(request or asked(), offers)
    return {str(target): ruling.allowed for target, ruling in rulings.by_target.items()}


def by_cedar(text, request, offers, **world):
    """What Cedar says of each target by itself, over all policies; whether one could not be evaluated.

    Of several sources, each asked about alone, what all leave; a forbid about any is told before all else.
    """
    alone = [replace(request, sources=(one,)) for one in request.sources] or [request]
    said = [_of_one_source(text, one, offers, **world) for one in alone]
    return {target: _together([each[target] for each in said]) for target in said[0]}


def _together(said):
    forbidden = [decided for allowed, decided, _ in said if not allowed and decided]
    if forbidden:
        return False, frozenset().union(*forbidden), any(broken for _, _, broken in said)
    if any(broken for _, _, broken in said) or not all(allowed for allowed, _, _ in said):
        return False, frozenset(), any(broken for _, _, broken in said)
    return True, frozenset().union(*(decided for _, decided, _ in said)), False


def _of_one_source(text, request, offers, *, providers=PROVIDERS, callers=()):
    who = words.principal(request)
    entities = {one.uid: one for one in (*callers, *words.surroundings(providers, offers))}
    entities |= {one.uid: one for one in (who, *words.owners(request))}
    entities |= {one.uid: one for one in (words.resource(offer, providers) for offer in offers)}
    store = cedarpy.Entities.from_json_str(json.dumps([one.json() for one in entities.values()]), schema=SCHEMA)
    context = {name: words.plain(value(request)) for name, value in words.CONTEXT.items()}
    policies = cedarpy.PolicySet.from_str(text)
    found = {}
    for one in offers:
        question = {
            "principal": who.uid.json(),
            "action": words.action(request).json(),
            "resource": words.name_of(one.target).json(),
            "context": context,
        }
        answer = cedarpy.is_authorized(question, policies, store, SCHEMA)
        names = answer.diagnostics.id_annotations_by_reason
        decided = frozenset(names.get(each) or each for each in answer.diagnostics.reasons)
        found[one.target] = (answer.decision is cedarpy.Decision.Allow, decided, bool(answer.diagnostics.errors))
    return found


def agrees(ruling: Ruling, said) -> bool:
    """Whether a ruling is Cedar's; what cannot be evaluated denies besides, unless it is forbidden anyhow."""
    allowed, decided, broken = said
    if broken and not (not allowed and decided):
        return not ruling.allowed and ruling.broken
    return ruling.allowed == allowed and frozenset(ruling.policies) == decided and not ruling.broken


SCHEMA = cedarpy.Schema.from_str(schema_text())

# ── policies and requests of every kind ──────────────────────────────────────────────────────────────────────────────

DEPARTMENTS = ("ward", "research", "nobody")
CALLERS = ("spiffe://site/ward", "spiffe://site/lab")
MODELS = ("local:tiny", "local:vectors", "acme/large", "globex/odd", "acme/none")
FINDINGS = ("PERSON", "MRN", "DATE")
TASKS = ("", "triage", "coding")

principals = st.sampled_from(
    [
        "principal",
        *(f'principal in Department::"{one}"' for one in DEPARTMENTS),
        *(f'principal == Caller::"{one}"' for one in CALLERS),
        'principal in Tenant::"site"',
        "principal is Caller",
        'principal is Caller in Department::"ward"',
    ]
)
actions = st.sampled_from(
    [
        "action",
        'action == Action::"generate"',
        'action == Action::"embed"',
        'action in [Action::"generate", Action::"embed"]',
    ]
)
targets = st.sampled_from(
    [
        "resource",
        *(f'resource == Model::"{one}"' for one in MODELS),
        'resource in Provider::"acme"',
        'resource in Provider::"globex"',
        'resource in Site::"site"',
        "resource is Model",
        'resource is Model in Provider::"acme"',
    ]
)
terms = st.sampled_from(
    [
        "context.level_rank >= 2",
        'context.level_before == "CONFIDENTIAL"',
        'context.categories_before.contains("PHI")',
        'context.findings.containsAny(["MRN", "DATE"])',
        "context.findings.isEmpty()",
        'context.task like "tri*"',
        "context.tokens_max > 500",
        "context.prompt_chars + context.prompt_chars > 1000",
        "context.prompt_chars * 9223372036854775807 > 0",
        "context.tools",
        "context.deidentified_egress",
        'context.priority == "batch"',
        'context.source == "lab"',
        '["", "news"].contains(context.source)',
        'context.needs.contains("tools")',
        'resource.kind == "provider"',
        'resource.region == "eu"',
        'resource.task == "embeddings"',
        "resource.level_rank >= context.level_rank",
        "resource.categories.containsAll(context.categories_before)",
        'resource in Provider::"acme"',
        'resource in [Provider::"acme", Provider::"gone"]',
        'resource == Model::"acme/large"',
        '[Model::"acme/fast", Model::"local:small"].contains(resource)',
        'Provider::"acme".contract like "*DPA*"',
        'Provider::"gone".region == "eu"',
        'principal in Department::"ward"',
        'principal == Caller::"spiffe://site/lab"',
        'principal.roles.contains("operator")',
        'Caller::"spiffe://site/lab".roles.contains("operator")',
        'action == Action::"embed"',
        "principal == resource",
        "resource is Model",
        '(if resource.kind == "local" then context.tools else context.inputs > 1)',
        '{"a": context.task, "b": resource.region}.b == "us"',
    ]
)
conditions = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} && {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} || {pair[1]})"),
        inner.map(lambda one: f"!({one})"),
    ),
    max_leaves=4,
)
clauses = st.lists(st.tuples(st.sampled_from(["when", "unless"]), conditions), max_size=2).map(
    lambda some: "".join(f" {word} {{ {condition} }}" for word, condition in some)
)


@st.composite
def policies(draw, effects=("permit", "forbid"), size_max=8):
    """Policies that pass the schema."""
    texts = []
    for number in range(draw(st.integers(0, size_max))):
        effect = draw(st.sampled_from(effects))
        head = f"{effect}({draw(principals)}, {draw(actions)}, {draw(targets)})"
        texts.append(f'@id("p{number}") {head}{draw(clauses)};')
    return "\n".join(texts)


labels = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(Category)))


@st.composite
def requests(draw):
    """Requests of all kinds."""
    return asked(
        caller=draw(st.sampled_from((*CALLERS, "spiffe://site/new"))),
        department=draw(st.sampled_from(DEPARTMENTS)),
        tenant=draw(st.sampled_from(("site", "other"))),
        roles=draw(st.frozensets(st.sampled_from(CallerRole), min_size=1)),
        task=draw(st.sampled_from(TASKS)),
        permission=Permission(deidentified_egress=draw(st.booleans())),
        needs=draw(st.frozensets(st.sampled_from([Ability.TEXT, Ability.TOOLS, Ability.EMBEDDINGS]))),
        prompt_chars=draw(st.integers(0, 2000)),
        tokens_max=draw(st.sampled_from([0, 400, 512, 501])),
        priority=draw(st.sampled_from(Priority)),
        label=draw(labels),
        label_deidentified=draw(labels),
        lowered=draw(st.booleans()),
        findings=draw(st.frozensets(st.sampled_from(FINDINGS))),
        sources=draw(st.sampled_from([(), ("lab",), ("news",), ("lab", "news")])),
    )
