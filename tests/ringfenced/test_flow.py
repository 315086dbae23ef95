"""The flow with scripted nouns: what journeys cannot time, above all what a rung that is left half-way costs."""

from __future__ import annotations

import asyncio
import gc
import re
from dataclasses import replace

import pytest

from ringfence.labels import Label, Level
from ringfence.recognize import DEFAULT
from ringfence.recognize.finding import Finding
from ringfenced.decide import decide
from ringfenced.errors import DeadlineExceeded, NotFound, Refused, Unavailable, WalletEmpty
from ringfenced.evaluate import Opinion, sums
from ringfenced.flow import Flow
from ringfenced.model import (
    Caller,
    CallerRole,
    Decision,
    Embedded,
    Escalation,
    Finish,
    FinishReason,
    Inherited,
    Loading,
    Message,
    Offer,
    Permission,
    Priority,
    Prompt,
    Receipt,
    Request,
    Role,
    Sampling,
    Sent,
    Target,
    TargetKind,
    Text,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    Usage,
    Vectors,
    Wallet,
)
from ringfenced.nouns import World
from ringfenced.site.breakers import Breakers
from ringfenced.site.cleantexts import KEY_BYTES, CleanTexts
from ringfenced.site.evaluating import Judge, LogprobFloors, SiteEvaluating
from ringfenced.site.learning import NothingLearned
from ringfenced.site.outlook import MeasuredOutlook, NothingMeasured
from ringfenced.site.policies import OpenPolicies
from ringfenced.site.scanning import Scanner
from ringfenced.way import Way

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())
REQUEST = Request(
    "r1",
    Prompt((Message(Role.USER, (Text("hello"),)),), sampling=Sampling(tokens_max=100)),
    permission=Permission(ladder_length_max=2),
)


def offer(name, quality, per_1k):
    return Offer(Target(TargetKind.LOCAL, name), True, "", quality, 1024, 0, per_1k, 1, 0.01, logprob_floor=-1.0)


class Run:
    """Says its pieces; one that is an error is raised."""

    def __init__(self, pieces):
        self._pieces = list(pieces)
        self.tokens_received = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    async def take(self):
        piece = self._pieces.pop(0)
        if isinstance(piece, float):
            await asyncio.sleep(piece)
            return await self.take()
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, TextDelta):
            self.tokens_received += piece.tokens
        return piece


class Place:
    """Is loading for as long as it says so."""

    def __init__(self, nouns, pieces):
        self._nouns, self._pieces = nouns, list(pieces)

    def __enter__(self):
        self._nouns.placed += 1
        return self

    def __exit__(self, *_):
        self._nouns.placed -= 1

    async def wait(self):
        if self._pieces and isinstance(self._pieces[0], Loading):
            return self._pieces.pop(0)
        if self._pieces and isinstance(self._pieces[0], Unavailable) and self._pieces[0].reason == "no_room":
            raise self._pieces[0]
        return None

    @property
    def engine(self):
        pieces = self._pieces
        return type("Engine", (), {"start": lambda *_, **__: Run(pieces)})()


class Nouns:
    """Directory, ledger, memory and recorder at once."""

    policy_digest = "d"
    wallet = 10**9

    def __init__(self, **answers):
        self._answers = answers
        self.callers = {WARD.identity: WARD}
        self.sources = {}
        self.settled, self.held, self.ways, self.sent = [], [], [], []
        self.errors = []
        self.placed = 0

    def offers(self):
        return (offer("small", 0.5, 1000), offer("large", 0.9, 10_000))

    def place(self, model, **_):
        pieces = self._answers[model]
        if pieces and isinstance(pieces[0], list):  # one for each try
            pieces = pieces.pop(0)
        return Place(self, pieces)

    async def glance(self, department):
        return Wallet(department, self.wallet, 0, 0)

    async def reserve(self, *hold):
        self.held.append(hold)

    def settle(self, *settlement):
        self.settled.append(settlement)

    async def inherited(self, caller, request):
        return Inherited()

    async def remember(self, caller, request, turn):
        pass

    def record(self, way):
        self.ways.append(way)
        self.errors.append(type(way.error))

    async def raise_hold(self, department, request_id, amount):
        if amount > self.wallet:
            raise WalletEmpty("x")
        self.held.append((department, request_id, amount))

    async def secure(self, *_):
        pass

    async def send(self, payload, terms, deadline_ms):
        """A provider's answer; `sent` is what left, and to whom."""
        assert re.fullmatch(r"[A-Za-z ,;]+", terms.decision_reason)  # what a permit may say
        self.sent.append((terms.provider, payload))
        for piece in self._answers[terms.provider]:
            if isinstance(piece, Exception):
                raise piece
            yield Sent(piece, ()) if isinstance(piece, Finish) else piece


