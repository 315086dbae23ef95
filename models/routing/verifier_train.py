"""Trains the shipped verifier: `python -m routing.verifier_train` in `models/` (VERIFIER.md has the whole command).

Weights start at `verifier_expected.EXPECTED` and are moved by answers with known scores. Features are standardised, and
a bias is fitted, within each group of like questions and one model: what is learned is which of two answers to like
questions is the better, not which kind of question is the easier. `--judge` writes for each file the weights that have
not seen it, which figures on these files are measured with.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ringfenced.learn.answers import NAMES, read_answer
from ringfenced.learn.verifier import Linear, Verifier
from ringfenced.learn.verifier_prior import Prior, question_key
from routing.verifier_expected import CHEAP_SCALE, EXPECTED, STRONG_SCALE
from routing_parts.data import Loaded, load

FIRM = 1_000.0
"""Precision of the expectation around each weight. Chosen by files left out: the firmer the better, up to this."""
FIRM_BIAS = 0.5
WEIGHT = {"answers": 1.0, "code": 0.25, "choices": 0.1}
"""What a row counts: eleven answers to one question are not eleven observations, and a bare letter says little."""
ROWS_MIN = 20
CHEAP_BIAS, STRONG_BIAS = 0.5, 2.0
"""Logits of an average answer before any label: RouteLLM's pairs lie there, and a few labels move it."""
STRONG = "gpt-4-1106-preview"
_KINDS = {
    "numbers": ("asdiv", "gsm8k", "finqa", "aime", "math"),
    "sums with choices": ("mathqa", "mmlupro_math", "engineer", "physics", "chem", "business", "econ"),
    "texts": ("wmt", "narrative"),
    "code": ("livecode",),
    "names": ("qanta", "geography"),
    "language": ("superglue", "chess"),
    "reading": ("pubmed", "socialiqa", "ethics"),
}
"""Families of RouterArena's benchmarks; all others are choices."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Group(NamedTuple):
    """Answers of one model to like questions."""

    source: str
    """The file."""
    prompts: tuple[str, ...]
    """What was asked."""
    hand: Floats
    """Their hand features."""
    cheap: Floats
    """How good they were."""
    strong: Floats | None
    """How good the strong model's answers to the same questions were."""
    weight: float
    """What a row counts."""


def kind_of(task: str) -> str:
    """The family of one of RouterArena's benchmarks; the longest of the names that fit decides."""
    fits = [(len(name), kind) for kind, names in _KINDS.items() for name in names if name in task.lower()]
    return max(fits)[1] if fits else "choices"


def groups_of(loaded: Loaded) -> Iterator[Group]:
    """Every group of a folder's files that has answers."""
    for one in loaded.answers:
        kinds = np.array([kind_of(task) for task in one.tasks])
        for kind in sorted(set(kinds)):
            rows = np.flatnonzero(kinds == kind)
            prompts = tuple(one.prompts[row] for row in rows)
            hand = features(prompts, [one.answers[row] for row in rows])
            yield Group(one.name, prompts, hand, one.scores[rows], None, WEIGHT["answers"])
    for matrix in loaded.matrices:
        strong = matrix.scores[:, matrix.models.index(STRONG)] if STRONG in matrix.models else None
        for model, answers in matrix.answers.items():
            scores = matrix.scores[:, matrix.models.index(model)]
            rows = np.flatnonzero(~np.isnan(scores) & ~np.isnan(scores if strong is None else strong))
            prompts = tuple(matrix.prompts[row] for row in rows)
            hand = features(prompts, [answers[row] for row in rows])
            short = np.median([len(answers[row]) for row in rows]) < 20
            other = None if strong is None or model == STRONG else strong[rows]
            yield Group(matrix.name, prompts, hand, scores[rows], other, WEIGHT["choices" if short else "code"])


