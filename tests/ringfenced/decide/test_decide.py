"""Step 3 chooses the cheapest ladder that is allowed, and tells why each other target is not taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level, may_leave
from ringfence.recognize.finding import Finding
from ringfenced import decide as deciding
from ringfenced.account import estimate
from ringfenced.decide import asked_of, label_deidentified
from ringfenced.inputs import Circumstances, Inputs, configured, unruled
from ringfenced.model import (
    Caller,
    CallerRole,
    Classification,
    Located,
    Message,
    Offer,
    Permission,
    Prompt,
    Request,
    Role,
    Sampling,
    Target,
    TargetKind,
    Text,
    Tool,
    ToolMode,
)

PUBLIC = Classification(Label(), Label(), (), 100)
NOTE = Classification(
    Label(Level.CONFIDENTIAL, frozenset({Category.PHI})),
    Label(Level.INTERNAL),
    (Located("messages[0].parts[0].text", Finding(0, 4, "PERSON", 0.9, "test")),),
    400,
)
RICH = Circumstances(10**9, None)
WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())


def decide(request, classification, offers, circumstances, digest):
    """The decision of a site without a policy, which has learned nothing."""
    asked = asked_of(request, WARD, classification)
    return deciding.decide(Inputs(asked, offers, configured(offers), unruled(offers, digest), circumstances))


def offer(name="tiny", **changes):
    """A local target, cheap and middling."""
    base = Offer(
        target=Target(TargetKind.LOCAL, name),
        available=True,
        unavailable_reason="",
        quality=0.6,
        context_tokens_max=1024,
        prompt_microcredits_per_1k_tokens=20,
        completion_microcredits_per_1k_tokens=60,
        first_token_ms=50,
        token_ms=1,
    )
    return replace(base, **changes)


def cloud(name="gpt", **changes):
    """A provider's target, dear and good."""
    base = offer(
        name, quality=0.95, prompt_microcredits_per_1k_tokens=2500, completion_microcredits_per_1k_tokens=10000
    )
    target = Target(TargetKind.PROVIDER, name, provider="acme", region="eu")
    return replace(base, **{"target": target, "clearance": Label(Level.INTERNAL), **changes})


def request(**changes):
    return replace(Request("r", Prompt((Message(Role.USER, (Text("hello"),)),))), **changes)


def rules(decision):
    return {candidate.target.model: candidate.rule for candidate in decision.refused}


def test_a_prompt_too_long_for_the_cheap_one_goes_to_the_one_that_takes_it():
    long = replace(PUBLIC, prompt_chars=100_000)
    decision = decide(request(), long, (offer(), cloud(context_tokens_max=128_000)), RICH, "d")
    assert decision.target.model == "gpt"
    assert rules(decision) == {"tiny": "context"}


def test_the_cheapest_open_target_is_taken():
    decision = decide(request(), PUBLIC, (cloud(), offer()), RICH, "d")
    assert decision.target.model == "tiny"
    assert rules(decision) == {"gpt": "cost"}


def test_quality_sends_it_to_the_provider():
    decision = decide(request(quality_min=0.9), PUBLIC, (cloud(), offer()), RICH, "d")
    assert decision.target.model == "gpt"
    assert rules(decision) == {"tiny": "quality"}


def test_sensitive_content_stays_where_the_caller_does_not_permit_egress():
    decision = decide(request(quality_min=0.9), NOTE, (cloud(), offer()), RICH, "d")
    assert decision.target is None
    assert rules(decision) == {"gpt": "label", "tiny": "quality"}


def test_sensitive_content_leaves_only_deidentified():
    permission = Permission(deidentified_egress=True)
    decision = decide(request(quality_min=0.9, permission=permission), NOTE, (cloud(), offer()), RICH, "d")
    assert decision.target.model == "gpt"
    assert decision.ladder[0].deidentified


def test_what_a_caller_calls_restricted_never_leaves():
    """De-identification removes what was found, never what was asserted."""
    restricted = replace(NOTE, label=Label(Level.RESTRICTED), label_asserted=Label(Level.RESTRICTED))
    permission = Permission(deidentified_egress=True)
    everything = cloud(clearance=Label(Level.RESTRICTED, frozenset(Category)))
    decision = decide(request(permission=permission), restricted, (everything,), RICH, "d")
    assert rules(decision) == {"gpt": "label"}


