"""The shipped verifier: what it starts from, and that it is never measured on what it has seen."""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.path.insert(0, str(ROOT / "models"))
from routing.verifier_expected import EXPECTED  # noqa: E402
from routing.verifier_train import FIRM, Group, fitted, judge_bytes, kind_of, trained  # noqa: E402

from ringfenced.learn.answers import NAMES  # noqa: E402
from ringfenced.learn.verifier_prior import Prior, question_key  # noqa: E402
from routing_parts.ladder_prior import JUDGE, SHIPPED, priors_for  # noqa: E402


def _group(source, factor, rows=60):
    draw = np.random.default_rng(3)
    hand = draw.normal(size=(rows, len(NAMES))) * factor
    score = (hand[:, 0] > 0).astype(float)
    return Group(source, tuple(f"{source} question {row}" for row in range(rows)), hand, score, None, 1.0)


def test_what_is_expected_names_features_that_are():
    """A feature that is renamed must be renamed there too."""
    assert set(EXPECTED) <= set(NAMES)


def test_weights_follow_the_data_and_start_at_what_is_expected():
    """A feature that decides the score gains weight; without data nothing moves."""
    centre = np.zeros(len(NAMES))
    group = _group("one", 1.0, rows=4 * int(FIRM))
    moved = fitted([group], centre, [group.cheap])
    assert moved[0] > 5 * np.abs(moved[1:]).max()
    assert np.array_equal(fitted([], centre, []), centre)


def test_kinds_of_benchmarks():
    """The longest name that fits decides."""
    assert kind_of("MathQA") == "sums with choices"
    assert kind_of("MATH") == "numbers"
    assert kind_of("MMLUPro_history") == "choices"


def test_the_judge_knows_the_shared_files():
    """Every file that the shipped weights were trained on is in the judge, with weights of its own."""
    shipped = Prior.from_bytes(SHIPPED.read_bytes())
    with np.load(JUDGE, allow_pickle=False) as judge:
        numbers = range(sum(name.startswith("source") for name in judge.files))
        assert len(numbers) == 3
        for number in numbers:
            assert len(judge[f"keys{number}"]) > 200
            without = Prior.from_bytes(judge[f"without{number}"].tobytes())
            assert not np.array_equal(without.cheap.linear.weights, shipped.cheap.linear.weights)


def test_the_judge_holds_keys_and_no_text():
    """A key is 64 bits of a hash."""
    key = question_key("Where is it?")
    assert 0 <= key < 1 << 64


def test_weights_that_have_seen_a_file_are_not_used_on_it(tmp_path, monkeypatch):
    """A question of the training set takes the weights without its file; one of two files takes none."""
    groups = [_group("one", 1.0), _group("two", -1.0)]
    (tmp_path / "shipped").write_bytes(trained(groups).to_bytes())
    (tmp_path / "judge").write_bytes(judge_bytes(groups))
    monkeypatch.setattr("routing_parts.ladder_prior.SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr("routing_parts.ladder_prior.JUDGE", tmp_path / "judge")
    fresh, seen, both = (
        priors_for(list(names)) for names in (["new"], ["One  question 5"], ["one question 1", "two question 2"])
    )
    assert fresh.seen == ()
    assert seen.seen == ("one",)
    without = trained([group for group in groups if group.source != "one"])
    assert np.array_equal(seen.cheap.linear.weights, without.cheap.linear.weights)
    assert not np.array_equal(seen.cheap.linear.weights, fresh.cheap.linear.weights)
    assert not both.cheap.linear.weights.any()
