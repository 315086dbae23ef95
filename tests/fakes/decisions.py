"""Values that decisions are made from, generated: every field that a rule reads takes values on both sides of it."""

from __future__ import annotations

from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level, join
from ringfenced.inputs import Ability, Asked, Circumstances, Inputs, Rating, Ruling, Rulings
from ringfenced.model import CallerRole, Offer, Permission, Priority, Target, TargetKind

CATEGORIES = st.frozensets(st.sampled_from([Category.PHI, Category.PII, Category.SECRET]), max_size=2)
LABELS = st.builds(Label, st.sampled_from(Level), CATEGORIES)
QUALITIES = st.one_of(st.sampled_from([0.6, 0.5, 0.9, 0.7, 1.0, 0.0]), st.floats(0, 1))
PRICES = st.sampled_from([20, 60, 300, 2500, 10_000, 0])
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
def offers(draw: st.DrawFn, target: Target, *, kind: bool) -> Offer:
    """Any offer of a target."""
    available = kind or draw(MOSTLY)
    able = st.just(True) if kind else st.booleans()
    clearance = st.just(Label(Level.CONFIDENTIAL, frozenset(Category))) if kind else LABELS
    return Offer(
        target=target,
        available=available,
        unavailable_reason="" if available else "away",
        quality=draw(QUALITIES),
        context_tokens_max=draw(st.sampled_from([8192, 128_000] if kind else [16, 1024, 8192])),
        prompt_microcredits_per_1k_tokens=draw(PRICES),
        completion_microcredits_per_1k_tokens=draw(PRICES),
        first_token_ms=draw(st.sampled_from([0.0, 10.0, 50.5, 400.0])),
        token_ms=draw(st.sampled_from([0.0, 0.7, 5.0])),
        clearance=draw(clearance) if target.kind is TargetKind.PROVIDER else None,
        supports_tools=draw(able),
        supports_json_schema=draw(able),
        supports_images=draw(able),
        supports_grammar=draw(able),
        supports_logprobs=draw(able),
        supports_embeddings=draw(able),
        supports_text=draw(able),
        logprob_floor=draw(st.sampled_from([None, -1.0])),
        prompt_token_ms=draw(st.sampled_from([0.0, 0.25])),
        evaluators=draw(st.sampled_from([(), ("regex",)])),
        cached_prompt_microcredits_per_1k_tokens=draw(st.sampled_from([None, 0, 10, 5000])),
    )


@st.composite
def asked(draw: st.DrawFn, *, kind: bool) -> Asked:
    """Any request as rules see it."""
    stays, found = draw(LABELS), draw(st.one_of(st.none(), LABELS))
    permission = Permission(
        deidentified_egress=kind or draw(st.booleans()),
        providers=frozenset() if kind else draw(st.sampled_from([frozenset("a"), frozenset(("a", "unknown"))])),
        regions=frozenset() if kind else draw(st.sampled_from([frozenset({"eu"}), frozenset({"moon"})])),
        cost_microcredits_max=draw(st.sampled_from([None, None, 40_000, 5000] if kind else [None, 0, 100, 5000])),
        ladder_length_max=draw(st.sampled_from([2, 3, 4, 1, 0])),
        local_only=not kind and draw(st.booleans()),
    )
    return Asked(
        caller="spiffe://site/ward",
        department="ward",
        tenant="site",
        roles=draw(st.frozensets(st.sampled_from(CallerRole))),
        model="" if kind else draw(st.sampled_from(["", "tiny", "other"])),
        task=draw(st.sampled_from(["", "letters"])),
        permission=permission,
        quality_min=draw(st.sampled_from([0.0, 0.3, 0.55, 0.6, 0.9]) if kind else QUALITIES),
        needs=draw(st.frozensets(st.sampled_from(Ability), max_size=2)),
        inputs=draw(st.sampled_from([1, 1, 1, 3])),
        prompt_chars=draw(st.sampled_from([0, 299, 400] if kind else [1, 400, 20_000, 300_000])),
        tokens_max=draw(st.sampled_from([0, 1, 512, 4000])),
        priority=draw(st.sampled_from(Priority)),
        label=stays if found is None else join((stays, found)),
        label_deidentified=stays if found is None else join((stays, Label(Level.INTERNAL))),
        lowered=found is not None,
        findings=draw(st.frozensets(st.sampled_from(["PERSON", "SSN"]), max_size=2)),
        sources=draw(st.sampled_from([(), ("lab",), ("lab", "news")])),
        evaluators=draw(st.sampled_from([(), (), ("schema",)])),
        schema_checked=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def ratings(draw: st.DrawFn, all_: tuple[Offer, ...]) -> Rating:
    """Any rating: configured or learned for each."""
    learned = [draw(st.booleans()) for _ in all_]
    return Rating(
        quality=tuple(draw(QUALITIES) if one else offer.quality for one, offer in zip(learned, all_, strict=True)),
        uncertainty=tuple(draw(st.sampled_from([0.2, 0.4, 0.02, 0.0])) if one else 0.0 for one in learned),
        learned=tuple(learned),
        explore=draw(st.sampled_from([0.5, 1.0, 0.02, 0.0])),
        good_answer_microcredits=draw(st.sampled_from([0.0, 5000.0, 100.0, 1e5])),
    )


ALLOWED = st.sampled_from([Ruling(allowed=True), Ruling(allowed=True, policies=("permit-all",))])
RULINGS = st.one_of(
    ALLOWED,
    st.sampled_from(
        [
            Ruling(allowed=False, policies=("no-us", "no-b")),
            Ruling(allowed=False),
            Ruling(allowed=False, broken=True),
        ]
    ),
)


@st.composite
def inputs(draw: st.DrawFn, offers_max: int = 8) -> Inputs:
    """Any inputs of a decision; most of them leave several targets open, so that there is something to choose."""
    kind = draw(MOSTLY)
    named = draw(st.lists(targets(), min_size=2 if kind else 0, max_size=offers_max, unique=True))
    all_ = tuple(draw(offers(target, kind=kind)) for target in named)
    ruled = {target: draw(ALLOWED if kind else RULINGS) for target in named if kind or draw(MOSTLY)}
    return Inputs(
        asked=draw(asked(kind=kind)),
        offers=all_,
        rating=draw(ratings(all_)),
        rulings=Rulings(
            ruled,
            "d",
            cost_microcredits_max=draw(st.sampled_from([None, None, 30_000] if kind else [None, 0, 2000])),
            ladder_length_max=draw(st.sampled_from([None, None, None, 3, 2, 0])),
        ),
        circumstances=Circumstances(
            wallet_microcredits=draw(st.sampled_from([20_000, 10**9] if kind else [0, 500, 10**9])),
            time_left_ms=draw(st.sampled_from([None, 3000.5, 60_000.0] if kind else [None, 0.5, 300.0])),
            closed={target: "its breaker is open" for target in named if not draw(MOSTLY)},
            last=draw(st.sampled_from([None, *named])),
            cached_chars=draw(st.sampled_from([0, 200, 10_000])),
            draw=draw(
                st.one_of(st.none(), st.sampled_from([0.0, 0.01, 0.3, 0.999]), st.floats(0, 1, exclude_max=True))
            ),
        ),
    )