def features(prompts: Sequence[str], answers: Sequence[str]) -> Floats:
    """Hand features as rows."""
    return np.array([read_answer(one, other).hand for one, other in zip(prompts, answers, strict=True)], np.float64)


def fitted(groups: Sequence[Group], centre: Floats, targets: Sequence[Floats]) -> Floats:
    """Weights nearest to `centre` that the groups' scores want; Newton's method, a bias for each group."""
    if not groups:
        return centre
    rows = np.concatenate([_standardised(group.hand) for group in groups])
    score = np.concatenate(list(targets))
    weight = np.concatenate([np.full(len(group.cheap), group.weight) for group in groups])
    member = np.repeat(np.arange(len(groups)), [len(group.cheap) for group in groups])
    wide = np.c_[rows, np.eye(len(groups))[member]]
    firm = np.r_[np.full(rows.shape[1], FIRM), np.full(len(groups), FIRM_BIAS)]
    start = np.r_[centre, np.zeros(len(groups))]
    at = start.copy()
    for _ in range(30):
        good = 1 / (1 + np.exp(-np.clip(wide @ at, -30, 30)))
        slope = wide.T @ (weight * (good - score)) + firm * (at - start)
        at = at - np.linalg.solve((wide.T * (weight * good * (1 - good))) @ wide + np.diag(firm), slope)
    return at[: rows.shape[1]]


def _standardised(hand: Floats) -> Floats:
    scale = hand.std(axis=0)
    return np.clip((hand - hand.mean(axis=0)) / np.where(scale > 1e-6, scale, 1.0), -4, 4)


def trained(groups: Sequence[Group]) -> Prior:
    """Both verifiers from all of these groups."""
    kept = [group for group in groups if len(group.cheap) >= ROWS_MIN]
    expected = np.array([EXPECTED.get(name, 0.0) for name in NAMES])
    paired = [group for group in kept if group.strong is not None]
    cheap = fitted(kept, expected * CHEAP_SCALE, [group.cheap for group in kept])
    strong = fitted(paired, expected * STRONG_SCALE, [group.strong for group in paired if group.strong is not None])
    means, squares = zip(*((group.hand.mean(axis=0), (group.hand**2).mean(axis=0)) for group in kept), strict=True)
    mean = np.mean(means, axis=0)
    scale = np.sqrt(np.maximum(np.mean(squares, axis=0) - mean**2, 0))
    scale = np.where(scale > 1e-6, scale, 1.0)

    def verifier(weights: Floats, bias: float) -> Verifier:
        linear = Linear(mean, scale, weights, bias, np.full(len(NAMES), 1 / FIRM), weights)
        return Verifier(linear, np.zeros(0, np.float32), None, 0.0, 0)

    return Prior(verifier(cheap, CHEAP_BIAS), verifier(strong, STRONG_BIAS))


def judge_bytes(groups: Sequence[Group]) -> bytes:
    """For each file the keys of its questions and the weights that have not seen it."""
    arrays = {}
    for number, source in enumerate(sorted({group.source for group in groups})):
        keys = {question_key(prompt) for group in groups if group.source == source for prompt in group.prompts}
        without = trained([group for group in groups if group.source != source]).to_bytes()
        arrays[f"source{number}"] = np.array(source)
        arrays[f"keys{number}"] = np.array(sorted(keys), np.uint64)
        arrays[f"without{number}"] = np.frombuffer(without, np.uint8)
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MODEL_CARD.md")
    parser.add_argument("--out", type=Path, help="where the shipped weights go")
    parser.add_argument("--judge", type=Path, help="where the judge goes")
    asked = parser.parse_args()
    groups = list(groups_of(load(asked.data, print)))
    print(f"{sum(len(group.cheap) for group in groups)} answers in {len(groups)} groups")
    if asked.out:
        asked.out.write_bytes(trained(groups).to_bytes())
    if asked.judge:
        asked.judge.write_bytes(judge_bytes(groups))


if __name__ == "__main__":
    main()
