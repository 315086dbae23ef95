"""What a refit tells of itself."""

from __future__ import annotations

import json

import numpy as np

from ringfenced.learn.means import Rated
from ringfenced.learn.outcome import Features, Outcome
from ringfenced.learn.report import Report, segments_of

FEATURES = Features(np.zeros(2, np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Scripted:
    """Expects 0.25 of `small`, and of any other model what is configured."""

    def rated(self, features, segment, models, quality_configured):
        small = np.array([model == "small" for model in models])
        quality = np.where(small, np.float32(0.25), quality_configured)
        return Rated(quality, np.where(small, np.float32(0.1), np.float32(0)), small)

    def guarded(self, segment):
        return segment == "triage", "as scripted"


def outcome(segment, model, score):
    return Outcome(FEATURES, segment, model, score, 1.0, 5, 7, "evaluator")


OUTCOMES = [outcome("triage", "small", 0.0), outcome("triage", "small", 1.0), outcome("~short", "large", 1.0)]


def test_figures_stand_by_kind_and_model_the_most_frequent_first():
    triage, short = segments_of(Scripted(), OUTCOMES, {"large": 0.9})
    assert (triage.name, triage.guarded, triage.why) == ("triage", True, "as scripted")
    (small,) = triage.models
    assert (small.outcomes, small.score, small.quality, small.uncertainty, small.learned) == (2, 0.5, 0.25, 0.1, True)
    assert [(m.model, m.quality, m.learned) for m in short.models] == [("large", 0.9, False)]


def test_a_report_is_read_back_as_it_was_written():
    report = Report(3, 1_800_000_000, 3, 9, 1.5, segments_of(Scripted(), OUTCOMES, {}))
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_models_quality_is_the_mean_over_what_it_was_asked_and_only_where_it_was_learned():
    report = Report(1, 1, 3, 3, 0.0, segments_of(Scripted(), OUTCOMES, {"large": 0.9}))
    assert report.quality_by_model() == {"small": 0.25}
