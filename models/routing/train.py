"""Trains the prior of routing and its judge: `python -m routing.train` in `models/` (see MODEL_CARD.md).

Reproducible: one seed, sorted inputs, folds by hash.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from ringfenced.learn.features import Seen, read
from ringfenced.learn.fit_trees import Growth, boosted, doubled
from ringfenced.learn.packed import pack, unpack
from ringfenced.learn.prior import WORD_BITS, Prior
from routing_parts.data import load
from routing_parts.priors import QUESTION_FOLDS, SUBJECT_FOLDS, fold_of, key_of

SEED = 7
WEAK, STRONG = "mistralai/mixtral-8x7b-chat", "gpt-4-1106-preview"
"""RouterBench's names of the two models of RouteLLM's file."""
LOGISTIC = 0.01
"""C of the logistic regression."""
RIDGE = 15.0
"""Penalty of the words."""
GROWTH = Growth(rounds=160, rate=0.045, leaves=8, rows_min=60, columns_share=0.2)
"""Of the trees: chosen among seven by APGR over folds of questions and of subjects."""
WORDS_MIN = 2
"""Questions that a bucket of words must be in to have a weight."""
ANSWERS_WEIGHT = 0.3
"""What a row of another weak model (Claude 3 Haiku) counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question."""

    seen: Seen
    key: int
    subject: str
    weak: float
    strong: float
    counts: float


def rows_of(folder: Path) -> list[Row]:
    """All that is there of the two models, and a third one's answers as a weak model's."""
    loaded = load(folder)
    pairs = [*loaded.pairs, *(matrix.pair(WEAK, STRONG) for matrix in loaded.matrices if WEAK in matrix.models)]
    rows = [
        Row(read(prompt), key_of(prompt), pair.groups[row], float(pair.weak[row]), float(pair.strong[row]), 1.0)
        for pair in pairs
        for row, prompt in enumerate(pair.prompts)
    ]
    for answers in loaded.answers:
        rows += [
            Row(
                read(prompt),
                key_of(prompt),
                answers.tasks[row],
                float(answers.scores[row]),
                float("nan"),
                ANSWERS_WEIGHT,
            )
            for row, prompt in enumerate(answers.prompts)
        ]
    return rows


def trained(rows: Sequence[Row]) -> Prior:
    """The prior of some rows; subjects count by the root of their size, so that no large one decides alone."""
    hand = np.array([row.seen.hand for row in rows])
    subjects = [row.subject for row in rows]
    size = {subject: subjects.count(subject) for subject in set(subjects)}
    weights = np.array([row.counts * size[row.subject] ** -0.5 for row in rows])
    weights /= weights.mean()
    mean, scale = hand.mean(axis=0, dtype=np.float64), hand.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-6, scale, 1.0)
    told = np.clip((hand - mean) / scale, -4, 4)
    words, rarity = _words(rows)
    form, voices, bases, trees, centre = [], [], [], [], []
    for scores in (np.array([row.weak for row in rows]), np.array([row.strong for row in rows])):
        known = np.flatnonzero(~np.isnan(scores))
        twice, labels, counted = doubled(scores[known], weights[known])
        model = LogisticRegression(C=LOGISTIC, max_iter=500).fit(told[known][twice], labels, sample_weight=counted)
        form.append(np.concatenate([model.coef_[0], model.intercept_]))
        ridge = Ridge(alpha=RIDGE, solver="lsqr").fit(words[known], scores[known])
        voices.append(ridge.coef_)
        bases.append(float(ridge.intercept_))
        trees.append(boosted(hand[known], scores[known], weights[known], GROWTH, seed=SEED))
        share = float(np.average(scores[known], weights=weights[known]))
        centre.append(np.log(share / (1 - share)))
    return Prior(
        mean, scale, np.stack(form, axis=1), (trees[0], trees[1]), rarity,
        np.stack(voices, axis=1).astype(np.float32), np.array(bases), np.array(centre),
    )  # fmt: skip


def _words(rows: Sequence[Row]) -> tuple[Any, Any]:
    """Hashed words of each row, rare ones counting more, of length 1 together; and how much each bucket counts."""
    buckets = [row.seen.grams >> np.uint32(32 - WORD_BITS) for row in rows]
    count = 1 << WORD_BITS
    documents = np.bincount(np.concatenate([np.unique(bucket) for bucket in buckets]), minlength=count)
    rarity = np.where(documents >= WORDS_MIN, np.log((1 + len(rows)) / (1 + documents)) + 1, 0).astype(np.float32)
    rarity = np.round(rarity * 16) / np.float32(16)
    starts = np.concatenate([[0], np.cumsum([len(bucket) for bucket in buckets])])
    told = [row.seen.weight * rarity[bucket] for row, bucket in zip(rows, buckets, strict=True)]
    told = [part / max(float(np.sqrt(part @ part)), 1e-9) for part in told]
    columns = np.concatenate(buckets).astype(np.int32)
    return csr_matrix((np.concatenate(told), columns, starts), shape=(len(rows), count)), rarity


def judge(rows: Sequence[Row]) -> dict[str, Any]:
    """The prior without each fold of questions and of subjects, and the folds of all questions."""
    arrays: dict[str, Any] = {
        "seen.key": np.array([row.key for row in rows], np.uint32),
        "seen.question": np.array([question_fold(row) for row in rows], np.uint8),
        "seen.subject": np.array([subject_fold(row) for row in rows], np.uint8),
    }
    for crossing, folds, of in (("question", QUESTION_FOLDS, question_fold), ("subject", SUBJECT_FOLDS, subject_fold)):
        for fold in range(folds):
            part = unpack(trained([row for row in rows if of(row) != fold]).to_bytes())
            arrays |= {f"{crossing}{fold}.{name}": array for name, array in part.items()}
            print(f"{crossing} {fold}: {time.process_time():.0f} s of CPU", file=sys.stderr, flush=True)
    return arrays


def question_fold(row: Row) -> int:
    """The fold of a question, whatever its template."""
    return row.key % QUESTION_FOLDS


def subject_fold(row: Row) -> int:
    """The fold of its subject."""
    return fold_of(row.subject, SUBJECT_FOLDS)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of routing data")
    parser.add_argument("--out", type=Path, help="the shipped prior")
    parser.add_argument("--judge", type=Path, help="the judge")
    options = parser.parse_args()
    rows = rows_of(options.data)
    print(f"{len(rows)} rows", file=sys.stderr)
    if options.out:
        options.out.write_bytes(trained(rows).to_bytes())
    if options.judge:
        options.judge.write_bytes(pack(judge(rows)))


if __name__ == "__main__":
    main()
