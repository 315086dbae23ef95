"""Evaluators are asked in turn, within their time; one that fails, hangs or may not look is passed over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from fakes.cases import prompt
from fakes.judged import offer, rung, way
from ringfence.labels import Category, Label, Level
from ringfenced.errors import NotFound
from ringfenced.evaluate import Opinion
from ringfenced.model import GOOD, Answer, Read, Tool, ToolCall
from ringfenced.site.evaluating import Judge, NotAskedError, Outcome, SiteEvaluating


class Asks:
    """Says what it is told to, or does what it is told to."""

    def __init__(self, says):
        self._says = says
        self.seen = []

    async def judge(self, case, way, rung, seconds_max):
        self.seen.append((case.answer.text, seconds_max))
        says = self._says
        if says == "hang":
            await asyncio.Event().wait()
        if isinstance(says, BaseException):
            raise says
        return says


class Site:
    """Evaluators by name, in their order, with what was counted."""

    def __init__(self, now_s=0.0, **judges):
        self.counted = []
        made = {
            name: one if isinstance(one, Judge) else Judge(name, one, 0.5, 0.2, rank=place)
            for place, (name, one) in enumerate(judges.items())
        }
        self.evaluating = SiteEvaluating(made, clock=lambda: now_s, count=lambda *one: self.counted.append(one))

    async def judge(self, text="an answer", made=None, *, seconds_max=None, is_last=False, calls=()):
        made = made or way(offer(evaluators=tuple(self.evaluating._judges)))
        first = rung(next(iter(made.offers.values())))
        try:
            return await self.evaluating.judge(
                made, first, Answer(text, tuple(calls)), seconds_max=seconds_max, is_last=is_last
            )
        finally:
            self.evaluating.close()


def good(score=1.0):
    return Asks(Opinion(score, "" if score == 1 else "not quite"))


async def test_all_are_asked_in_order_and_the_least_word_counts():
    site = Site(one=good(), two=good(0.7), three=good(0.9))
    verdict = await site.judge()
    assert (verdict.good, verdict.score, verdict.evaluator, verdict.reason) == (True, 0.7, "two", "")
    assert verdict.scores == (("one", 1.0), ("two", 0.7), ("three", 0.9))
    assert site.counted == [("one", Outcome.GOOD), ("two", Outcome.GOOD), ("three", Outcome.GOOD)]


async def test_who_is_failed_is_the_last_who_is_asked():
    dear = good()
    site = Site(cheap=good(0.4), dear=dear)
    verdict = await site.judge()
    assert (verdict.good, verdict.score, verdict.evaluator, verdict.reason) == (False, 0.4, "cheap", "not quite")
    assert dear.seen == []


async def test_a_score_on_the_threshold_is_good_enough():
    verdict = await Site(one=good(0.5), two=good(0.9)).judge()
    assert (verdict.good, len(verdict.scores)) == (True, 2)
    assert not (await Site(one=good(0.499)).judge()).good


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ("hang", Outcome.LATE),
        (TimeoutError(), Outcome.LATE),
        (RuntimeError("secret"), Outcome.FAILED),
        (NotAskedError(), Outcome.NOT_ASKED),
        (None, Outcome.SILENT),
        (Opinion(float("nan")), Outcome.FAILED),
        (Opinion(1.5), Outcome.FAILED),
    ],
)
async def test_one_that_hangs_fails_or_says_nothing_is_passed_over_and_counted(says, outcome):
    site = Site(odd=Asks(says), sound=good(0.1))
    verdict = await site.judge()
    assert (verdict.good, verdict.evaluator) == (False, "sound")
    assert site.counted == [("odd", outcome), ("sound", Outcome.SHORT)]


async def test_where_nobody_says_anything_the_answer_is_given():
    assert await Site(odd=Asks("hang")).judge() is GOOD


async def test_a_function_that_raises_is_passed_over():
    def broken(case):
        raise ValueError(case.answer.text)

    site = Site(broken=broken)
    assert await site.judge() is GOOD
    assert site.counted == [("broken", Outcome.FAILED)]


async def test_long_texts_are_read_beside_the_loop_and_one_that_takes_too_long_is_let_go():
    def slow(case):
        time.sleep(0.6)
        return Opinion(0.0, "too late")

    site = Site(slow=slow)
    assert await site.judge("x" * 5000) is GOOD
    assert site.counted == [("slow", Outcome.LATE)]


async def test_a_flood_of_one_department_makes_only_its_own_verdicts_late():
    """Twenty long answers of a department, each a third of a second to read; another one's is judged in its time."""

    def slow(case):
        time.sleep(0.3 if case.answer.text.startswith("x") else 0)
        return Opinion(0.1, "bad")

    site = Site(slow=Judge("slow", slow, 0.5, 0.5))
    flood, other = ((way(offer(evaluators=("slow",))), text * 5000) for text in "xy")
    other[0].caller = replace(other[0].caller, department="laboratory")

    async def judged(made, text):
        return await site.evaluating.judge(
            made, rung(next(iter(made.offers.values()))), Answer(text), seconds_max=None, is_last=False
        )

    flooding = [asyncio.ensure_future(judged(*flood)) for _ in range(20)]
    await asyncio.sleep(0.01)
    for _ in range(3):
        assert not (await judged(*other)).good
    verdicts = await asyncio.gather(*flooding)
    site.evaluating.close()
    assert sum(verdict is GOOD for verdict in verdicts) >= 16


