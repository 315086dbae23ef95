"""What callers and operators say to learning, and what it says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from ringfence.labels import Label
from ringfenced.config import Routing
from ringfenced.errors import NotFound, Unavailable, Unsupported
from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.report import NO_REPORT, ModelReport, Report, SegmentReport
from ringfenced.model import Caller
from ringfenced.site.learning import owner_key, request_key
from ringfenced.site.teaching import NOT_YET, NothingTaught, SiteTeaching, segments_of
from ringfenced.store.outcomes_tables import Feedback, Tally

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
REPORT = Report(
    *(2, 1_800_000_000, 40, 44, 1.0),
    (SegmentReport("triage", False, "better by 0.1", (ModelReport("small", 40, 0.2, 0.25, 0.05, learned=True),)),),
    VerifierFacts(refitted=True, labels=30, rank_refitted=0.8, rank_shipped=0.7, why="it ranks no worse"),
)


def pseudonym(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Kept:
    """Has one request of the ward's."""

    said = None
    failure = ""
    broken = False

    async def rate(self, said):
        self.said = said
        return (said.request, said.owner) == (request_key(pseudonym, "r1"), owner_key(pseudonym, "site", "ward"))

    async def tally(self):
        if self.broken:
            raise Unavailable("Nothing is learned: the disk is full.", reason="learning_failed")
        return [Tally("triage", "small", 50, 45, 3, 0.2), Tally("~short", "large", 60, 0, 0, None)]

    async def trouble(self):
        return self.failure

    async def drifting(self):
        return ["small"]

    async def forget(self, model):
        return 5


def teaching(kept, report=REPORT, file_failure="", **settings):
    return SiteTeaching(
        Routing(**settings),
        kept,
        report=lambda: report,
        file_failure=lambda: file_failure,
        configured={"small": 0.6, "large": 0.9},
        pseudonym=pseudonym,
    )


async def test_a_department_rates_its_own_requests():
    kept = Kept()
    await teaching(kept).feedback(WARD, "r1", 0.0, "wrong_name")
    assert kept.said == Feedback(request_key(pseudonym, "r1"), owner_key(pseudonym, "site", "ward"), 0.0, "wrong_name")
    await teaching(kept).feedback(replace(WARD, identity="spiffe://site/another"), "r1", 1.0, "")


@pytest.mark.parametrize(
    ("caller", "request_id"),
    [
        (replace(WARD, department="billing"), "r1"),
        (replace(WARD, tenant="other"), "r1"),
        (replace(WARD, tenant="site/ward", department=""), "r1"),
        (WARD, "r2"),
    ],
)
async def test_anothers_request_and_none_are_told_alike(caller, request_id):
    with pytest.raises(NotFound) as caught:
        await teaching(Kept(), keep_days=30).feedback(caller, request_id, 1.0, "")
    assert caught.value.reason == "request_unknown"
    assert "kept for 30 days" in caught.value.message
    assert "CONFIDENTIAL" in caught.value.message


async def test_how_it_stands_joins_what_is_kept_with_what_was_learned():
    facts = await teaching(Kept(), keep_days=30, explore=0.05).standing()
    assert (facts.refits, facts.outcomes, facts.keep_days, facts.explore) == (2, 40, 30, 0.05)
    assert facts.drifting == ("small",)
    assert facts.verifier == REPORT.verifier
    assert (facts.verifier.refitted, facts.verifier.labels) == (True, 30)
    short, triage = facts.segments
    assert (triage.guarded, triage.why) == (False, "better by 0.1")
    (small,) = triage.models
    assert (small.answers, small.labelled, small.rated) == (50, 45, 3)
    assert (small.quality_configured, small.quality, small.uncertainty) == (0.6, 0.25, 0.05)
    assert (short.guarded, short.why) == (True, NOT_YET)
    assert (short.models[0].quality, short.models[0].quality_configured) == (None, 0.9)
    assert (await teaching(Kept(), deterministic=True).standing()).explore == 0.0


async def test_trouble_is_told_and_the_rest_still_shown():
    kept = Kept()
    kept.broken = True
    facts = await teaching(kept).standing()
    assert "disk is full" in facts.failure
    assert facts.segments[0].models[0].quality == 0.25
    assert (await teaching(Kept(), file_failure="the file is broken").standing()).failure == "the file is broken"


def test_a_model_that_the_configuration_names_no_more_is_shown_without_a_configured_quality():
    (segment,) = segments_of([Tally("t", "gone", 1, 0, 0, None)], NO_REPORT, {})
    assert segment.models[0].quality_configured is None


async def test_who_forgets_is_logged(caplog):
    caplog.set_level("INFO", logger="ringfenced.learning")
    assert await teaching(Kept()).forget("small", by="spiffe://site/operator") == 5
    (record,) = caplog.records
    assert record.fields == {"by": "spiffe://site/operator", "model": "small", "answers": 5}


async def test_a_site_that_does_not_learn_says_so():
    off = NothingTaught()
    assert not (await off.standing()).learns
    with pytest.raises(Unsupported) as caught:
        await off.feedback(WARD, "r1", 1.0, "")
    assert caught.value.reason == "learning_off"
    with pytest.raises(Unsupported):
        await off.forget("", by="x")