def flow(
    nouns,
    evaluating=None,
    *,
    outlook=None,
    learning=None,
    policies=None,
    scan=None,
    clock=lambda: 1.0,
    hedge_after_s=0.0,
):
    world = World(clock, lambda: 7, bytes, str)
    return Flow(
        directory=nouns,
        outlook=outlook or NothingMeasured(),
        scanning=Scanner(scan or (lambda _: ()), clean=CleanTexts(bytes(KEY_BYTES))),
        policy=DEFAULT,
        policies=policies or OpenPolicies("d"),
        learning=learning or NothingLearned(),
        evaluating=evaluating or LogprobFloors(),
        ledger=nouns,
        egress=nouns,
        memory=nouns,
        recorder=nouns,
        world=world,
        hedge_after_s=hedge_after_s,
    )


def finish(tokens, logprob_min):
    return Finish(FinishReason.STOP, Usage(0, tokens, logprob_min=logprob_min))


async def test_what_is_only_planned_leaves_nothing_with_learning():
    """Nothing of it is held anywhere: plans are free, so that a caller could make any number."""

    class Learning(NothingLearned):
        rated_now = frozenset()

        def rated(self, request, asked, offers):
            self.rated_now |= {request.id}
            return super().rated(request, asked, offers)

        def dismiss(self, request):
            self.rated_now -= {request.id}

    learning = Learning()
    _, decision, _ = await flow(Nouns(small=[], large=[]), learning=learning).plan(REQUEST, WARD.identity)
    assert decision.ladder
    assert not learning.rated_now


async def test_both_rungs_are_paid_and_the_unsure_answer_is_not_shown():
    nouns = Nouns(
        small=[TextDelta("unsure", 10), finish(10, -5.0)],
        large=[TextDelta("sure", 20), finish(20, -0.1)],
    )
    events = [event async for event in flow(nouns).generate(REQUEST, WARD.identity)]
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    assert events[2].text == "sure"
    assert nouns.settled == [("ward", "r1", 10 + 200)]
    assert len(nouns.ways) == 1


async def test_who_hangs_up_on_the_second_rung_pays_for_both():
    nouns = Nouns(
        small=[TextDelta("unsure", 10), finish(10, -5.0)],
        large=[TextDelta("one", 20), TextDelta("two", 20), finish(40, -0.1)],
    )
    events = flow(nouns).generate(REQUEST, WARD.identity)
    while not isinstance(await anext(events), TextDelta):
        pass
    await events.aclose()
    assert nouns.settled == [("ward", "r1", 10 + 200)]
    assert nouns.errors == [GeneratorExit]


class Forgetful(Nouns):
    """Keeps nothing of a request."""

    def record(self, way):
        self.errors.append(type(way.error))


@pytest.mark.parametrize("end", ["answered", "left", "refused", "cancelled"])
async def test_a_request_is_gone_as_soon_as_it_has_ended_however_it_did(end):
    """Its own errors lead back to it by their tracebacks: it must not wait for a collection of cycles."""
    last = 10.0 if end == "cancelled" else finish(10, 0.0)
    nouns = Forgetful(small=[TextDelta("shown", 10), last], large=[])
    if end == "refused":
        nouns.wallet = 0
    asked = replace(REQUEST, permission=Permission(ladder_length_max=1))
    shown = asyncio.Event()

    async def ask():
        events = flow(nouns).generate(asked, WARD.identity)
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    shown.set()
                    if end == "left":
                        break
        except WalletEmpty:
            pass
        finally:
            await events.aclose()

    gc.collect()
    gc.disable()
    try:
        task = asyncio.ensure_future(ask())
        if end == "cancelled":
            await shown.wait()
            task.cancel()
        await asyncio.wait([task])
        task = None
        await asyncio.sleep(0)
        assert not any(isinstance(one, Way) for one in gc.get_objects())
    finally:
        gc.enable()
    assert len(nouns.errors) == 1


async def test_an_engine_that_dies_hands_up_what_was_held_back_and_its_tokens_are_paid():
    nouns = Nouns(small=[TextDelta("half", 10), Unavailable("gone")], large=[TextDelta("whole", 20), finish(20, -0.1)])
    events = [event async for event in flow(nouns).generate(REQUEST, WARD.identity)]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["whole"]
    assert nouns.settled == [("ward", "r1", 10 + 200)]


async def test_a_stream_that_was_shown_is_never_begun_again():
    nouns = Nouns(small=[TextDelta("shown", 10), Unavailable("gone")], large=[finish(1, 0.0)])
    alone = replace(REQUEST, permission=Permission(ladder_length_max=1))
    with pytest.raises(Unavailable) as caught:
        [event async for event in flow(nouns).generate(alone, WARD.identity)]
    assert (caught.value.step, caught.value.request_id) == (5, "r1")
    assert nouns.settled == [("ward", "r1", 10)]