def test_each_rule_is_told():
    cases = {
        "model": (request(model="other"), offer()),
        "permission": (request(permission=Permission(local_only=True)), cloud()),
        "ability": (
            replace(request(), prompt=replace(request().prompt, tools=(Tool("t", "", ""),))),
            offer(supports_tools=False),
        ),
        "context": (request(), offer(context_tokens_max=5)),
        "available": (request(), offer(available=False, unavailable_reason="loading")),
        "ceiling": (request(permission=Permission(cost_microcredits_max=0)), offer()),
    }
    for rule, (asked, target) in cases.items():
        assert rules(decide(asked, PUBLIC, (target,), RICH, "d")) == {target.target.model: rule}
    assert rules(decide(request(), PUBLIC, (offer(),), Circumstances(10**9, 3.0), "d")) == {"tiny": "deadline"}
    assert rules(decide(request(), PUBLIC, (offer(),), Circumstances(0, None), "d")) == {"tiny": "wallet"}


def asking(**prompt):
    """A request whose prompt asks for something more."""
    asked = request()
    return replace(asked, prompt=replace(asked.prompt, **prompt))


@pytest.mark.parametrize(
    ("asked", "able"),
    [
        (asking(grammar='root ::= "x"'), {"supports_grammar": True}),
        (asking(sampling=Sampling(logprobs=0)), {"supports_logprobs": True}),
        (asking(embeds=True), {"supports_embeddings": True}),
    ],
    ids=["grammar", "logprobs", "embeddings"],
)
def test_what_only_some_targets_can_never_goes_to_another(asked, able):
    """A provider takes no grammar: it stays on site, whatever label, quality and permission say (invariant 8)."""
    permission = Permission(deidentified_egress=True)
    decision = decide(
        replace(asked, permission=permission), PUBLIC, (cloud(), offer("unable"), offer(**able)), RICH, "d"
    )
    assert decision.target.model == "tiny"
    assert rules(decision) == {"gpt": "ability", "unable": "ability"}
    assert decide(asked, PUBLIC, (cloud(),), RICH, "d").target is None


def test_a_model_that_only_embeds_answers_nothing():
    decision = decide(request(), PUBLIC, (offer(supports_embeddings=True, supports_text=False),), RICH, "d")
    assert rules(decision) == {"tiny": "ability"}


def test_tools_that_may_not_be_called_need_no_ability():
    tools = (Tool("f", "", ""),)
    unable = (offer(supports_tools=False),)
    assert decide(asking(tools=tools, tool_mode=ToolMode.NONE), PUBLIC, unable, RICH, "d").target is not None
    assert decide(asking(tools=tools), PUBLIC, unable, RICH, "d").target is None


def test_each_text_to_embed_may_fill_the_context_and_nothing_is_paid_for_an_answer():
    """Forty thousand characters do not fit a context of 1,024 tokens; in forty texts they do."""
    long = replace(PUBLIC, prompt_chars=40_000)
    embedding = offer(supports_embeddings=True)
    one = asking(embeds=True)
    many = asking(embeds=True, messages=one.prompt.messages * 40)
    assert rules(decide(one, long, (embedding,), RICH, "d")) == {"tiny": "context"}
    decision = decide(many, long, (embedding,), RICH, "d")
    assert decision.ladder[0].estimate.completion_tokens == 0
    assert decision.cost_microcredits_max() == 1024 * 40 * 20 // 1000 + 1


def test_a_ladder_tries_the_cheap_one_first_and_keeps_a_good_one_above_it():
    judged = offer(logprob_floor=-1.0)
    asked = request(quality_min=0.9, permission=Permission(ladder_length_max=2))
    decision = decide(asked, PUBLIC, (cloud(), judged), RICH, "d")
    assert [candidate.target.model for candidate in decision.ladder] == ["tiny", "gpt"]


