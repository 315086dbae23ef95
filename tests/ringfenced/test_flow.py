"""The flow with scripted nouns: what journeys cannot time, above all what a rung that is left half-way costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.labels import Label
from ringfence.recognize import DEFAULT
from ringfenced.errors import Unavailable
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
    Target,
    TargetKind,
    Text,
    TextDelta,
    ToolCallDelta,
    Usage,
    Vectors,
    Wallet,
)
from ringfenced.nouns import World
from ringfenced.site.evaluating import LogprobFloors
from ringfenced.site.learning import NothingLearned
from ringfenced.site.outlook import NothingMeasured
from ringfenced.site.policies import OpenPolicies
from ringfenced.site.scanning import Scanner

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

    def __init__(self, **answers):
        self._answers = answers
        self.callers = {WARD.identity: WARD}
        self.sources = {}
        self.settled, self.held, self.ways = [], [], []
        self.placed = 0

    def offers(self):
        return (offer("small", 0.5, 1000), offer("large", 0.9, 10_000))

    def place(self, model, **_):
        pieces = self._answers[model]
        if pieces and isinstance(pieces[0], list):  # one for each try
            pieces = pieces.pop(0)
        return Place(self, pieces)

    async def glance(self, department):
        return Wallet(department, 10**9, 0, 0)

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


def flow(nouns):
    world = World(lambda: 1.0, lambda: 7, bytes, str)
    return Flow(
        directory=nouns,
        outlook=NothingMeasured(),
        scanning=Scanner(lambda _: ()),
        policy=DEFAULT,
        policies=OpenPolicies("d"),
        learning=NothingLearned(),
        evaluating=LogprobFloors(),
        ledger=nouns,
        egress=None,
        memory=nouns,
        recorder=nouns,
        world=world,
    )


def finish(tokens, logprob_min):
    return Finish(FinishReason.STOP, Usage(0, tokens, logprob_min=logprob_min))


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
    assert isinstance(nouns.ways[0].error, GeneratorExit)


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
