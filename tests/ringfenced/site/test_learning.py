"""What is expected of targets, and what a finished request teaches: without content, and never at a request's cost."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfence.labels import Label, Level
from ringfenced.config import Routing
from ringfenced.decide import asked_of
from ringfenced.evaluate.verified import verified
from ringfenced.inputs import Circumstances, Inputs, Rulings
from ringfenced.learn.answers import NAMES, read_answer
from ringfenced.learn.answers_kept import packed, unpacked
from ringfenced.learn.features import featured
from ringfenced.learn.lineup import Rated
from ringfenced.learn.outcome import EMBEDDED, Features
from ringfenced.model import (
    GOOD,
    Caller,
    Candidate,
    Classification,
    Decision,
    Estimate,
    Finish,
    FinishReason,
    Message,
    Offer,
    Prompt,
    Read,
    Request,
    Role,
    Target,
    TargetKind,
    Text,
    Usage,
    Verdict,
)
from ringfenced.site.learning import GRAMS_MAX, NothingLearned, SiteLearning, text_of, thinned
from ringfenced.site.verifying import verifying
from ringfenced.store.link import LINE_BYTES_MAX
from ringfenced.store.link_lessons import LinkedLessons
from ringfenced.store.outcomes import Outcomes
from ringfenced.way import Way

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
SMALL, LARGE, TOP = (Target(TargetKind.LOCAL, name) for name in ("small", "large", "top"))
ANSWER = packed(read_answer("Which ward?", "Ward seven.", salt=b"s" * 16))
NOTE = "Patient Quillon Abernethy, MRN 77120093, was seen on 4 March with dyspnoea and put on apixaban."


def pseudonym(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def offer(target, quality, floor=None):
    return Offer(target, True, "", quality, 1024, 0, 10, 1, 1, logprob_floor=floor)


OFFERS = (offer(SMALL, 0.5), offer(LARGE, 0.9))


class Scripted:
    """Has learned that `small` is worth 0.25."""

    fails = False

    def __init__(self):
        self.asked = []
        self.spaces = []

    def rated(self, features, segment, models, quality_configured):
        self.spaces.append(features.space)
        if self.fails:
            raise ValueError("other features than these")
        self.asked.append((segment, tuple(models)))
        small = np.array([model == "small" for model in models])
        quality = np.where(small, np.float32(0.25), quality_configured).astype(np.float32)
        return Rated(quality, small * np.float32(0.125), small)


class Kept:
    def __init__(self):
        self.lessons = []

    def put(self, lesson):
        self.lessons.append(lesson)


def read(text):
    return featured(text, salt=b"s" * 16)


class Embedder:
    """Says the same of every prompt, once so many have come."""

    def __init__(self, *, together=1, fails=False):
        self.fails = fails
        self.asked = []
        self.come = asyncio.Barrier(together)

    async def added(self, features, text, deadline_s):
        self.asked.append((text, deadline_s))
        await self.come.wait()
        if self.fails:
            raise ValueError("a defect")
        return replace(features, embedded=np.full(EMBEDDED, 0.5, np.float32), space=7)


def learning(learned=None, kept=None, read=read, embedder=None, **settings):
    learned, kept = learned or Scripted(), kept or Kept()
    return SiteLearning(
        Routing(**settings),
        lambda: learned,
        kept,
        read=read,
        pseudonym=pseudonym,
        unix_s=lambda: 1_800_000_000,
        embedder=embedder,
    )


def request(text=NOTE, **fields):
    return Request("r1", Prompt((Message(Role.USER, (Text(text),)),)), **fields)


def asked(of, level=Level.INTERNAL):
    return asked_of(of, WARD, Classification(Label(level), Label(level), (), len(text_of(of.prompt))))


def candidate(target):
    return Candidate(target, Estimate(1, 2, 3, 0.5, 10, 20), True, "chosen", "", False)


async def finished(site, *ran, verdicts=(), error=None, level=Level.INTERNAL, of=None, offers=OFFERS, **decided):
    """A way that ran these targets, rated by `site` and then told to it."""
    of = of or request()
    way = Way(of, 0.0, caller=WARD)
    rating = await site.rated(of, asked(of, level), offers)
    way.inputs = Inputs(asked(of, level), offers, rating, Rulings({}, "d"), Circumstances(10, None))
    way.decision = Decision(Label(level), tuple(map(candidate, ran)), (), "d", **decided)
    way.offers = {one.target: one for one in offers}
    for number, target in enumerate(ran):
        way.begin_rung(candidate(target), float(number))
        way.rung_first_s = number + 0.25
        way.cost_microcredits += 10 * (number + 1)
    way.finish = Finish(FinishReason.STOP, Usage(1, 2))
    way.verdicts = list(verdicts)
    way.finished_s, way.error = len(ran) - 0.5, error
    site.learn(way)
    return way


async def test_learned_quality_counts_and_configured_where_nothing_is_known():
    rating = await learning(good_answer_microcredits=7.0, explore=0.5).rated(request(), asked(request()), OFFERS)
    assert rating.quality == pytest.approx([0.25, 0.9])
    assert rating.uncertainty == [0.125, 0.0]
    assert rating.learned == [True, False]
    assert (rating.explore, rating.good_answer_microcredits) == (0.5, 7.0)


class Doubtful(Scripted):
    """Has learned of `small`; the shipped prior thinks little of everybody on this prompt."""

    def rated(self, features, segment, models, quality_configured):
        rated = super().rated(features, segment, models, quality_configured)
        return replace(rated, quality=np.full(len(models), np.float32(0.4)))


@pytest.mark.parametrize(("bar", "expected"), [(0.0, [0.4, 0.4]), (0.9, [0.4, 0.9]), (0.95, [0.4, 0.4])])
async def test_the_prior_alone_puts_nobody_under_a_bar_that_its_configured_quality_passes(bar, expected):
    """What was learned here may: `small` stays where it is."""
    told = request(quality_min=bar)
    assert (await learning(Doubtful()).rated(told, asked(told), OFFERS)).quality == pytest.approx(expected)


async def test_a_task_is_its_own_kind_and_a_strange_name_is_kept_as_a_hash():
    learned = Scripted()
    for task in ("extract-note", "", "Quillon Abernethy"):
        of = request(task=task)
        await learning(learned).rated(of, asked(of), OFFERS)
    (named, _), (form, _), (strange, models) = learned.asked
    assert (named, form, models) == ("extract-note", "~short", ("small", "large"))
    assert strange.startswith("~task-")
    assert "Quillon" not in strange


async def test_a_task_in_which_a_recogniser_finds_something_is_kept_as_a_hash_always_the_same():
    learned = Scripted()
    for task, found in (("Jane.Doe", True), ("Jane.Doe", True), ("John.Doe", True), ("Jane.Doe", False)):
        of = request(task=task)
        await learning(learned).rated(of, replace(asked(of), task_found=found), OFFERS)
    (one, _), (again, _), (other, _), (plain, _) = learned.asked
    assert one.startswith("~task-")
    assert one == again != other
    assert plain == "Jane.Doe"


async def test_no_tenant_teaches_what_another_goes_by():
    learned = Scripted()
    told = request(task="triage")
    for tenant in ("site", "north", "south"):
        of = replace(asked(told), tenant=tenant)
        await learning(learned).rated(told, of, OFFERS)
        await learning(learned).rated(told, replace(of, task=""), OFFERS)
    assert [segment for segment, _ in learned.asked] == [
        *("triage", "~short", "triage@north", "~short@north", "triage@south", "~short@south")
    ]


async def test_what_was_learned_and_does_not_fit_counts_as_nothing_learned():
    """State of another version must not end a request."""
    learned = Scripted()
    learned.fails = True
    site = learning(learned, good_answer_microcredits=7.0)
    rating = await site.rated(request(), asked(request()), OFFERS)
    assert (rating.quality, rating.learned) == ((0.5, 0.9), (False, False))
    assert rating.good_answer_microcredits == 7.0
    assert site.counts.failed == 1


async def test_a_defect_in_learning_is_counted_and_ends_no_request():
    site = learning()
    way = await finished(site, SMALL)
    site._pending[way.request.id] = object()
    site.learn(way)
    assert site.counts.failed == 1


async def test_a_request_that_is_only_planned_leaves_nothing_behind():
    """Planning costs nothing: else one caller could fill the memory, and push out what others wait to teach."""
    site = learning()
    await site.rated(request(), asked(request()), OFFERS)
    site.dismiss(request())
    assert not site._pending
    site.dismiss(request())


async def test_texts_to_embed_are_not_rated():
    of = Request("r", Prompt((Message(Role.USER, (Text("x"),)),), embeds=True))
    learned = Scripted()
    assert (await learning(learned).rated(of, asked(of), OFFERS)).quality == (0.5, 0.9)
    assert learned.asked == []


async def test_above_the_label_for_learning_nothing_is_kept_and_nothing_explored():
    kept = Kept()
    site = learning(kept=kept, explore=0.5)
    way = await finished(
        site, SMALL, level=Level.RESTRICTED, verdicts=[(SMALL, Verdict(good=True, score=1.0, evaluator="e"))]
    )
    assert way.inputs.rating.explore == 0.0
    assert way.inputs.rating.quality == pytest.approx([0.25, 0.9])
    assert kept.lessons == []


@pytest.mark.parametrize(("level", "grams"), [(Level.RESTRICTED, 0), (Level.CONFIDENTIAL, 3)])
async def test_of_restricted_content_no_hashed_word_is_ever_kept(level, grams):
    """Even where the operator lets it teach: counts of its form alone."""
    three = Features(np.ones(2, np.float32), np.arange(3, dtype=np.uint32), np.ones(3, np.float32))
    form = np.arange(len(NAMES), dtype=np.float32)
    seen = Verdict(good=True, score=0.9, evaluator="verifier", read=Read(packed(replace(three, hand=form))))
    kept = Kept()
    site = learning(kept=kept, read=lambda _: three, learn_label_max=Level.RESTRICTED)
    await finished(site, SMALL, level=level, verdicts=[(SMALL, seen)])
    features = Features.from_bytes(kept.lessons[0].features)
    assert (len(features.hand), len(features.index), len(features.weight)) == (2, grams, grams)
    answer = unpacked(kept.lessons[0].answers[0].read)
    assert (len(answer.hand), len(answer.index), len(answer.weight)) == (len(NAMES), grams, grams)


async def test_what_an_embedder_says_is_rated_by_and_kept():
    kept, embedder, learned = Kept(), Embedder(), Scripted()
    await finished(learning(learned, kept, embedder=embedder), SMALL, of=request(deadline_s=9.0))
    assert embedder.asked == [(NOTE, 9.0)]
    assert learned.spaces == [7]
    assert Features.from_bytes(kept.lessons[0].features).embedded.tolist() == [0.5] * EMBEDDED


async def test_restricted_content_is_neither_embedded_nor_are_numbers_of_it_kept():
    """Not even where something else had embedded it."""
    kept, embedder = Kept(), Embedder()
    site = learning(kept=kept, embedder=embedder, learn_label_max=Level.RESTRICTED)
    await finished(site, SMALL, level=Level.RESTRICTED)
    assert embedder.asked == []
    said = replace(read(NOTE), embedded=np.ones(EMBEDDED, np.float32), space=7)
    site = learning(kept=kept, read=lambda _: said, learn_label_max=Level.RESTRICTED)
    await finished(site, SMALL, level=Level.RESTRICTED)
    assert [Features.from_bytes(lesson.features).space for lesson in kept.lessons] == [0, 0]


async def test_an_embedder_with_a_defect_ends_no_request():
    site = learning(embedder=Embedder(fails=True))
    assert (await site.rated(request(), asked(request()), OFFERS)).quality == (0.5, 0.9)
    assert site.counts.failed == 1


async def test_requests_that_wait_for_the_embedder_are_rated_each_by_its_own_offers():
    """While one waits, another with other offers may pass."""
    site = learning(embedder=Embedder(together=2))
    async with asyncio.TaskGroup() as group:
        one = group.create_task(site.rated(request(), asked(request()), OFFERS))
        other = group.create_task(site.rated(replace(request(), id="r2"), asked(request()), OFFERS[1:]))
    assert one.result().quality == pytest.approx([0.25, 0.9])
    assert other.result().quality == pytest.approx([0.9])


async def test_an_answer_that_nobody_judged_is_kept_without_a_score_for_its_callers_word():
    kept = Kept()
    await finished(learning(kept=kept), SMALL, propensity=0.75, explored=True)
    (lesson,) = kept.lessons
    (answer,) = lesson.answers
    assert (answer.model, answer.score, answer.kind, answer.propensity, answer.explored) == (
        "small",
        None,
        "",
        0.75,
        True,
    )
    assert answer.expected == pytest.approx(0.25)
    assert (answer.cost_microcredits, answer.first_ms, answer.duration_ms) == (10, 250.0, 500.0)
    assert (lesson.segment, lesson.at_unix_s) == ("~short", 1_800_000_000)


async def test_an_escalation_labels_both_rungs():
    kept = Kept()
    bad = Verdict(good=False, score=0.2, evaluator="sums", reason="one is wrong", scores=(("sums", 0.2),))
    good = Verdict(good=True, score=0.9, evaluator="schema")
    await finished(learning(kept=kept), SMALL, LARGE, verdicts=[(SMALL, bad), (LARGE, good)])
    small, large = kept.lessons[0].answers
    assert (small.score, small.kind, small.escalated_to, small.scores) == (0.2, "evaluator", "large", (("sums", 0.2),))
    assert (large.score, large.kind, large.escalated_to) == (0.9, "schema", "")
    assert (small.cost_microcredits, large.cost_microcredits) == (10, 20)


async def test_whoever_saw_both_answers_has_the_last_word_on_the_first():
    kept = Kept()
    verdicts = [
        (SMALL, Verdict(good=False, score=0.0, evaluator="logprobs")),
        (LARGE, GOOD),
        (SMALL, Verdict(good=True, score=1.0, evaluator="agreement")),
    ]
    await finished(learning(kept=kept), SMALL, LARGE, verdicts=verdicts)
    small, large = kept.lessons[0].answers
    assert (small.score, small.kind) == (1.0, "escalation")
    assert large.score is None


async def test_what_was_read_of_an_answer_is_kept_beside_the_word_of_whoever_compared_it():
    kept = Kept()
    verdicts = [
        (SMALL, Verdict(good=False, score=0.3, evaluator="verifier", read=Read(ANSWER))),
        (LARGE, Verdict(good=True, score=0.8, evaluator="judge", read=Read(ANSWER, 0.8))),
        (SMALL, Verdict(good=False, score=0.0, evaluator="agreement")),
    ]
    await finished(learning(kept=kept), SMALL, LARGE, verdicts=verdicts)
    small, large = kept.lessons[0].answers
    assert (small.read, small.beside, small.kind, small.score) == (ANSWER, None, "escalation", 0.0)
    assert (large.read, large.beside) == (ANSWER, 0.8)
    await finished(learning(kept=kept), SMALL)
    assert kept.lessons[1].answers[0].read == b""


async def test_a_floor_that_an_answer_passed_is_a_verdict_where_there_is_a_floor():
    """Otherwise failures alone would be counted."""
    kept = Kept()
    await finished(learning(kept=kept), SMALL, verdicts=[(SMALL, GOOD)], offers=(offer(SMALL, 0.5, -1.0), OFFERS[1]))
    await finished(learning(kept=kept), SMALL, verdicts=[(SMALL, GOOD)])
    assert [lesson.answers[0].score for lesson in kept.lessons] == [1.0, None]


@pytest.mark.parametrize("error", [GeneratorExit(), ConnectionError("engine died")])
async def test_who_hangs_up_and_what_broke_say_nothing_of_the_answer(error):
    kept = Kept()
    await finished(learning(kept=kept), SMALL, error=error)
    assert kept.lessons == []


async def test_a_rung_that_was_judged_before_the_caller_left_counts():
    kept = Kept()
    bad = Verdict(good=False, score=0.0, evaluator="schema")
    await finished(learning(kept=kept), SMALL, LARGE, verdicts=[(SMALL, bad)], error=GeneratorExit())
    assert [(answer.model, answer.score) for answer in kept.lessons[0].answers] == [("small", 0.0)]


async def test_a_rung_that_gave_no_answer_teaches_nothing():
    kept = Kept()
    await finished(learning(kept=kept), SMALL, LARGE)
    assert [answer.model for answer in kept.lessons[0].answers] == ["large"]


async def test_a_target_that_was_tried_twice_is_learned_of_once():
    kept = Kept()
    await finished(learning(kept=kept), SMALL, SMALL, verdicts=[(SMALL, Verdict(good=True, score=1.0, evaluator="e"))])
    assert len(kept.lessons[0].answers) == 1


async def test_a_request_that_was_refused_or_never_rated_teaches_nothing():
    kept = Kept()
    site = learning(kept=kept)
    await finished(site)
    site.learn(Way(request(), 0.0))
    assert kept.lessons == []


async def test_what_is_only_planned_is_pushed_out(monkeypatch):
    monkeypatch.setattr("ringfenced.site.learning.PENDING_MAX", 10)
    site = learning()
    for number in range(50):
        of = replace(request(), id=str(number))
        await site.rated(of, asked(of), OFFERS)
    assert len(site._pending) == 10


async def test_a_site_that_does_not_learn_goes_by_what_is_configured():
    rating = await NothingLearned(3.0).rated(request(), asked(request()), OFFERS)
    assert (rating.quality, rating.explore, rating.good_answer_microcredits) == ((0.5, 0.9), 0.0, 3.0)


@given(st.integers(0, 3 * GRAMS_MAX), st.integers(0, 2**32 - 1))
def test_the_heaviest_features_are_kept_in_their_order(count, seed):
    chance = np.random.default_rng(seed)
    index = np.sort(chance.choice(2**31, count, replace=False)).astype(np.uint32)
    kept = thinned(Features(np.zeros(3, np.float32), index, chance.random(count).astype(np.float32)))
    assert len(kept.index) == min(count, GRAMS_MAX)
    assert (np.diff(kept.index.astype(np.int64)) > 0).all()
    assert set(kept.index) <= set(index)


class Line:
    """A link that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def tell(self, *said):
        import json  # noqa: PLC0415 - as the link does it

        self.lines.append(json.dumps({"id": 0, "do": said[0], "with": said[1:]}))


