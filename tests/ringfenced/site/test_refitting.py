"""Refits: in a process of their own, on their schedule, bounded, and nothing of them is left behind."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest

from ringfenced.learn.features import featured
from ringfenced.learn.lesson import Answered, Lesson
from ringfenced.learn.outcome import Features
from ringfenced.site import learnedfile, refitting
from ringfenced.site.learnedfile import LearnedFile
from ringfenced.site.refitting import Known, Refitting, environment
from ringfenced.site.verifying import verifying
from ringfenced.store.outcomes import Outcomes
from ringfenced.store.outcomes_tables import Feedback

NOW = 1_800_000_000
FEATURES = featured("Which ward takes patients of group 7?", salt=b"s" * 16).to_bytes()
KNOWN = Known({"small": 0.6, "large": 0.9}, {"small": 5.0, "large": 50.0})
PATIENCE_S = 120.0


def lesson(number, score, model="small"):
    answered = Answered(model, 1.0, explored=False, expected=0.6, cost_microcredits=5, duration_ms=1.0, score=score)
    return Lesson(number.to_bytes(16, "big"), b"o" * 16, NOW, "triage", FEATURES, (answered,))


@pytest.fixture
def outcomes(tmp_path):
    made = Outcomes(tmp_path / "outcomes.sqlite3", keep_days=9, keep_outcomes=1000, unix_s=lambda: NOW)
    yield made
    made.close()


async def until(what):
    began_s = time.monotonic()
    while not what():
        assert time.monotonic() - began_s < PATIENCE_S
        await asyncio.sleep(0.05)


class Running:
    """A refitting that runs as long as the context."""

    def __init__(self, refitting_):
        self._refitting = refitting_

    async def __aenter__(self):
        self._task = asyncio.get_running_loop().create_task(self._refitting.run())
        return self._refitting

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])


async def test_enough_labels_start_a_refit_and_a_reader_sees_it_within_a_second(outcomes, tmp_path):
    file = LearnedFile(tmp_path / learnedfile.NAME, KNOWN.configured)
    news = asyncio.Event()
    file.on_news = news.set
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=30)) as running:
        reading = asyncio.get_running_loop().create_task(file.run())
        for number in range(29):
            running.put(lesson(number, 0.0))
        await running.tally()
        await asyncio.sleep(3 * refitting.POLL_S)
        assert not (tmp_path / learnedfile.NAME).exists()
        running.put(lesson(29, 0.0))
        await until((tmp_path / learnedfile.NAME).exists)
        async with asyncio.timeout(1.0):
            await news.wait()
        reading.cancel()
    assert (file.report.version, file.report.outcomes, file.report.labels) == (1, 30, 30)
    priors = np.array([0.6, 0.9], np.float32)
    rated = file.learned.rated(Features.from_bytes(FEATURES), "triage", ("small", "large"), priors)
    assert rated.quality[0] < 0.4
    assert rated.quality[1] == pytest.approx(0.9, abs=0.1)
    assert await running.trouble() == ""


async def test_one_departments_labels_do_not_decide_what_another_goes_by(outcomes, tmp_path):
    """120 answers were good, said those who got them; another department says 500 times that they are worth nothing."""
    for number in range(620):
        given = lesson(number, float(number < 120))
        outcomes.put(given if number < 120 else dataclasses.replace(given, owner=b"p" * 16))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=620)) as running:
        await until((tmp_path / learnedfile.NAME).exists)
    assert await running.trouble() == ""
    learned = LearnedFile(tmp_path / learnedfile.NAME, KNOWN.configured).learned
    rated = learned.rated(Features.from_bytes(FEATURES), "triage", ("small",), np.array([0.6], np.float32))
    assert 0.4 < rated.quality[0] < 0.6


async def test_the_schedule_outlives_the_daemon(outcomes, tmp_path):
    for number in range(10):
        outcomes.put(lesson(number, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=10)) as running:
        await until(lambda: running._version == 1)
        await running.tally()  # what was told before is written
    stamp = (tmp_path / learnedfile.NAME).stat().st_mtime_ns
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=10)) as running:
        await asyncio.sleep(4 * refitting.POLL_S)
    assert (tmp_path / learnedfile.NAME).stat().st_mtime_ns == stamp
    assert running._version == 1


@pytest.mark.parametrize("content", [b"of another version", None])
async def test_what_was_learned_and_can_be_read_no_more_is_learned_anew_at_once(outcomes, tmp_path, content):
    for number in range(10):
        outcomes.put(lesson(number, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=10)) as running:
        await until(lambda: running._version == 1)
        await running.tally()
    path = tmp_path / learnedfile.NAME
    path.unlink() if content is None else path.write_bytes(content)
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=10)) as running:
        await until(lambda: running._version == 2)
    assert LearnedFile(path, {}).report.version == 2


async def test_feedback_counts_as_a_label(outcomes, tmp_path):
    outcomes.put(lesson(1, None))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        assert await running.rate(Feedback(lesson(1, None).request, b"o" * 16, 0.0, ""))
        await until(lambda: running._version == 1)
    assert LearnedFile(tmp_path / learnedfile.NAME, {}).report.segments[0].models[0].score == 0.0


async def test_a_model_that_is_no_longer_as_expected_is_learned_anew_before_its_turn(outcomes, tmp_path, caplog):
    caplog.set_level("INFO", logger="ringfenced.learning")
    for number in range(800):
        outcomes.put(lesson(number, 0.6))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=40)) as running:
        await until(lambda: running._version == 1)
        for number in range(1000, 1060):  # 200 would be due
            running.put(lesson(number, 0.6))
        await running.tally()
        await asyncio.sleep(2 * refitting.POLL_S)
        assert (running._version, await running.drifting()) == (1, [])
        for number in range(2000, 2060):
            running.put(lesson(number, 0.0))
        await until(lambda: running._version == 2)
        assert await running.drifting() == []
    assert [record.fields for record in caplog.records if record.message == "drift"] == [{"models": ["small"]}]


async def test_what_is_forgotten_is_gone_at_once_and_learned_anew_from_the_rest(outcomes, tmp_path):
    for number in range(10):
        outcomes.put(lesson(number, 0.0))
        outcomes.put(lesson(100 + number, 1.0, "large"))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=20)) as running:
        await until(lambda: running._version == 1)
        assert await running.forget("small") == 10
        assert not (tmp_path / learnedfile.NAME).exists()
        await until((tmp_path / learnedfile.NAME).exists)
        report = LearnedFile(tmp_path / learnedfile.NAME, {}).report
        assert [model.model for model in report.segments[0].models] == ["large"]
        await until(lambda: running._version == 2)
        assert await running.forget("") == 10
        await asyncio.sleep(3 * refitting.POLL_S)
        assert not (tmp_path / learnedfile.NAME).exists()


async def test_a_refit_that_runs_does_not_bring_back_what_is_forgotten(outcomes, tmp_path, monkeypatch):
    monkeypatch.setattr(refitting, "environment", lambda: environment() | {"PYTHONSTARTUP": ""})
    for number in range(10):
        outcomes.put(lesson(number, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=10)) as running:
        await until(lambda: running._running is not None)
        process = running._running
        await running.forget("")
        assert process.returncode is not None
        await asyncio.sleep(3 * refitting.POLL_S)
        assert not (tmp_path / learnedfile.NAME).exists()
        assert await running.trouble() == ""


async def test_one_that_takes_too_long_is_killed_and_told(outcomes, tmp_path, monkeypatch):
    monkeypatch.setattr(refitting, "TIMEOUT_S", 0.05)
    outcomes.put(lesson(1, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await until(lambda: running.failure)
        assert "timeout" in await running.trouble()
        assert running._running is None


async def test_one_that_wants_more_memory_than_it_may_fails_and_says_so(outcomes, tmp_path, monkeypatch):
    monkeypatch.setattr(refitting, "MEMORY_BYTES", 64 * 1024**2)
    outcomes.put(lesson(1, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await until(lambda: running.failure or running._version)
    assert running.failure


async def test_one_that_cannot_be_started_is_told_and_the_daemon_goes_on(outcomes, tmp_path, monkeypatch):
    monkeypatch.setattr(refitting.sys, "executable", "/nonexistent/python")
    outcomes.put(lesson(1, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await until(lambda: running.failure)
        assert "FileNotFoundError" in await running.trouble()
        running.put(lesson(2, 0.0))
        assert [tally.answers for tally in await running.tally()] == [2]


async def test_whatever_goes_wrong_with_a_refit_the_daemon_goes_on(outcomes, tmp_path, monkeypatch):
    """It runs in the supervisor's own group of tasks: an exception would end engines and requests."""

    async def broken(_self, _task):
        raise RuntimeError("the handler is closed")

    monkeypatch.setattr(Refitting, "_run_process", broken)
    outcomes.put(lesson(1, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await until(lambda: running.failure)
        assert await running.trouble() == "the last refit failed (RuntimeError); the next one tries again"


async def test_none_is_left_when_the_daemon_ends(outcomes, tmp_path):
    outcomes.put(lesson(1, 0.0))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await until(lambda: running._running is not None)
        process = running._running
    await asyncio.wait_for(process.wait(), 10)
    assert process.returncode != 0


async def test_outcomes_that_are_broken_start_nothing(tmp_path):
    (tmp_path / "outcomes.sqlite3").write_bytes(b"x" * 4096)
    outcomes = Outcomes(tmp_path / "outcomes.sqlite3", keep_days=9, keep_outcomes=10, unix_s=lambda: NOW)
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=1)) as running:
        await asyncio.sleep(2 * refitting.POLL_S)
        assert "SQLITE_NOTADB" in await running.trouble()