class Embedding(Nouns):
    """One model that embeds, at 1,000 microcredits for 1,000 tokens."""

    def offers(self):
        made = offer("embedding", 0.5, 0)
        return (replace(made, supports_embeddings=True, supports_text=False, prompt_microcredits_per_1k_tokens=1000),)

    def place(self, model, **_):
        return type("Embeds", (Place,), {"engine": self})(self, [])

    async def embed(self, inputs, *, deadline_ms, claim):
        self.asked = (inputs, claim.priority)
        return Embedded(tuple((1.0, 0.0) for _ in inputs), Usage(7, 0))


async def test_texts_are_embedded_on_the_same_way_as_a_prompt_is_answered():
    """Decided, held, settled by what it used, recorded, with a receipt."""
    nouns = Embedding()
    texts = tuple(Message(Role.USER, (Text(text),)) for text in ("one", "two"))
    asked = Request("r2", Prompt(texts, embeds=True), priority=Priority.BATCH)
    events = [event async for event in flow(nouns).generate(asked, WARD.identity)]
    assert [type(event) for event in events] == [Decision, Vectors, Finish, Receipt]
    assert events[1].values == ((1.0, 0.0), (1.0, 0.0))
    assert nouns.asked == (["one", "two"], Priority.BATCH)
    assert nouns.settled == [("ward", "r2", 7)]
    assert nouns.ways[0].finish.usage.prompt_tokens == 7
    assert "1.0" not in repr(events[1])


async def test_a_call_is_passed_on_as_it_comes():
    pieces = [ToolCallDelta(0, "id", "f", "{"), ToolCallDelta(0, "", "", "}")]
    nouns = Nouns(small=[*pieces, finish(3, -0.1)], large=[])
    alone = replace(REQUEST, permission=Permission(ladder_length_max=1))
    events = [event async for event in flow(nouns).generate(alone, WARD.identity)]
    assert events[1:3] == pieces


LOADING = Loading(Target(TargetKind.LOCAL, "small"), 0.5, "reading weights")


def died():
    return Unavailable("the engine died", reason="engine_died")


async def run(nouns, request=REQUEST):
    return [event async for event in flow(nouns).generate(request, WARD.identity)]


async def test_a_caller_is_told_of_the_loading_and_then_gets_the_answer():
    nouns = Nouns(small=[LOADING, TextDelta("sure", 1), finish(1, -0.1)])
    events = await run(nouns)
    assert [type(event) for event in events] == [Decision, Loading, TextDelta, Finish, Receipt]
    assert nouns.placed == 0


async def test_an_engine_that_dies_before_the_first_token_is_tried_once_more():
    nouns = Nouns(small=[[died()], [LOADING, TextDelta("sure", 1), finish(1, -0.1)]])
    events = await run(nouns)
    assert [type(event) for event in events] == [Decision, Loading, TextDelta, Finish, Receipt]
    assert nouns.settled == [("ward", "r1", 1)]


async def test_a_request_that_was_alone_in_an_engine_that_died_is_not_tried_again():
    """It may have ended the engine itself, and would end the next one."""
    alone = Unavailable("the engine died", reason="engine_died", numbers={"alone": 1})
    nouns = Nouns(
        small=[[alone], [TextDelta("sure", 1), finish(1, -0.1)]], large=[TextDelta("sure", 20), finish(20, -0.1)]
    )
    assert [type(event) for event in await run(nouns)] == [Decision, Escalation, TextDelta, Finish, Receipt]


async def test_an_engine_that_dies_twice_hands_the_request_up_the_ladder():
    nouns = Nouns(small=[[died()], [died()]], large=[TextDelta("sure", 20), finish(20, -0.1)])
    events = await run(nouns)
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    assert nouns.placed == 0


async def test_a_stream_that_has_begun_ends_with_its_engine():
    """What was said cannot be continued exactly: the caller learns that the engine died."""
    nouns = Nouns(small=[[TextDelta("half", 1), died()], [TextDelta("no", 1), finish(1, -0.1)]])
    request = replace(REQUEST, permission=Permission())
    events = flow(nouns).generate(request, WARD.identity)
    assert [type(await anext(events)) for _ in range(2)] == [Decision, TextDelta]
    with pytest.raises(Unavailable):
        await anext(events)
    assert nouns.settled == [("ward", "r1", 1)]


async def test_a_model_that_cannot_be_loaded_hands_the_request_up_the_ladder():
    """The caller who was told of the loading has seen nothing of an answer: the next rung is still open."""
    nouns = Nouns(
        small=[LOADING, Unavailable("no room", reason="no_room")], large=[TextDelta("sure", 20), finish(20, -0.1)]
    )
    events = await run(nouns)
    assert [type(event) for event in events] == [Decision, Loading, Escalation, TextDelta, Finish, Receipt]


# ── how answers are judged ───────────────────────────────────────────────────────────────────────────────────────────


