"""The prior of routing and its judge: nothing speaks on a question that it has learned from."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "models"), str(ROOT / "bench")]

pytest.importorskip("sklearn", reason="training needs scikit-learn")
from routing import train  # noqa: E402 - after the paths
from routing_parts.data import load  # noqa: E402 - likewise
from routing_parts.priors import (  # noqa: E402 - likewise
    JUDGE,
    QUESTION_FOLDS,
    SUBJECT_FOLDS,
    fold_of,
    key_of,
    load_judge,
    seen_of,
)

SHARED = ROOT.parent / "shared" / "data" / "routing"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the development data is not there")
MMLU = "Which bone is the longest?\nA. femur\nB. tibia\nC. ulna\nD. radius\nAnswer:"
OTHER_TEMPLATE = (
    "Is ice cold?\nA) yes\nB) no\nC) so\nAnswer:\nA\n\nWhich bone is the longest?\nA) femur\nB) tibia\nC) ulna\n"
    "D) radius\n"
    "Print only a single choice.\nAnswer:"
)


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def test_a_question_has_one_key_in_every_template():
    """So that another benchmark's copy of it counts as seen."""
    assert key_of(MMLU) == key_of(OTHER_TEMPLATE)
    assert key_of(MMLU) != key_of(MMLU.replace("longest", "shortest"))


def test_training_of_a_part_leaves_its_fold_out(monkeypatch):
    """The weights named ``question3`` come of no question of fold 3, ``subject2`` of no subject of fold 2."""
    given = []
    rows = [
        train.Row(seen_of([f"q {number}"])[0], key_of(f"q {number}"), f"s{number % 9}", number % 2, 1.0, 1.0)
        for number in range(60)
    ]

    class Nothing:
        def to_bytes(self):
            return train.pack({"x": np.zeros(1)})

    monkeypatch.setattr(train, "trained", lambda part: given.append(list(part)) or Nothing())
    train.judge(rows)
    assert len(given) == QUESTION_FOLDS + SUBJECT_FOLDS
    for fold, part in enumerate(given[:QUESTION_FOLDS]):
        assert part == [row for row in rows if row.key % QUESTION_FOLDS != fold]
    for fold, part in enumerate(given[QUESTION_FOLDS:]):
        assert part == [row for row in rows if fold_of(row.subject, SUBJECT_FOLDS) != fold]


@needs_data
def test_every_question_of_the_data_is_known_to_the_judge(judge):
    """None of what training saw is measured with the shipped prior."""
    loaded = load(SHARED)
    pair = loaded.pairs[0]
    by_question = judge.names(pair.prompts, pair.groups, "question")
    by_subject = judge.names(pair.prompts, pair.groups, "subject")
    assert by_question == [f"question{key_of(prompt) % QUESTION_FOLDS}" for prompt in pair.prompts]
    assert "" not in by_subject
    # A stem that stands in two subjects goes by one of them; both are left out of few such rows' weights only.
    wanted = [f"subject{fold_of(group, SUBJECT_FOLDS)}" for group in pair.groups]
    assert np.mean([one == other for one, other in zip(by_subject, wanted, strict=True)]) > 0.999
    for matrix in loaded.matrices:
        both = matrix.pair(train.WEAK, train.STRONG)
        assert "" not in judge.names(both.prompts, both.groups, "question")


def test_what_no_training_saw_is_told_by_the_shipped_prior(judge):
    """And a new question of a subject that training saw by weights without that subject."""
    new = "Is this question to be found nowhere at all?"
    assert judge.names([new], ["nowhere"], "question") == [""]
    assert judge.names([new], ["nowhere"], "subject") == [""]
    said = judge.said([new], ["nowhere"], seen_of([new]), "question")
    seen = seen_of([new])[0]
    assert said[0] == pytest.approx(judge.shipped.said(seen.hand, seen.grams, seen.weight))


@needs_data
def test_a_new_question_of_a_known_subject_is_told_without_that_subject(judge):
    """One row that training saw is enough to know the subject."""
    pair = load(SHARED).pairs[0]
    names = judge.names([pair.prompts[0], "never asked before"], ["x", "x"], "subject")
    assert names[0] == names[1] != ""


def test_the_card_names_what_ships():
    """Sizes, sources and licences."""
    card = (ROOT / "models" / "routing" / "MODEL_CARD.md").read_text("utf-8")
    for word in ("Apache-2.0", "MIT", "RouteLLM", "RouterBench", "RouterArena", "judge.npz"):
        assert word in card
    assert JUDGE.stat().st_size < 2 << 20
    assert re.search(r"PYTHONPATH=(?s:.*)routing\.train", card)
