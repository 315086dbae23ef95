"""`make eval-routing` as a command, and that its protocols see no more than they say."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="refits need scikit-learn")
from routing_parts import many, online, report, two
from routing_parts.kinds import Matrix, Pair
from routing_parts.metrics import Routed
from routing_parts.priors import load_judge

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(11)
WORDS = ["kidney", "tort", "sonnet", "integral", "vector", "liver", "clause", "stanza"]


def pair(count=420):
    """Made-up questions; long ones are hard for the weak model."""
    hard = RNG.random(count) < 0.5
    prompts = [
        f"Question {number}: {' '.join(RNG.choice(WORDS, 30 if is_hard else 5))}?"
        for number, is_hard in enumerate(hard)
    ]
    weak = (RNG.random(count) < np.where(hard, 0.3, 0.9)).astype(float)
    strong = (RNG.random(count) < 0.9).astype(float)
    return Pair("made", tuple(prompts), tuple("ab"[number % 2] for number in range(count)), weak, strong)


def matrix(task, best, count=150):
    """Three models; the dear one is best, the middle one good at one task only."""
    rates = np.array([0.4, best, 0.9])
    scores = (RNG.random((count, 3)) < rates).astype(float)
    costs = np.tile([0.1, 1.0, 10.0], (count, 1))
    prompts = tuple(f"{task} {number} {' '.join(RNG.choice(WORDS, 8))}" for number in range(count))
    return Matrix(task, prompts, (task,) * count, ("a", "b", "c"), scores, costs, {})


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def command(*arguments):
    paths = {"PYTHONPATH": ":".join(str(ROOT / part) for part in ("proto", "daemon", "bench")), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, str(ROOT / "bench" / "routing.py"), *map(str, arguments)]
    return subprocess.run(line, env=paths, capture_output=True, text=True, check=False, timeout=300)


def test_a_folder_without_data_is_told_and_ends_with_2(tmp_path):
    """On standard error; nothing on standard output."""
    ended = command("--data", tmp_path, "--json")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "no .csv" in ended.stderr


def test_one_object_of_what_the_folder_has_files_for(tmp_path):
    """Two models alone: (a) and (b); figures that they do not define are null."""
    made = pair()
    with (tmp_path / "x.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "prompt", "weak_correct", "strong_correct"])
        writer.writerows(zip(made.groups, made.prompts, made.weak.astype(int), made.strong.astype(int), strict=True))
    ended = command("--data", tmp_path, "--json", "--quick")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found.keys() == {"a", "a_unseen", "b"}
    for figures in found.values():
        assert {"apgr", "cpt50", "cpt80", "saved_at_95", "saved_at_99", "rows"} <= figures.keys()
        assert figures["saved_at_95"] is None
        assert {"random", "length", "zero_router", "oracle"} <= figures["rows"].keys()
    assert found["a"]["apgr"] > 0.6
    assert "(d) is left out" in ended.stderr


def test_the_stream_never_reads_the_outcome_of_a_model_that_was_not_chosen(judge):
    """With other outcomes where it did not look, it chooses the same."""
    stage = two.staged(pair(), judge)
    features, weak, strong = stage.rows("question"), stage.pair.weak, stage.pair.strong
    taken = online.streamed(features, weak, strong, 0.4, 1)
    again = online.streamed(features, np.where(taken, 1 - weak, weak), np.where(taken, strong, 1 - strong), 0.4, 1)
    assert (taken == again).all()
    assert 0.3 < taken.mean() < 0.5


def test_the_stream_reads_no_outcome_before_its_delay(judge):
    """Other outcomes of the last 200 questions change no choice."""
    stage = two.staged(pair(), judge)
    features, weak, strong = stage.rows("question"), stage.pair.weak.copy(), stage.pair.strong.copy()
    taken = online.streamed(features, weak, strong, 0.4, 1)
    weak[-200:], strong[-200:] = 1 - weak[-200:], 1 - strong[-200:]
    assert (online.streamed(features, weak, strong, 0.4, 1) == taken).all()


def test_tasks_are_told_apart_and_on_one_held_out_nothing_is_lost(judge):
    """In-domain the middle model serves its task; held out, ours is the fixed mix that was known."""
    pool = many.pooled([matrix("one", 0.9), matrix("two", 0.3)], judge, [])
    ticks = []
    inside = many.in_domain(pool, 0, lambda: ticks.append(1))
    assert inside["ours"].at_95 > inside["zero_router"].at_95 + 0.1
    saved, below, hindsight = many.held_out(pool, 0, lambda: ticks.append(1))
    assert below < 0.1
    assert hindsight > 5
    assert saved.keys() >= {"ours", "zero_router", "random", "length", "oracle"}
    assert len(ticks) == many.DIVISIONS * many.PARTS + 2


def test_files_without_costs_or_with_other_models_are_noted(judge):
    """And nothing is made of one task alone."""
    notes = []
    without = matrix("one", 0.9)
    assert many.pooled([Matrix("x", *[getattr(without, name) for name in ("prompts", "tasks", "models", "scores")],
                               np.full((150, 3), np.nan), {})], judge, notes) is None  # fmt: skip
    assert "no costs" in notes[0]
    assert many.held_out(many.pooled([without], judge, []), 0, lambda: None) is None


def test_what_is_not_finite_is_null():
    """JSON has no infinity."""
    told = report.as_json({"a": {"ours": Routed(0.6, float("nan"), 60.0), "random": Routed(0.5, 50.0, 80.0)}})
    assert told["a"]["cpt50"] is None
    assert told["a"]["rows"]["random"]["apgr"] == 0.5
    assert "| ours | 0.600 |" in report.markdown({"a": {"ours": Routed(0.6, float("nan"), 60.0)}})