class Judged(Nouns):
    """The same models, judged by name and not by floors."""

    evaluators = ("sums",)
    third = False

    def offers(self):
        made = [offer("small", 0.5, 1000), offer("large", 0.9, 10_000)]
        made += [offer("largest", 0.95, 20_000)] if self.third else []
        return tuple(replace(one, logprob_floor=None, evaluators=self.evaluators) for one in made)


def site(**judges):
    """Evaluators as they would be wired, the arithmetic one among them."""
    made = {"sums": Judge("sums", sums.evaluate, 1.0, 5.0), **judges}
    return SiteEvaluating(made, clock=lambda: 1.0)


async def judged(nouns, evaluating=None, request=REQUEST):
    return [event async for event in flow(nouns, evaluating or site()).generate(request, WARD.identity)]


def judgements(verdicts):
    return [(target.model, one.evaluator, one.good, one.score) for target, one in verdicts]


WRONG = [TextDelta("12 x 3 = 35. The answer is 35.", 10), finish(10, -0.1)]
RIGHT = [TextDelta("12 x 3 = 36. The answer is 36.", 20), finish(20, -0.1)]
SUM = replace(REQUEST, prompt=replace(REQUEST.prompt, messages=(Message(Role.USER, (Text("What is 12 x 3?"),)),)))


async def test_an_answer_that_falls_short_is_never_shown_and_the_receipt_says_why():
    nouns = Judged(small=list(WRONG), large=list(RIGHT))
    events = await judged(nouns, request=SUM)
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    assert events[1].reason == "1 of 1 calculations are wrong"
    assert "35" not in events[2].text
    expected = [("small", "sums", False, 0.0), ("large", "sums", True, 1.0), ("small", "agreement", False, 0.0)]
    assert judgements(events[-1].verdicts) == expected
    assert judgements(nouns.ways[0].verdicts) == expected


async def test_a_good_enough_answer_ends_the_ladder():
    nouns = Judged(small=list(RIGHT), large=[])
    events = await judged(nouns)
    assert [type(event) for event in events] == [Decision, TextDelta, Finish, Receipt]
    assert judgements(events[-1].verdicts) == [("small", "sums", True, 1.0)]


async def test_the_last_rungs_answer_is_given_though_it_falls_short_and_the_receipt_says_so():
    nouns = Judged(small=list(WRONG), large=list(WRONG))
    events = await judged(nouns, request=SUM)
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    assert judgements(events[-1].verdicts) == [
        ("small", "sums", False, 0.0),
        ("large", "sums", False, 0.0),
        ("small", "agreement", True, 1.0),
    ]


async def test_the_last_rung_is_judged_after_the_caller_has_its_finish():
    """Judging for learning's sake delays no delta."""
    seen = []

    def late(case):
        seen.append(case.answer.text)
        return Opinion(0.0, "no")

    alone = replace(REQUEST, permission=Permission())
    events = flow(Judged(small=list(RIGHT)), site(sums=Judge("sums", late, 1.0, 5.0))).generate(alone, WARD.identity)
    assert [type(await anext(events)) for _ in range(3)] == [Decision, TextDelta, Finish]
    assert seen == []
    receipt = await anext(events)
    assert judgements(receipt.verdicts) == [("small", "sums", False, 0.0)]
    assert seen == ["12 x 3 = 36. The answer is 36."]


async def test_an_answer_that_nobody_can_say_anything_of_has_no_verdict():
    nouns = Judged(small=[TextDelta("Fine.", 1), finish(1, -0.1)], large=[])
    events = await judged(nouns)
    assert [type(event) for event in events] == [Decision, TextDelta, Finish, Receipt]
    assert events[-1].verdicts == ()


async def test_three_rungs_are_compared_with_what_came_after_each():
    nouns = Judged(small=list(WRONG), large=list(WRONG), largest=list(RIGHT))
    nouns.third = True
    three = replace(SUM, permission=Permission(ladder_length_max=3))
    events = await judged(nouns, request=three)
    assert [event.destination.model for event in events if isinstance(event, Escalation)] == ["large", "largest"]
    assert [one[:3] for one in judgements(events[-1].verdicts)] == [
        ("small", "sums", False),
        ("large", "sums", False),
        ("small", "agreement", True),
        ("largest", "sums", True),
        ("small", "agreement", False),
        ("large", "agreement", False),
    ]


async def test_evaluators_that_a_request_names_hold_the_answer_back_too():
    nouns = Judged(small=list(WRONG), large=list(RIGHT))
    nouns.evaluators = ()
    events = await judged(nouns, request=replace(SUM, evaluators=("sums",)))
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    unknown = replace(SUM, evaluators=("summs",))
    with pytest.raises(NotFound) as caught:
        await judged(Judged(), request=unknown)
    assert (caught.value.step, caught.value.suggestions) == (3, ("sums",))