async def test_the_longest_lesson_fits_a_line_of_the_link():
    """A longer one would end the worker's link."""
    line = Line()
    chance = np.random.default_rng(7)
    many = Features(chance.random(256).astype(np.float32), np.arange(9000, dtype=np.uint32), np.ones(9000, np.float32))
    site = learning(kept=LinkedLessons(line), read=lambda _: many, embedder=Embedder())
    scores = tuple((f"evaluator-{number:0120}", 0.123456789012345) for number in range(16))
    long = Features(np.ones(len(NAMES), np.float32), np.arange(811, dtype=np.uint32), np.ones(811, np.float32))
    bad = Verdict(good=False, score=0.5, evaluator="x" * 128, scores=scores, read=Read(packed(long), 0.123456789012345))
    ran = [replace(SMALL, model=f"m{number:0126}") for number in range(8)]
    offers = tuple(offer(target, 0.5) for target in ran)
    await finished(site, *ran, of=request(task="t" * 64), verdicts=[(target, bad) for target in ran], offers=offers)
    assert len(line.lines[0]) < LINE_BYTES_MAX


CANARIES = ("Quillon", "Abernethy", "77120093", "apixaban", "dyspnoea", "4 March")


def encodings(word):
    """How a word could be written down."""
    plain = word.encode()
    for said in {word, word.lower(), word.upper(), word[::-1]}:
        yield said.encode()
        yield said.encode("utf-16-le")
        yield said.encode().hex().encode()
        yield said.encode().hex().upper().encode()
        yield base64.b85encode(said.encode())
    for shift in range(3):  # wherever it stands in what is encoded
        yield base64.b64encode(b"\0" * shift + plain)[2 * shift : -4]
    for make in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        for said in (word, word.lower()):
            yield make(said.encode()).digest()[:8]
            yield make(said.encode()).hexdigest()[:16].encode()
    yield zlib.crc32(plain).to_bytes(4, "little") + plain[:1]