async def test_judging_takes_no_longer_than_the_rung_has():
    asked = Asks("hang")
    site = Site(patient=Judge("patient", asked, 0.5, 60.0), next=good(0.1))
    verdict = await asyncio.wait_for(site.judge(seconds_max=0.05), 5)
    assert asked.seen == [("an answer", pytest.approx(0.05))]
    assert verdict.evaluator == "next"
    assert (await Site(one=good(0.1)).judge(seconds_max=0.0)) is GOOD


async def test_what_is_above_an_evaluators_label_is_not_shown():
    asked = good(0.1)
    label = Label(Level.INTERNAL, frozenset({Category.PII}))
    site = Site(outside=Judge("outside", asked, 0.5, 1.0, label_max=Label(Level.INTERNAL)))
    sensitive = way(offer(evaluators=("outside",)), label=label)
    assert await site.judge(made=sensitive) is GOOD
    assert (asked.seen, site.counted) == ([], [("outside", Outcome.WITHHELD)])
    plain = way(offer(evaluators=("outside",)), label=Label(Level.INTERNAL))
    assert not (await site.judge(made=plain)).good


async def test_of_the_last_rung_only_who_costs_nothing_is_asked():
    paid = good(0.1)
    site = Site(paid=Judge("paid", paid, 0.5, 1.0, is_paid=True), free=good())
    assert (await site.judge(is_last=True)).evaluator == "free"
    assert paid.seen == []


async def test_a_request_adds_evaluators_of_its_own():
    site = Site(mine=good(0.1), other=good(0.1))
    verdict = await site.judge(made=way(offer(), evaluators=("mine",)))
    assert [name for name, _ in verdict.scores] == ["mine"]


async def test_a_schema_calls_and_a_floor_are_judged_unasked():
    """They cost next to nothing, whatever the target's grammar promises."""
    made = way(offer(), asked=prompt(json_schema='{"type": "object"}'))
    assert (await Site().judge("[]", made)).evaluator == "schema"
    made = way(offer(), asked=prompt(tools=(Tool("f", "", ""),)))
    assert (await Site().judge("", made, calls=[ToolCall("1", "g", "{}")])).evaluator == "tools"
    made = way(offer(logprob_floor=-1.0))
    made.finish = type(made.finish)(made.finish.reason, type(made.finish.usage)(1, 1, logprob_min=-2.0))
    verdict = await Site().judge("text", made)
    assert (verdict.evaluator, verdict.good) == ("logprobs", False)


def test_unknown_names_are_refused_with_the_nearest():
    evaluating = Site(arithmetic=good(), judge=good()).evaluating
    evaluating.check(("judge", "arithmetic"))
    with pytest.raises(NotFound) as caught:
        evaluating.check(("judge", "aritmetic"))
    assert caught.value.suggestions == ("arithmetic",)
    assert caught.value.reason == "evaluator_unknown"
    evaluating.close()


def test_log_probabilities_are_asked_for_where_somebody_goes_by_them():
    evaluating = Site(sure=Judge("sure", good(), 1.0, 1.0, needs_logprobs=True), other=good()).evaluating
    for names, needed in ((("sure",), True), (("other",), False), ((), False)):
        made = way(offer(evaluators=names))
        assert evaluating.needs_logprobs(made, rung(offer())) is needed
    evaluating.close()


async def test_what_was_read_goes_with_the_verdict_and_with_it_what_those_said_who_were_asked_later():
    """Those asked before passed it, or nothing would have been read: their word is no label of it."""
    read = Asks(Opinion(0.9, "", b"read"))
    verdict = await Site(before=good(0.55), verifier=read, judge=good(0.8), own=good(0.6)).judge()
    assert verdict.read == Read(b"read", 0.6)
    assert (await Site(before=good(0.55), verifier=read).judge()).read == Read(b"read", None)
    assert (await Site(verifier=Asks(Opinion(0.1, "", b"read")), judge=good()).judge()).read == Read(b"read", None)
    assert (await Site(before=good()).judge()).read is None
    assert "read" not in repr(Read(b"secret")).replace("Read", "")