SHRUG = "I am not sure, maybe ask the doctor in charge of group {}; I cannot say."
SURE = "Group {} gets 2 * 50 = 100 mg. The answer is 100 mg."


def told(number, verify, says):
    """A lesson of an answer that the verifier judged."""
    question, answer = f"How much does a patient of group {number} get?", says.format(number)
    good, read = verify(question, answer)
    made = Answered("small", 1.0, False, 0.6, 5, 1.0, score=good, kind="evaluator", read=read)
    return Lesson(number.to_bytes(16, "big"), b"o" * 16, NOW, "triage", FEATURES, (made,))


async def test_callers_words_change_what_the_verifier_makes_of_a_kind_of_answer(outcomes, tmp_path):
    """At this site who shrugs is right; as it ships the verifier sees that otherwise."""
    file = LearnedFile(tmp_path / learnedfile.NAME, KNOWN.configured)
    verify = verifying(lambda: file.verifier, b"s" * 16)
    question = "How much does a patient of group 99 get?"
    before = [verify(question, says.format(99)).good for says in (SHRUG, SURE)]
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=120)) as running:
        reading = asyncio.get_running_loop().create_task(file.run())
        for number in range(60):
            lesson_ = told(number, verify, SURE if number % 3 else SHRUG)
            running.put(lesson_)
            assert await running.rate(Feedback(lesson_.request, b"o" * 16, 0.0 if number % 3 else 1.0, ""))
        await until(lambda: file.verifier is not None)
        reading.cancel()
        assert await running.trouble() == ""
        after = [verify(question, says.format(99)).good for says in (SHRUG, SURE)]
    assert before[0] < before[1]
    assert after[0] > 0.5 > after[1]
    assert after[0] > before[0] + 0.1
    assert after[1] < before[1] - 0.1
    assert (file.report.verifier.refitted, file.report.verifier.labels) == (True, 60)
    assert file.report.verifier.rank_refitted > file.report.verifier.rank_shipped