def contents(folder):
    """Every file's bytes, and what its packed values hold."""
    import sqlite3  # noqa: PLC0415 - here alone

    found = [path.read_bytes() for path in folder.iterdir()]
    with sqlite3.connect(folder / "outcomes.sqlite3") as kept:
        tables = ("features", "answer_read")
        deflated = [[row[0] for row in kept.execute(f"SELECT content FROM {table}")] for table in tables]
    kept.close()
    assert all(deflated)
    return b"\n".join(found + [zlib.decompress(one) for ones in deflated for one in ones])


async def test_no_content_of_a_request_is_in_the_file(tmp_path):
    """Canaries: no word of a prompt, of an answer, of an id, of a caller, in any encoding that we can think of."""
    outcomes = Outcomes(tmp_path / "outcomes.sqlite3", keep_days=9, keep_outcomes=100, unix_s=lambda: 1_800_000_000)
    site = learning(kept=outcomes)
    verify = verifying(lambda: None, b"s" * 16)
    bad = Verdict(good=False, score=0.1, evaluator="schema", reason="free text of an evaluator: Quillon")
    for number, text in enumerate((NOTE, NOTE.upper(), NOTE * 80, "\n".join(NOTE.split()))):
        of = replace(request(text, task="Quillon Abernethy", conversation_id="77120093"), id=f"id-apixaban-{number}")
        judge = verified(verify)
        opinions = [judge(case(answer, text)) for answer in (text, f"{text} The answer is 77120093.", "77120093")]
        await finished(
            site,
            *(SMALL, LARGE, TOP),
            of=of,
            verdicts=[
                (target, replace(bad, read=Read(opinion.read, opinion.score)))
                for target, opinion in zip((SMALL, LARGE, TOP), opinions, strict=True)
            ],
            offers=(*OFFERS, offer(TOP, 0.95)),
        )
    await outcomes.tally()
    outcomes.close()
    held = contents(tmp_path)
    assert b"schema" in held  # the search finds what is there
    for kind in (np.float32, np.float64):  # nor is a number there as a number, or as its logarithm
        for value in (77120093.0, np.log10(1 + 77120093.0), np.log1p(77120093.0)):
            assert kind(value).tobytes() not in held
    assert not [(word, how) for word in (*CANARIES, "spiffe", "id-ap") for how in encodings(word) if how in held]


def test_another_site_hashes_the_same_words_elsewhere():
    """Who has one site's file can look nothing up in another's."""
    one, two = (featured(NOTE, salt=salt * 16) for salt in (b"a", b"b"))
    if len(one.index):
        shared = len(np.intersect1d(one.index, two.index)) / len(one.index)
        assert shared < 0.2
