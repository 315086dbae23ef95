"""From a log of outcomes to what is expected."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ringfenced.learn import fit as fit_module
from ringfenced.learn.fit import EMBEDDED_MIN, fit
from ringfenced.learn.learned import Learned
from ringfenced.learn.outcome import EMBEDDED, BadState

sys.path.insert(0, str(Path(__file__).parent))
from lessons import features, outcomes, rated

ROOT = Path(__file__).resolve().parents[3]
CONFIGURED = {"cheap": 0.5, "dear": 0.9}
COSTS = {"cheap": 100.0, "dear": 1000.0}


def by_difficulty(model, hard, segment):
    """The cheap model is good at the easy ones."""
    return 0.9 if model == "dear" else 0.1 if hard else 0.95


def learned_of(log, seed=0):
    return fit(log, configured=CONFIGURED, costs=COSTS, seed=seed)


@pytest.fixture(scope="module")
def learned():
    return learned_of(outcomes(1200, by_difficulty))


def test_it_learns_what_each_model_is_good_at(learned):
    """The cheap model's chance is high for easy prompts and low for hard ones; the dear one's is high for both."""
    assert learned.guard.is_trusted("notes")
    easy, hard = rated(learned, hard=False), rated(learned, hard=True)
    assert easy.quality[0] > 0.75
    assert hard.quality[0] < 0.4
    assert min(easy.quality[1], hard.quality[1]) > 0.75
    assert easy.learned.all()


def test_the_same_log_and_seed_give_the_same_bytes():
    """A refit can be repeated."""
    log = outcomes(300, by_difficulty)
    assert learned_of(log).to_bytes() == learned_of(list(reversed(log))).to_bytes()


def test_tasks_without_number_stop_nobody_from_learning(monkeypatch):
    """Callers name tasks: one of them must not end learning for the whole site, nor push out what others do often."""
    monkeypatch.setattr(fit_module, "SEGMENTS_MAX", 8)
    log = outcomes(400, by_difficulty)
    flood = [replace(one, segment=f"a{place}") for place, one in enumerate(outcomes(40, by_difficulty, seed=1))]
    learned = learned_of([*log, *flood])
    assert "notes" in learned.heads.segments
    assert len(learned.heads.segments) == 8
    assert rated(learned, hard=False).learned.all()


def test_its_bytes_come_back(learned):
    """What is read says what was written."""
    again = Learned.from_bytes(learned.to_bytes())
    assert (again.version, again.fitted_at) == (1200, learned.fitted_at)
    assert again.configured == CONFIGURED
    assert rated(again, hard=True).quality == pytest.approx(rated(learned, hard=True).quality, abs=1e-5)
    with pytest.raises(BadState):
        Learned.from_bytes(learned.to_bytes()[:-1])


def test_a_model_without_outcomes_keeps_its_configured_quality(learned):
    """And says that nothing was learned of it."""
    found = rated(learned, hard=True, models=("new", "cheap"), configured=(0.8, 0.5))
    assert found.quality[0] == pytest.approx(0.8, abs=1e-6)
    assert found.learned.tolist() == [False, True]
    assert found.uncertainty[0] > found.uncertainty[1]


def test_where_nothing_can_be_told_apart_each_model_has_its_mean():
    """Outcomes that depend on nothing: the guard keeps the scores out, and the choice is a fixed one."""
    learned = learned_of(outcomes(600, lambda model, hard, segment: 0.8 if model == "dear" else 0.6))
    assert not learned.guard.is_trusted("notes")
    easy, hard = rated(learned, hard=False), rated(learned, hard=True)
    assert easy.quality.tolist() == hard.quality.tolist()
    assert easy.quality == pytest.approx([0.6, 0.8], abs=0.08)


def test_in_a_segment_never_seen_a_fixed_mix_is_the_choice(learned):
    """What fits known kinds of request misleads on others."""
    assert rated(learned, hard=False, segment="other").quality.tolist() == pytest.approx(
        rated(learned, hard=True, segment="other").quality.tolist()
    )


def test_segments_are_told_apart():
    """A model that is bad at one task only is not marked down in the other."""

    def truth(model, hard, segment):
        return 0.9 if model == "dear" or segment == "letters" else 0.2

    learned = learned_of(outcomes(800, truth, segments=("notes", "letters")))
    assert rated(learned, hard=True, segment="letters").quality[0] > 0.75
    assert rated(learned, hard=True, segment="notes").quality[0] < 0.4


def test_bad_feedback_turns_the_expectation_with_few_outcomes():
    """Sixty outcomes are enough to see that a model is no good."""
    learned = learned_of(outcomes(60, lambda model, hard, segment: 0.9 if model == "dear" else 0.05))
    found = rated(learned, hard=False)
    assert found.quality[0] < 0.3
    assert found.quality[1] > 0.6


def test_what_came_before_a_model_changed_counts_little():
    """After 400 bad answers the 800 good ones before them are history."""
    good = outcomes(1600, lambda model, hard, segment: 0.9, seed=1)
    bad = outcomes(800, lambda model, hard, segment: 0.9 if model == "dear" else 0.2, seed=2)
    late = [replace(outcome, at_unix_s=outcome.at_unix_s + 11 * 86_400) for outcome in bad]
    labels = learned_of(good + late).heads
    steady = learned_of(good + [replace(outcome, score=1.0) for outcome in late]).heads
    cheap = labels.models.index("cheap")
    assert labels.labels[cheap] < 0.7 * steady.labels[cheap]


def of(owner, log):
    """The same outcomes as another department's."""
    return [replace(outcome, owner=owner) for outcome in log]


