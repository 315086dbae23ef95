"""Outcomes are kept without content, bounded, and whatever fails stops learning and nothing else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from dataclasses import replace

import numpy as np
import pytest

from ringfenced.errors import Unavailable
from ringfenced.learn.answers import read_answer
from ringfenced.learn.answers_kept import packed
from ringfenced.learn.lesson import Answered, Lesson
from ringfenced.learn.outcome import Features
from ringfenced.store import outcomes as module
from ringfenced.store import outcomes_tables
from ringfenced.store.outcomes import DAY_S, Outcomes
from ringfenced.store.outcomes_read import read_judged, read_outcomes
from ringfenced.store.outcomes_tables import Feedback

NOW = 1_800_000_000
FEATURES = Features(
    np.array([1, 2], np.float32), np.array([3, 900], np.uint32), np.array([0.6, 0.8], np.float32)
).to_bytes()
READ = packed(read_answer("Which ward?", "Ward seven.", salt=b"s" * 16))
OWNER, OTHER = b"o" * 16, b"p" * 16


def answered(model="small", score=None, **fields):
    return Answered(
        model, 0.98, explored=False, expected=0.6, cost_microcredits=7, duration_ms=12.5, score=score, **fields
    )


def lesson(number, *answers, at=NOW, segment="~short"):
    return Lesson(number.to_bytes(16, "big"), OWNER, at, segment, FEATURES, answers or (answered(),))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outcomes.sqlite3"


@pytest.fixture
def outcomes(path):
    opened = Outcomes(path, keep_days=90, keep_outcomes=1000, unix_s=lambda: NOW)
    yield opened
    opened.close()


async def test_an_answer_is_read_back_as_it_was_told(outcomes, path):
    """Both rungs of a ladder, with the features that they share."""
    outcomes.put(lesson(1, answered(score=0.25, kind="schema", escalated_to="large"), answered("large", 1.0)))
    assert [tally[:5] for tally in await outcomes.tally()] == [
        ("~short", "large", 1, 1, 0),
        ("~short", "small", 1, 1, 0),
    ]
    small, large = read_outcomes(path, bytes_max=10**6)
    assert (small.model, small.score, small.kind, small.propensity, small.cost_microcredits) == (
        *("small", 0.25, "schema", 0.98, 7),
    )
    assert (large.model, large.score, large.at_unix_s, large.segment) == ("large", 1.0, NOW, "~short")
    assert small.features.to_bytes() == FEATURES
    assert small.owner == OWNER
    assert outcomes.labels == 2


async def test_an_answer_that_nobody_judged_waits_for_feedback_and_the_last_word_counts(outcomes, path):
    outcomes.put(lesson(1))
    assert read_outcomes(path, bytes_max=10**6) == []
    assert await outcomes.rate(Feedback(lesson(1).request, OWNER, 1.0, ""))
    assert await outcomes.rate(Feedback(lesson(1).request, OWNER, 0.0, "wrong_name"))
    (outcome,) = read_outcomes(path, bytes_max=10**6)
    assert (outcome.score, outcome.kind) == (0.0, "feedback")
    assert [tally[2:] for tally in await outcomes.tally()] == [(1, 1, 1, 0.0)]


async def test_tasks_without_number_are_not_all_told_of(outcomes, monkeypatch):
    """Callers name tasks; those that are asked for most are told of."""
    monkeypatch.setattr(outcomes_tables, "TALLIES_MAX", 3)
    for number in range(8):
        outcomes.put(lesson(number, segment=f"task-{number}" if number < 6 else "usual"))
    assert [tally.segment for tally in await outcomes.tally()] == ["task-0", "task-1", "usual"]


async def test_a_caller_who_repeats_itself_labels_one_answer(outcomes):
    """Else one caller could have the site learn anew without end, or take a model for one that drifts."""
    told = []
    outcomes.on_label = told.append
    outcomes.put(lesson(1))
    for _ in range(60):
        assert await outcomes.rate(Feedback(lesson(1).request, OWNER, 0.0, ""))
    assert outcomes.labels == len(told) == 1


async def test_feedback_is_about_the_answer_that_the_caller_got_and_overrides_evaluators(outcomes, path):
    outcomes.put(lesson(1, answered(score=0.0), answered("large", 1.0)))
    assert await outcomes.rate(Feedback(lesson(1).request, OWNER, 0.5, ""))
    assert [(o.model, o.score) for o in read_outcomes(path, bytes_max=10**6)] == [("small", 0.0), ("large", 0.5)]


async def test_another_department_finds_nothing(outcomes):
    outcomes.put(lesson(1))
    assert not await outcomes.rate(Feedback(lesson(1).request, OTHER, 0.0, ""))
    assert not await outcomes.rate(Feedback(lesson(2).request, OWNER, 0.0, ""))


async def test_a_second_lesson_of_one_request_is_none(outcomes):
    outcomes.put(lesson(1))
    outcomes.put(replace(lesson(1), owner=OTHER))
    assert [tally.answers for tally in await outcomes.tally()] == [1]


async def test_what_is_too_old_can_no_longer_be_rated(path):
    now = NOW
    outcomes = Outcomes(path, keep_days=2, keep_outcomes=1000, unix_s=lambda: now)
    outcomes.put(lesson(1))
    await outcomes.tally()
    now += 2 * DAY_S + 1
    assert not await outcomes.rate(Feedback(lesson(1).request, OWNER, 0.0, ""))
    outcomes.close()


async def test_the_oldest_go_where_they_are_too_many_or_too_old(path, monkeypatch):
    monkeypatch.setattr(module, "PRUNE_S", 0.0)
    outcomes = Outcomes(path, keep_days=2, keep_outcomes=3, unix_s=lambda: NOW)
    outcomes.put(lesson(1, answered(score=1.0), at=NOW - 3 * DAY_S))
    for number in range(2, 9):
        outcomes.put(lesson(number, answered(score=1.0)))
    outcomes.close()
    with sqlite3.connect(path) as kept:
        assert [row[0] for row in kept.execute("SELECT pseudonym FROM request ORDER BY id")] == [
            number.to_bytes(16, "big") for number in (6, 7, 8)
        ]
        counts = [kept.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("features", "answer")]
    kept.close()
    assert counts == [3, 3]


async def test_space_is_given_back(path, monkeypatch):
    monkeypatch.setattr(module, "PRUNE_S", 0.0)
    outcomes = Outcomes(path, keep_days=9, keep_outcomes=10_000, unix_s=lambda: NOW)
    for number in range(3000):
        outcomes.put(replace(lesson(number), features=os.urandom(500)))
    await outcomes.tally()
    before = sum(file.stat().st_size for file in path.parent.glob("outcomes.sqlite3*"))
    assert await outcomes.forget("") == 3000
    outcomes.close()
    assert before > 1_500_000
    assert path.stat().st_size < 200_000


async def test_one_model_is_forgotten_and_the_labels_go_on_counting(outcomes, path):
    outcomes.put(lesson(1, answered(score=0.0), answered("large", 1.0)))
    outcomes.put(lesson(2, answered(score=0.0)))
    assert await outcomes.forget("small") == 2
    assert [outcome.model for outcome in read_outcomes(path, bytes_max=10**6)] == ["large"]
    assert not await outcomes.rate(Feedback(lesson(2).request, OWNER, 0.0, ""))
    assert outcomes.labels == 3


async def test_counters_and_labels_outlive_the_process(outcomes, path):
    outcomes.put(lesson(1, answered(score=1.0)))
    await outcomes.keep({"fitted": 7})
    outcomes.close()
    again = Outcomes(path, keep_days=90, keep_outcomes=1000, unix_s=lambda: NOW)
    assert (again.labels, await again.count("fitted"), await again.count("none")) == (1, 7, 0)
    again.close()


async def test_every_label_is_told_with_what_was_expected(outcomes):
    told = []
    outcomes.on_label = told.append
    outcomes.put(lesson(1, answered(score=1.0), answered("large")))
    await outcomes.rate(Feedback(lesson(1).request, OWNER, 0.25, ""))
    assert [(a.model, a.expected, a.score, a.kind) for a in told] == [
        ("small", 0.6, 1.0, ""),
        ("large", 0.6, 0.25, "feedback"),
    ]


async def test_a_broken_file_stops_learning_and_says_so(path):
    path.write_bytes(b"no database, but longer than a header would be" * 40)
    outcomes = Outcomes(path, keep_days=9, keep_outcomes=1000, unix_s=lambda: NOW)
    outcomes.put(lesson(1))
    assert "SQLITE_NOTADB" in outcomes.failure
    with pytest.raises(Unavailable) as caught:
        await outcomes.rate(Feedback(lesson(1).request, OWNER, 1.0, ""))
    assert caught.value.reason == "learning_failed"
    outcomes.close()


async def test_a_file_of_another_version_is_left_alone(path):
    with sqlite3.connect(path) as made:
        made.execute("PRAGMA user_version=99")
    made.close()
    outcomes = Outcomes(path, keep_days=9, keep_outcomes=1000, unix_s=lambda: NOW)
    assert outcomes.failure
    outcomes.close()


async def test_a_full_disk_drops_lessons_and_learning_goes_on_when_there_is_room(outcomes):
    """SQLite's own bound on pages stands for the disk's."""
    await outcomes._ask(lambda connection: connection.execute("PRAGMA max_page_count=30").fetchall())
    for number in range(200):
        outcomes.put(replace(lesson(number), features=os.urandom(2000)))
    assert await outcomes.tally() == []
    assert "SQLITE_FULL" in outcomes.failure
    await outcomes._ask(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchall())
    outcomes.put(lesson(999))
    assert [tally.answers for tally in await outcomes.tally()] == [1]
    assert outcomes.failure == ""


@pytest.mark.parametrize("fields", [{"at_unix_s": 2**70}, {"segment": "\ud800"}, {"owner": None}])
async def test_a_lesson_that_cannot_be_written_is_dropped_and_the_next_one_is_not(outcomes, fields):
    outcomes.put(replace(lesson(1), **fields))
    assert await outcomes.tally() == []
    assert outcomes.failure
    outcomes.put(lesson(2))
    assert [tally.answers for tally in await outcomes.tally()] == [1]
    assert outcomes.failure == ""


async def test_what_is_deleted_is_overwritten(outcomes, path):
    for number in range(60):
        outcomes.put(replace(lesson(number, answered("small" if number % 2 else "large")), owner=b"%016d" % number))
    await outcomes.forget("small")
    outcomes.close()
    held = path.read_bytes()
    assert b"%016d" % 0 in held
    assert not [number for number in range(1, 60, 2) if b"%016d" % number in held]


async def test_after_the_end_a_question_is_refused_and_a_lesson_dropped(outcomes):
    outcomes.close()
    outcomes.put(lesson(1))
    with pytest.raises(Unavailable, match="ending"):
        await outcomes.tally()


async def test_lessons_wait_for_nobody_and_are_dropped_where_too_many_wait(outcomes, monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX", 5)
    for number in range(50):
        outcomes.put(lesson(number))
    await asyncio.sleep(0)
    assert sum(tally.answers for tally in await outcomes.tally()) < 50


def test_only_its_user_may_read_it(outcomes, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_newest_are_read_where_they_do_not_all_fit(outcomes, path):
    for number in range(20):
        outcomes.put(lesson(number, answered(score=number / 20)))
    await outcomes.tally()
    assert [outcome.score for outcome in read_outcomes(path, bytes_max=80)] == [0.85, 0.9, 0.95]


async def test_features_that_are_broken_or_of_another_version_are_left_out(outcomes, path):
    outcomes.put(replace(lesson(1, answered(score=1.0)), features=b"nonsense"))
    outcomes.put(lesson(2, answered(score=0.5)))
    await outcomes.tally()
    assert [outcome.score for outcome in read_outcomes(path, bytes_max=10**6)] == [0.5]


async def test_what_the_verifier_read_is_told_with_the_word_of_who_knows_best(outcomes, path):
    """The verifier's own verdict is no label; what it was not asked about teaches it nothing."""
    outcomes.put(lesson(1, answered(score=0.3, kind="evaluator", read=READ), answered("large", 1.0)))
    outcomes.put(lesson(2, answered(score=1.0, kind="escalation", read=READ), answered("large", read=READ)))
    outcomes.put(lesson(3, answered(score=0.7, kind="evaluator", beside=0.75, read=READ)))
    outcomes.put(lesson(4, answered(score=0.7, kind="evaluator", beside=0.75, read=READ)))
    for number, score in ((2, 0.5), (4, 0.0)):
        assert await outcomes.rate(Feedback(lesson(number).request, OWNER, score, ""))
    judged, seen = read_judged(path, judged_max=9, seen_max=9)
    assert [(one.score, one.weight) for one in judged] == [(0.0, 1.0), (0.75, 0.3), (0.5, 1.0), (0.5, 1.0)]
    assert len({one.request for one in judged}) == 3
    assert packed(judged[0].features) == READ
    assert len(seen) == 1
    assert [len(one) for one in read_judged(path, judged_max=2, seen_max=0)] == [2, 0]


