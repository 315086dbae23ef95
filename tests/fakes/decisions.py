"""Values that decisions are made from, generated: every field that a rule reads takes values on both sides of it."""

from __future__ import annotations

from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level, join
from ringfenced.inputs import Ability, Asked, Circumstances, Inputs, Rating, Ruling, Rulings
from ringfenced.model import CallerRole, Offer, Permission, Priority, Target, TargetKind

CATEGORIES = st.frozensets(st.sampled_from([Category.PHI, Category.PII, Category.SECRET]), max_size=2)
LABELS = st.builds(Label, st.sampled_from(Level), CATEGORIES)
QUALITIES = st.one_of(st.sampled_from([0.0, 0.5, 0.6, 0.9, 1.0]), st.floats(0, 1))
PRICES = st.sampled_from([0, 20, 60, 300, 2500, 10_000])
MOSTLY = st.sampled_from([True, True, True, True, False])
NAMES = ("tiny", "small", "large", "gpt")


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Any target; few names, so that some are asked for by name."""
    kind = draw(st.sampled_from(TargetKind))
    model = draw(st.sampled_from(NAMES)) + draw(st.sampled_from(["", "-2", "-3"]))
    if kind is TargetKind.PROVIDER:
        return Target(kind, model, provider=draw(st.sampled_from("ab")), region=draw(st.sampled_from(["eu", "us"])))
    return Target(kind, model, node="" if kind is TargetKind.LOCAL else draw(st.sampled_from(["n1", "n2"])))


@st.composite
def offers(draw: st.DrawFn, target: Target) -> Offer:
    """Any offer of a target."""
    available = draw(MOSTLY)
    prompt_price = draw(PRICES)
    return Offer(
        target=target,
        available=available,
        unavailable_reason="" if available else "away",
        quality=draw(QUALITIES),
        context_tokens_max=draw(st.sampled_from([16, 1024, 8192, 128_000])),
        prompt_microcredits_per_1k_tokens=prompt_price,
        completion_microcredits_per_1k_tokens=draw(PRICES),
        first_token_ms=draw(st.sampled_from([0.0, 10.0, 50.5, 400.0])),
        token_ms=draw(st.sampled_from([0.0, 0.7, 5.0])),
        clearance=draw(LABELS) if target.kind is TargetKind.PROVIDER else None,
        supports_tools=draw(MOSTLY),
        supports_json_schema=draw(MOSTLY),
        supports_images=draw(st.booleans()),
        supports_grammar=draw(st.booleans()),
        supports_logprobs=draw(st.booleans()),
        supports_embeddings=draw(st.booleans()),
        supports_text=draw(MOSTLY),
        logprob_floor=draw(st.sampled_from([None, -1.0])),
        prompt_token_ms=draw(st.sampled_from([0.0, 0.25])),
        evaluators=draw(st.sampled_from([(), (), ("regex",)])),
    )


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Any request as rules see it."""
    stays, found = draw(LABELS), draw(st.one_of(st.none(), LABELS))
    return Asked(
        caller="spiffe://site/ward",
        department="ward",
        tenant="site",
        roles=draw(st.frozensets(st.sampled_from(CallerRole))),
        model=draw(st.sampled_from(["", "", "", "tiny", "other"])),
        task=draw(st.sampled_from(["", "letters"])),
        permission=Permission(
            deidentified_egress=draw(st.booleans()),
            providers=draw(st.sampled_from([frozenset(), frozenset("a"), frozenset(("a", "unknown"))])),
            regions=draw(st.sampled_from([frozenset(), frozenset({"eu"}), frozenset({"moon"})])),
            cost_microcredits_max=draw(st.one_of(st.none(), st.integers(0, 20_000))),
            ladder_length_max=draw(st.integers(0, 4)),
            local_only=draw(st.sampled_from([False, False, False, True])),
        ),
        quality_min=draw(QUALITIES),
        needs=draw(st.frozensets(st.sampled_from(Ability), max_size=2)),
        inputs=draw(st.sampled_from([1, 1, 1, 3])),
        prompt_chars=draw(st.sampled_from([0, 1, 299, 400, 20_000, 300_000])),
        tokens_max=draw(st.sampled_from([0, 1, 512, 4000])),
        priority=draw(st.sampled_from(Priority)),
        label=stays if found is None else join((stays, found)),
        label_deidentified=stays if found is None else join((stays, Label(Level.INTERNAL))),
        lowered=found is not None,
        findings=draw(st.frozensets(st.sampled_from(["PERSON", "SSN"]), max_size=2)),
        source=draw(st.sampled_from(["", "lab"])),
        evaluators=draw(st.sampled_from([(), (), ("schema",)])),
        schema_checked=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def ratings(draw: st.DrawFn, all_: tuple[Offer, ...]) -> Rating:
    """Any rating: configured or learned for each."""
    learned = [draw(st.booleans()) for _ in all_]
    return Rating(
        quality=tuple(draw(QUALITIES) if one else offer.quality for one, offer in zip(learned, all_, strict=True)),
        uncertainty=tuple(draw(st.sampled_from([0.0, 0.02, 0.2])) if one else 0.0 for one in learned),
        learned=tuple(learned),
        explore=draw(st.sampled_from([0.0, 0.02, 0.5, 1.0])),
        good_answer_microcredits=draw(st.sampled_from([0.0, 0.0, 100.0, 5000.0, 1e6])),
    )


RULINGS = st.sampled_from(
    [
        Ruling(allowed=True),
        Ruling(allowed=True),
        Ruling(allowed=True, policies=("permit-all",)),
        Ruling(allowed=False, policies=("no-us", "no-b")),
        Ruling(allowed=False),
        Ruling(allowed=False, broken=True),
    ]
)


@st.composite
def inputs(draw: st.DrawFn, offers_max: int = 8) -> Inputs:
    """Any inputs of a decision."""
    named = draw(st.lists(targets(), max_size=offers_max, unique=True))
    all_ = tuple(draw(offers(target)) for target in named)
    ruled = {target: draw(RULINGS) for target in named if draw(MOSTLY)}
    return Inputs(
        asked=draw(asked()),
        offers=all_,
        rating=draw(ratings(all_)),
        rulings=Rulings(
            ruled,
            "d",
            cost_microcredits_max=draw(st.one_of(st.none(), st.none(), st.integers(0, 20_000))),
            ladder_length_max=draw(st.one_of(st.none(), st.integers(0, 3))),
        ),
        circumstances=Circumstances(
            wallet_microcredits=draw(st.sampled_from([0, 500, 20_000, 10**9])),
            time_left_ms=draw(st.sampled_from([None, None, 0.5, 300.0, 3000.5, 60_000.0])),
            closed={target: "its breaker is open" for target in named if not draw(MOSTLY)},
            last=draw(st.sampled_from([None, *named])),
            cached_chars=draw(st.sampled_from([0, 200, 10_000])),
            draw=draw(st.one_of(st.none(), st.floats(0, 1, exclude_max=True))),
        ),
    )