def test_a_department_that_floods_a_task_with_bad_labels_does_not_decide_for_the_others():
    """Two honest ones say that the dear model is good; a third says 1,500 times that it is worth nothing."""
    honest = of(b"a", outcomes(200, by_difficulty, seed=1)) + of(b"b", outcomes(200, by_difficulty, seed=2))
    bad = of(b"c", outcomes(1500, lambda model, hard, segment: 0.0, seed=3))
    before, after, unowned = (
        rated(learned_of(log), hard=True).quality[1] for log in (honest, honest + bad, of(b"", honest + bad))
    )
    assert before > 0.8
    assert after > before - 0.4
    assert unowned < 0.3
    learned = learned_of(honest + bad)
    assert learned.guard.means("other")["dear"] > 0.5
    assert learned.to_bytes() == learned_of(list(reversed(honest + bad))).to_bytes()


def test_a_department_that_is_alone_with_a_task_teaches_it_wholly():
    """Others' labels of other tasks take nothing from it, and whose they are changes no byte then."""
    alone = outcomes(400, lambda model, hard, segment: 0.05, segments=("letters",), seed=1)
    others = outcomes(300, by_difficulty, segments=("notes",), seed=2)
    learned = learned_of(of(b"a", alone) + of(b"b", others))
    assert learned.guard.means("letters")["dear"] < 0.15
    assert learned.guard.means("notes")["dear"] > 0.75
    assert learned_of(of(b"a", others)).to_bytes() == learned_of(others).to_bytes()


def test_nothing_follows_from_nothing():
    """No outcome, too few, or only such as cannot be used: the prior's word."""
    log = outcomes(30, by_difficulty)
    foreign = [replace(outcome, propensity=0.0) for outcome in log]
    for given in ([], log[:5], foreign):
        learned = learned_of(given)
        assert learned.version == 0
        assert rated(learned, hard=True).quality == pytest.approx([0.5, 0.9], abs=1e-6)


def test_outcomes_with_other_features_are_left_out():
    """Features of an older version do not break a refit."""
    log = outcomes(200, by_difficulty)
    short = features(np.random.default_rng(0))
    old = replace(log[0], features=replace(short, hand=short.hand[:12]), at_unix_s=1)
    assert learned_of([old, *log]).version == 200


def test_features_of_another_version_are_refused(learned):
    """State and features that do not fit are told, not guessed."""
    short = features(np.random.default_rng(0))
    with pytest.raises(BadState, match="refit"):
        learned.rated(replace(short, hand=short.hand[:12]), "notes", ("cheap",), np.array([0.5]))


def test_serving_never_imports_scikit_learn():
    """Only a refit does, in a process of its own."""
    code = "import sys, ringfenced.learn.learned, ringfenced.learn.features; sys.exit('sklearn' in sys.modules)"
    paths = {"PYTHONPATH": f"{ROOT}/proto:{ROOT}/daemon"}
    assert subprocess.run([sys.executable, "-c", code], env=paths, check=False).returncode == 0


def embedded(log, space=7, *, seed=3):
    """The same outcomes with numbers of an embedding, of which the first alone says how hard a prompt is."""
    rng = np.random.default_rng(seed)
    made = []
    for outcome in log:
        numbers = rng.normal(size=EMBEDDED).astype(np.float32)
        numbers[0] = np.sign(outcome.features.hand[0]) * 2
        hand = outcome.features.hand.copy()
        hand[0] = rng.normal()
        made.append(replace(outcome, features=replace(outcome.features, hand=hand, embedded=numbers, space=space)))
    return made


def expectation(learned, first, space=7):
    """What is expected of the cheap model by an embedding's first number."""
    numbers = np.zeros(EMBEDDED, np.float32)
    numbers[0] = first
    plain = features(np.random.default_rng(0))
    asked = replace(plain, embedded=numbers, space=space) if space else plain
    return float(learned.rated(asked, "notes", ("cheap", "dear"), np.array([0.5, 0.9])).quality[0])


def test_what_only_an_embedding_tells_is_learned_also_beside_outcomes_without_one():
    """Before the embedder was there, and after; prompts for which it was late are rated in between."""
    before = [
        replace(outcome, at_unix_s=outcome.at_unix_s - 86_400) for outcome in outcomes(300, by_difficulty, seed=9)
    ]
    learned = learned_of(before + embedded(outcomes(1200, by_difficulty)))
    assert (learned.version, learned.heads.space) == (1500, 7)
    again = Learned.from_bytes(learned.to_bytes())
    for one in (learned, again):
        easy, late, hard = expectation(one, -2.0), expectation(one, 0.0, space=0), expectation(one, 2.0)
        assert easy > 0.7
        assert hard < 0.4
        assert hard < late < easy


def test_numbers_of_a_model_that_is_no_longer_asked_are_as_good_as_none(learned):
    """Two spaces do not compare: the newest counts, and features of the other have a mark of absence."""
    old = [replace(one, at_unix_s=one.at_unix_s - 864_000) for one in embedded(outcomes(400, by_difficulty), 5)]
    mixed = learned_of(old + embedded(outcomes(400, by_difficulty, seed=4), 7))
    assert mixed.heads.space == 7
    assert expectation(mixed, 2.0, space=5) == expectation(mixed, -2.0, space=5) == expectation(mixed, 0.0, space=0)
    assert expectation(learned, 2.0) == expectation(learned, -2.0)


def test_few_outcomes_with_an_embedding_are_learned_from_without_it():
    """25 columns that a handful of outcomes have say nothing."""
    log = outcomes(400, by_difficulty)
    learned = learned_of(log[: -EMBEDDED_MIN + 1] + embedded(log[-EMBEDDED_MIN + 1 :]))
    assert (learned.version, learned.heads.space) == (400, 0)