class Paid:
    """Costs what it says, and calls every answer bad."""

    def __init__(self, microcredits, microcredits_max=50):
        self.microcredits, self.microcredits_max = microcredits, microcredits_max
        self.spare = []

    def cost_microcredits_max(self, way, rung):
        return self.microcredits_max

    async def judge(self, case, way, rung, seconds_max):
        self.spare.append(way.spare_microcredits())
        way.cost_microcredits += self.microcredits
        return Opinion(0.0, "no")


async def test_what_judging_costs_is_settled_and_the_rungs_above_keep_what_they_may_cost():
    paid = Paid(7)
    nouns = Judged(small=list(RIGHT), large=list(RIGHT))
    await judged(nouns, site(sums=Judge("sums", paid, 1.0, 5.0, is_paid=True)))
    ((_, _, held),) = nouns.held
    assert held == nouns.ways[0].decision.cost_microcredits_max() + 50
    large = nouns.ways[0].decision.ladder[1].estimate.cost_microcredits_max
    assert paid.spare == [held - 20 - large]
    assert nouns.settled == [("ward", "r1", 20 + 7 + 200)]


@pytest.mark.parametrize("room", [0, 30])
async def test_for_judging_no_more_is_held_than_ceiling_and_wallet_have_room_for(room):
    """A caller's ceiling holds for the whole request, judges included."""
    nouns = Judged(small=list(RIGHT), large=list(RIGHT))
    await judged(nouns)
    ladder = nouns.ways[0].decision.cost_microcredits_max()
    nouns = Judged(small=list(RIGHT), large=list(RIGHT))
    permission = Permission(ladder_length_max=2, cost_microcredits_max=ladder + room)
    evaluating = site(sums=Judge("sums", Paid(7), 1.0, 5.0, is_paid=True))
    await judged(nouns, evaluating, replace(REQUEST, permission=permission))
    assert nouns.held == [("ward", "r1", ladder + room)]


async def test_a_single_rung_holds_nothing_for_judges_that_are_not_asked():
    nouns = Judged(small=list(RIGHT))
    paid = Paid(7)
    evaluating = site(sums=Judge("sums", paid, 1.0, 5.0, is_paid=True))
    await judged(nouns, evaluating, replace(REQUEST, permission=Permission()))
    assert nouns.held == [("ward", "r1", nouns.ways[0].decision.cost_microcredits_max())]
    assert paid.spare == []


async def test_judging_leaves_the_rungs_above_their_time(monkeypatch):
    waited = []

    def leaving(inputs):
        decision = decide(inputs)
        return replace(decision, ladder=tuple(replace(rung, leave_ms=4000) for rung in decision.ladder))

    class Waits:
        async def judge(self, case, way, rung, seconds_max):
            waited.append(seconds_max)

    monkeypatch.setattr("ringfenced.flow.decide", leaving)
    evaluating = site(sums=Judge("sums", Waits(), 1.0, 60.0))
    await judged(Judged(small=list(RIGHT), large=[]), evaluating, replace(REQUEST, deadline_s=11.0))
    assert waited == [pytest.approx(10.0 - 4.0)]


class Tokens(Judged):
    """A model that gives log-probabilities where it is asked for them."""

    def offers(self):
        return tuple(replace(one, supports_logprobs=True) for one in super().offers())

    def place(self, model, **_):
        nouns = self

        class Engine:
            def start(self, prompt, **_):
                nouns.prompts.append(prompt)
                one = () if prompt.sampling.logprobs is None else (TokenLogprob("x", b"x", -3.0),)
                return Run([TextDelta("x", 1, one), finish(1, -3.0)])

        return type("Gives", (Place,), {"engine": Engine()})(self, [])


@pytest.mark.parametrize("asked_for", [False, True])
async def test_log_probabilities_that_only_a_judge_needs_are_not_shown(asked_for):
    seen = []

    def sure(case):
        seen.append(case.answer.logprobs)

    nouns = Tokens()
    nouns.prompts = []
    request = REQUEST
    if asked_for:
        request = replace(request, prompt=replace(request.prompt, sampling=Sampling(tokens_max=100, logprobs=2)))
    needs = Judge("sums", sure, 1.0, 5.0, needs_logprobs=True)
    events = await judged(nouns, site(sums=needs), request)
    assert seen == [(-3.0,)]
    assert [bool(event.logprobs) for event in events if isinstance(event, TextDelta)] == [asked_for]
    assert [prompt.sampling.logprobs for prompt in nouns.prompts] == [2 if asked_for else 0]


# ── who gives no answer at all is stood in for ───────────────────────────────────────────────────────────────────────

ACME, OTHER = (Target(TargetKind.PROVIDER, "gpt", provider=name) for name in ("acme", "other"))
ALONE = replace(REQUEST, permission=Permission(ladder_length_max=1))
INTERNAL = Label(Level.INTERNAL)


def provider(target, per_1k, clearance=INTERNAL):
    return Offer(target, True, "", 0.5, 1024, 0, per_1k, 1, 0.01, clearance=clearance)