async def test_a_callers_word_holds_for_a_cheaper_answer_that_came_to_the_same(outcomes, path):
    """Of one that came to something else it says nothing: the agreement's word stands."""
    for number, agreed in ((1, 1.0), (2, 0.0)):
        outcomes.put(lesson(number, answered(score=agreed, kind="escalation", read=READ), answered("large")))
        assert await outcomes.rate(Feedback(lesson(number).request, OWNER, 0.25, ""))
    judged, _ = read_judged(path, judged_max=9, seen_max=9)
    assert [(one.score, one.weight) for one in judged] == [(0.12, 0.7), (0.25, 1.0)]


async def test_a_file_that_has_no_place_for_it_gets_one_and_keeps_what_it_has(outcomes, path):
    outcomes.put(lesson(1, answered(score=1.0)))
    await outcomes.tally()
    outcomes.close()
    with sqlite3.connect(path) as old:
        old.execute("DROP TABLE answer_read")
    old.close()
    again = Outcomes(path, keep_days=90, keep_outcomes=1000, unix_s=lambda: NOW)
    again.put(lesson(2, answered(score=0.0, beside=0.5, read=READ)))
    assert [tally.answers for tally in await again.tally()] == [2]
    assert again.failure == ""
    assert len(read_judged(path, judged_max=9, seen_max=9)[0]) == 1
    again.close()


async def test_what_was_read_goes_with_its_answer(outcomes, path):
    outcomes.put(lesson(1, answered(score=0.0, read=READ), answered("large", 1.0, read=READ)))
    await outcomes.forget("small")
    assert len(read_judged(path, judged_max=9, seen_max=9)[1]) == 1
    await outcomes.forget("")
    assert read_judged(path, judged_max=9, seen_max=9) == ([], [])


async def test_what_was_read_and_is_broken_or_of_another_version_is_left_out(outcomes, path):
    outcomes.put(lesson(1, answered(score=0.0, beside=0.5, read=b"RFA1" + READ[8:])))
    outcomes.put(lesson(2, answered(score=0.0, beside=0.5, read=READ)))
    await outcomes.tally()
    assert len(read_judged(path, judged_max=9, seen_max=9)[0]) == 1
