"""What a refit tells of itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ringfenced.learn import report as report_module
from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.guard import GUARD_NONE, UNSEEN, Guard
from ringfenced.learn.lineup import Rated
from ringfenced.learn.outcome import Features, Outcome
from ringfenced.learn.report import Report, segments_of, why_guarded

FEATURES = Features(np.zeros(2, np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Scripted:
    """Expects 0.25 of `small`, and of any other model what is configured."""

    def rated(self, features, segment, models, quality_configured):
        small = np.array([model == "small" for model in models])
        quality = np.where(small, np.float32(0.25), quality_configured)
        return Rated(quality, np.where(small, np.float32(0.1), np.float32(0)), small)


def outcome(segment, model, score):
    return Outcome(FEATURES, segment, model, score, 1.0, 5, 7, "evaluator")


GUARD = Guard(
    segments=("~short", "~long", "triage", UNSEEN),
    models=(),
    gain=np.array([0.1, 0.02, 0.0, 0.0]),
    error=np.array([0.01, 0.03, np.inf, np.inf]),
    part=np.array([1.0, 0.0, 0.0, 0.0]),
    quality=np.zeros((4, 0)),
)
OUTCOMES = [outcome("triage", "small", 0.0), outcome("triage", "small", 1.0), outcome("~short", "large", 1.0)]


def test_figures_stand_by_kind_and_model_the_most_frequent_first():
    triage, short = segments_of(Scripted(), GUARD, OUTCOMES, {"large": 0.9})
    assert (triage.name, triage.guarded, triage.why) == ("triage", True, "too few outcomes to tell")
    (small,) = triage.models
    assert (small.outcomes, small.score, small.quality, small.uncertainty, small.learned) == (2, 0.5, 0.25, 0.1, True)
    assert [(m.model, m.quality, m.learned) for m in short.models] == [("large", 0.9, False)]


def test_tasks_without_number_are_not_all_reported(monkeypatch):
    """Callers name tasks, and every worker reads the report: the most usual are told of."""
    monkeypatch.setattr(report_module, "SEGMENTS_MAX", 1)
    (triage,) = segments_of(Scripted(), GUARD, OUTCOMES, {"large": 0.9})
    assert triage.name == "triage"


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        ("~short", "better, +0.100 ± 0.010 against the best mix of models"),
        ("~long", "not shown to be better, +0.020 ± 0.030 against the best mix of models"),
        ("triage", "too few outcomes to tell"),
        ("unknown", "too few outcomes to tell"),
    ],
)
def test_the_guard_says_why(segment, why):
    assert why_guarded(GUARD, segment) == why
    assert why_guarded(GUARD_NONE, segment) == "nothing is known of it"


def test_a_report_is_read_back_as_it_was_written():
    report = Report(3, 1_800_000_000, 3, 9, 1.5, segments_of(Scripted(), GUARD, OUTCOMES, {}))
    report = replace(report, verifier=VerifierFacts(refitted=True, labels=40, rank_refitted=0.8, rank_shipped=0.7))
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_models_quality_is_the_mean_over_what_it_was_asked_and_only_where_it_was_learned():
    report = Report(1, 1, 3, 3, 0.0, segments_of(Scripted(), GUARD, OUTCOMES, {"large": 0.9}))
    assert report.quality_by_model() == {"small": 0.25}