def down(reason="provider_unreachable"):
    return Unavailable("it is away", reason=reason, numbers={"left": 1, "nothing_generated": 1})


@pytest.fixture
def falls_back(monkeypatch):
    """Every open target that was passed over stands in, in the order of the offers."""

    def with_fallbacks(inputs):
        made = decide(inputs)
        order = [one.target for one in inputs.offers]
        passed = [one for one in made.refused if one.rule == "cost"]
        return replace(made, fallbacks=tuple(sorted(passed, key=lambda one: order.index(one.target))))

    monkeypatch.setattr("ringfenced.flow.decide", with_fallbacks)


class Site(Nouns):
    """Two providers and a local model; `per_1k` sets who is taken first and whether the others fit into its hold."""

    def __init__(self, per_1k=(100, 100, 100), **answers):
        super().__init__(**answers)
        self.per_1k = per_1k

    def offers(self):
        acme, other, small = self.per_1k
        return (provider(ACME, acme), provider(OTHER, other), offer("small", 0.5, small))


def told(events):
    return [(str(e.source), str(e.destination)) for e in events if isinstance(e, Escalation)]


ANSWER = [TextDelta("sure", 10), Finish(FinishReason.STOP, Usage(1, 10))]


@pytest.mark.usefixtures("falls_back")
async def test_a_provider_that_is_away_is_stood_in_for_and_owes_nothing():
    """A limit of one rung is about answers that are paid: this request still gets its one."""
    nouns = Site(acme=[down()], other=ANSWER)
    events = await run(nouns, ALONE)
    assert [type(event) for event in events] == [Decision, Escalation, TextDelta, Finish, Receipt]
    assert told(events) == [("acme/gpt", "other/gpt")]
    assert nouns.settled == [("ward", "r1", 1)]
    assert [str(target) for target in events[-1].ran] == ["acme/gpt", "other/gpt"]
    assert nouns.ways[0].unanswered == [(ACME, "provider_unreachable")]


@pytest.mark.usefixtures("falls_back")
async def test_each_provider_gets_a_payload_of_its_own():
    """De-identified anew, under a permit of its own."""
    nouns = Site(acme=[down()], other=[down()], small=ANSWER)
    events = await run(nouns, ALONE)
    assert told(events) == [("acme/gpt", "other/gpt"), ("other/gpt", "local:small")]
    assert [name for name, _ in nouns.sent] == ["acme", "other"]
    assert nouns.sent[0][1] is not nouns.sent[1][1]


@pytest.mark.usefixtures("falls_back")
async def test_what_was_seen_is_never_begun_again():
    """Half an answer, and then the error."""
    nouns = Site(acme=[TextDelta("half", 1), down()], other=ANSWER)
    events = flow(nouns).generate(ALONE, WARD.identity)
    assert [type(await anext(events)) for _ in range(2)] == [Decision, TextDelta]
    with pytest.raises(Unavailable):
        await anext(events)
    assert [name for name, _ in nouns.sent] == ["acme"]


@pytest.mark.usefixtures("falls_back")
async def test_what_fell_half_way_and_is_owed_counts_against_ceiling_and_hold():
    """Who cannot say that nothing was generated is paid whole; what stands in is held for besides."""
    owed = Unavailable("it broke off", reason="provider_bad_answer", numbers={"left": 1, "nothing_generated": 0})
    nouns = Site(acme=[owed], other=ANSWER)
    await run(nouns, ALONE)
    assert nouns.held == [("ward", "r1", 10), ("ward", "r1", 20)]
    assert nouns.settled == [("ward", "r1", 11)]
    nouns = Site(acme=[owed], other=ANSWER)
    with pytest.raises(Unavailable):
        await run(nouns, replace(ALONE, permission=Permission(cost_microcredits_max=19)))
    assert nouns.settled == [("ward", "r1", 10)]
    assert nouns.ways[0].unanswered == []


@pytest.mark.usefixtures("falls_back")
async def test_a_dearer_one_is_held_for_before_it_begins():
    """Where the wallet has no more, one that fits into the hold stands in; the wallet is never overdrawn."""
    nouns = Site((100, 200, 300), acme=[down()], other=ANSWER, small=ANSWER)
    assert told(await run(nouns, ALONE)) == [("acme/gpt", "other/gpt")]
    assert nouns.held == [("ward", "r1", 10), ("ward", "r1", 20)]
    nouns = Site((100, 200, 100), acme=[down()], other=ANSWER, small=ANSWER)
    nouns.wallet = 20
    spending = flow(nouns).generate(ALONE, WARD.identity)
    assert type(await anext(spending)) is Decision
    nouns.wallet = 19
    assert told([event async for event in spending]) == [("acme/gpt", "local:small")]
    assert nouns.held == [("ward", "r1", 10)]