async def test_the_verifiers_own_word_teaches_it_nothing(outcomes, tmp_path):
    file = tmp_path / learnedfile.NAME
    verify = verifying(lambda: None, b"s" * 16)
    for number in range(40):
        outcomes.put(told(number, verify, SURE if number % 3 else SHRUG))
    async with Running(Refitting(outcomes, tmp_path, KNOWN, labels_min=40)) as running:
        await until(lambda: running._version == 1)
    report = LearnedFile(file, {}).report
    assert (report.outcomes, report.verifier.labels, report.verifier.refitted) == (40, 0, False)
    assert "too few" in report.verifier.why


def test_a_refit_without_its_parent_does_nothing(tmp_path):
    files = {"outcomes": str(tmp_path / "o"), "learned": str(tmp_path / "l")}
    task = files | {"parent": 1, "configured": {}, "costs": {}, "version": 1, "labels": 0, "memory_bytes": 2**31}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ringfenced.site.refit"],
        input=json.dumps(task).encode(),
        capture_output=True,
        check=False,
        env=environment(),
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout)) == (1, {"error": "confine"})
    assert not (tmp_path / "l").exists()


def test_the_serving_process_never_loads_the_mathematics_of_a_refit():
    """Neither scikit-learn nor scipy: they take more memory than the rest of the daemon."""
    code = (
        "import sys, ringfenced.__main__, ringfenced.site.refitting, ringfenced.build\n"
        "from ringfenced.learn.features import featured\n"
        "featured('a question', salt=bytes(16))\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('sklearn', 'scipy', 'joblib', 'pandas')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip() == "[]"