def test_a_ladder_goes_up_from_a_target_that_is_good_enough_but_judged():
    decision = decide(
        request(permission=Permission(ladder_length_max=3)), PUBLIC, (cloud(), offer(logprob_floor=-1.0)), RICH, "d"
    )
    assert [candidate.target.model for candidate in decision.ladder] == ["tiny", "gpt"]


def test_a_ladder_keeps_to_the_ceiling_as_a_whole():
    dear = estimate(cloud(), 100, 512).cost_microcredits_max
    asked = request(quality_min=0.9, permission=Permission(ladder_length_max=2, cost_microcredits_max=dear))
    decision = decide(asked, PUBLIC, (cloud(), offer(logprob_floor=-1.0)), RICH, "d")
    assert [candidate.target.model for candidate in decision.ladder] == ["gpt"]


levels = st.sampled_from(Level)
labels = st.builds(Label, levels, st.frozensets(st.sampled_from(Category)))
classifications = st.builds(
    lambda asserted, found, has: Classification(
        Label(max(asserted.level, found.level), asserted.categories | found.categories) if has else asserted,
        asserted,
        NOTE.findings if has else (),
        300,
    ),
    labels,
    labels,
    st.booleans(),
)
offers = st.lists(
    st.one_of(
        st.builds(
            lambda q, ok, floor: ("local", q, ok, floor, None),
            st.floats(0, 1),
            st.booleans(),
            st.sampled_from([None, -1.0]),
        ),
        st.builds(lambda q, ok, clearance: ("cloud", q, ok, None, clearance), st.floats(0, 1), st.booleans(), labels),
    ),
    max_size=6,
).map(
    lambda rows: tuple(
        offer(f"m{i}", quality=q, available=ok, unavailable_reason="" if ok else "away", logprob_floor=floor)
        if kind == "local"
        else cloud(f"m{i}", quality=q, available=ok, unavailable_reason="" if ok else "away", clearance=clearance)
        for i, (kind, q, ok, floor, clearance) in enumerate(rows)
    )
)
permissions = st.builds(
    Permission,
    deidentified_egress=st.booleans(),
    cost_microcredits_max=st.one_of(st.none(), st.integers(0, 10_000)),
    ladder_length_max=st.integers(0, 4),
    local_only=st.booleans(),
)


@given(classifications, offers, permissions, st.floats(0, 1), st.integers(0, 20_000))
def test_no_decision_violates_label_permission_ceiling_or_ladder(classification, targets, permission, quality, wallet):
    """Whatever the request, what is chosen is allowed, and every target stands in the decision once."""
    asked = request(permission=permission, quality_min=quality)
    decision = decide(asked, classification, targets, Circumstances(wallet, None), "d")
    by_target = {target.target: target for target in targets}
    everywhere = [candidate.target for candidate in (*decision.ladder, *decision.refused)]
    assert sorted(map(str, everywhere)) == sorted(str(target.target) for target in targets)
    assert len(decision.ladder) <= max(1, permission.ladder_length_max)
    assert decision.cost_microcredits_max() <= min(
        wallet, permission.cost_microcredits_max if permission.cost_microcredits_max is not None else wallet
    )
    for rung in decision.ladder:
        target = by_target[rung.target]
        assert target.available
        if target.clearance is not None:
            assert not permission.local_only
            as_it_is = may_leave(classification.label, target.clearance)
            deidentified = permission.deidentified_egress and may_leave(
                label_deidentified(classification), target.clearance
            )
            assert as_it_is or deidentified
            assert rung.deidentified == bool(classification.findings)
    if decision.ladder:
        assert any(by_target[rung.target].quality >= quality for rung in decision.ladder)


@given(classifications, offers, permissions)
def test_a_narrower_permission_never_opens_a_target(classification, targets, permission):
    wide = decide(request(permission=replace(permission, deidentified_egress=True)), classification, targets, RICH, "d")
    narrow = decide(
        request(permission=replace(permission, deidentified_egress=False)), classification, targets, RICH, "d"
    )

    def allowed(decision):
        return {c.target for c in (*decision.ladder, *decision.refused) if c.rule not in ("label", "permission")}

    assert allowed(narrow) <= allowed(wide)