@pytest.mark.usefixtures("falls_back")
async def test_one_that_was_closed_since_is_not_tried():
    """The set that the decision opened only shrinks."""
    clock = [100.0]
    outlook = MeasuredOutlook(Breakers(lambda: clock[0], lambda: 1.0), lambda: clock[0])
    nouns = Site(acme=[down("provider_rate_limited")], other=[down("provider_rate_limited")], small=ANSWER)
    made = flow(nouns, outlook=outlook, clock=lambda: clock[0])

    async def ran():
        return [str(t) for t in [e async for e in made.generate(ALONE, WARD.identity)][-1].ran]

    assert await ran() == ["acme/gpt", "other/gpt", "local:small"]
    assert await ran() == ["local:small"]
    clock[0] += 1.0
    assert await ran() == ["acme/gpt", "other/gpt", "local:small"]
    nouns._answers["acme"] = ANSWER
    clock[0] += 2.0
    assert await ran() == ["acme/gpt"]


@pytest.mark.usefixtures("falls_back")
async def test_one_that_closes_between_decision_and_run_is_stood_in_for():
    """Somebody else's request is its trial."""

    class Closing(NothingMeasured):
        def begins(self, way, rung):
            if rung.target == ACME:
                raise Unavailable("acme/gpt is left alone.", reason="left_alone")

    nouns = Site(other=ANSWER)
    events = [event async for event in flow(nouns, outlook=Closing()).generate(ALONE, WARD.identity)]
    assert told(events) == [("acme/gpt", "other/gpt")]
    assert [str(target) for target in events[-1].ran] == ["other/gpt"]


@pytest.mark.usefixtures("falls_back")
async def test_what_one_door_refused_stays_on_site():
    """Another door is not tried with what the agent refused."""
    nouns = Site(acme=[Refused("no", reason="agent_refused", numbers={"left": 0})], other=ANSWER, small=ANSWER)
    assert told(await run(nouns, ALONE)) == [("acme/gpt", "local:small")]
    assert [name for name, _ in nouns.sent] == ["acme"]


@pytest.mark.usefixtures("falls_back")
async def test_a_request_that_may_not_leave_never_falls_back_to_a_provider():
    """The local model is down, a provider is up and open for others: nothing leaves (invariant 8)."""
    nouns = Site(small=[[died()], [died()]], acme=ANSWER, other=ANSWER)
    secret = replace(ALONE, label=Label(Level.CONFIDENTIAL))
    with pytest.raises(Unavailable):
        await run(nouns, secret)
    assert nouns.sent == []


@pytest.mark.usefixtures("falls_back")
async def test_a_rung_is_stood_in_for_before_the_next_one_is_taken():
    """What the rungs above need stays held."""
    nouns = Nouns(
        small=[[died()], [died()]],
        spare=[TextDelta("unsure", 10), finish(10, -5.0)],
        large=[TextDelta("sure", 20), finish(20, -0.1)],
    )
    nouns.offers = lambda: (offer("small", 0.5, 1000), offer("spare", 0.5, 1000), offer("large", 0.9, 10_000))
    events = await run(nouns)
    assert told(events) == [("local:small", "local:spare"), ("local:spare", "local:large")]
    assert nouns.settled == [("ward", "r1", 10 + 200)]


@pytest.mark.usefixtures("falls_back")
async def test_a_rung_that_was_late_is_followed_while_there_is_time():
    """And nobody follows once there is none."""
    late = DeadlineExceeded("too slow", reason="deadline")
    nouns = Nouns(small=[[late], [late]], spare=[TextDelta("sure", 1), finish(1, -0.1)])
    nouns.offers = lambda: (offer("small", 0.5, 1000), offer("spare", 0.5, 1000))
    in_time = replace(ALONE, deadline_s=60.0)
    assert told(await run(nouns, in_time)) == [("local:small", "local:spare")]
    now, nouns = [1.0], Nouns(small=[[late], [late]], large=[[TextDelta("sure", 1), finish(1, -0.1)]])
    made = flow(nouns, clock=lambda: now[0]).generate(replace(REQUEST, deadline_s=60.0), WARD.identity)
    assert type(await anext(made)) is Decision
    now[0] = 61.0
    with pytest.raises(DeadlineExceeded):
        await anext(made)
    assert nouns.ways[-1].unanswered == []


@pytest.mark.usefixtures("falls_back")
async def test_whoever_hangs_up_is_told_to_the_outlook():
    """A trial that nobody waits for any more must not keep others out."""
    ends = []

    class Noting(NothingMeasured):
        def ended(self, way, rung, error):
            ends.append((str(rung.target), type(error)))

    nouns = Site(acme=[TextDelta("one", 1), TextDelta("two", 1), *ANSWER])
    events = flow(nouns, outlook=Noting()).generate(ALONE, WARD.identity)
    while not isinstance(await anext(events), TextDelta):
        pass
    await events.aclose()
    assert ends == [("acme/gpt", GeneratorExit)]


# ── hedging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def two_models(**answers):
    nouns = Nouns(**answers)
    nouns.offers = lambda: (offer("small", 0.5, 1000), offer("spare", 0.5, 1000))
    return nouns


async def hedging(nouns, request=ALONE):
    events = flow(nouns, hedge_after_s=0.01).generate(request, WARD.identity)
    return [event async for event in events]


SLOW = [TextDelta("slow", 3), Finish(FinishReason.STOP, Usage(0, 3))]


@pytest.mark.usefixtures("falls_back")
async def test_a_late_first_token_starts_a_second_model_that_is_held_for():
    """The caller gets the sooner answer; who lost had said nothing and costs nothing."""
    nouns = two_models(small=[5.0, *SLOW], spare=ANSWER)
    events = await asyncio.wait_for(hedging(nouns), 2.0)
    assert [type(event) for event in events] == [Decision, TextDelta, Finish, Receipt]
    assert [str(target) for target in events[-1].ran] == ["local:small", "local:spare"]
    assert nouns.held == [("ward", "r1", 200)]
    assert nouns.settled == [("ward", "r1", 10)]
    assert nouns.placed == 0


@pytest.mark.usefixtures("falls_back")
async def test_a_first_model_that_wins_all_the_same_is_the_one_that_answered():
    """The last one that ran gave the answer."""
    nouns = two_models(small=[0.05, *SLOW], spare=[5.0, *ANSWER])
    events = await asyncio.wait_for(hedging(nouns), 2.0)
    assert [str(target) for target in events[-1].ran] == ["local:spare", "local:small"]
    assert nouns.settled == [("ward", "r1", 3)]
    assert nouns.placed == 0


@pytest.mark.usefixtures("falls_back")
async def test_nothing_is_hedged_where_both_do_not_fit():
    """One is held for, as ever."""
    nouns = two_models(small=[0.05, *SLOW], spare=ANSWER)
    capped = replace(ALONE, permission=Permission(cost_microcredits_max=199))
    assert [str(target) for target in (await hedging(nouns, capped))[-1].ran] == ["local:small"]
    assert nouns.held == [("ward", "r1", 100)]


@pytest.mark.usefixtures("falls_back")
async def test_a_wallet_that_has_less_than_a_moment_ago_holds_for_one():
    """Whoever decided on a glance that is old is not refused for the hedge's sake."""

    class Spent(Nouns):
        async def reserve(self, department, request_id, amount):
            if amount > 100:
                raise WalletEmpty("x")
            await super().reserve(department, request_id, amount)

    nouns = Spent(small=[0.05, *SLOW], spare=ANSWER)
    nouns.offers = two_models().offers
    assert [str(target) for target in (await hedging(nouns))[-1].ran] == ["local:small"]
    assert nouns.held == [("ward", "r1", 100)]


@pytest.mark.usefixtures("falls_back")
async def test_who_hangs_up_on_a_hedge_leaves_nothing_running():
    """Both places are given back."""
    nouns = two_models(small=[5.0, *SLOW], spare=[5.0, *ANSWER])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hedging(nouns), 0.1)
    assert nouns.placed == 0
    assert nouns.settled == [("ward", "r1", 0)]


class Lately:
    """Recognisers that find somebody from their second reading on."""

    def __init__(self):
        self.readings = 0

    def __call__(self, text):
        self.readings += 1
        start = text.find("Quillon")
        return () if self.readings == 1 or start < 0 else (Finding(start, start + 7, "PERSON", 0.99, "t"),)


@pytest.mark.parametrize(
    ("permits", "deidentified_egress", "sent"),
    [(False, True, []), (True, False, []), (True, True, ["acme"])],
)
async def test_caller_and_policy_are_asked_about_what_de_identification_really_found(
    permits, deidentified_egress, sent
):
    """It reads once more, whatever was known: what that finds, neither of them has been asked about yet."""

    class NothingDeidentified(OpenPolicies):
        def rulings(self, asked, offers):
            rulings = super().rulings(asked, offers)
            return rulings if permits or not asked.lowered else replace(rulings, by_target={})

    prompt = Prompt((Message(Role.USER, (Text("Quillon was seen"),)),), sampling=Sampling(tokens_max=100))
    permission = Permission(ladder_length_max=1, deidentified_egress=deidentified_egress)
    nouns = Site(per_1k=(1, 10, 20_000), acme=ANSWER, other=ANSWER, small=ANSWER)
    asked = replace(ALONE, prompt=prompt, permission=permission)
    events = flow(nouns, policies=NothingDeidentified("d"), scan=Lately()).generate(asked, WARD.identity)
    answered = [event async for event in events]
    assert [name for name, _ in nouns.sent] == sent
    assert answered[0].target == ACME
    assert str(answered[-1].ran[-1]) == ("acme/gpt" if sent else "local:small")
