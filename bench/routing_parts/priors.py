"""Which weights of the prior may speak on a row: only such as have not learned from its question, or from its subject.

`models/routing/judge.npz` holds the prior trained anew without each of some folds: folds of questions, and folds of
subjects. Every question that training saw is listed in it by a hash of its words, with its two folds.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ringfenced.learn.features import Seen, read
from ringfenced.learn.outcome import Float32s
from ringfenced.learn.packed import unpack
from ringfenced.learn.prior import PRIOR, Prior
from ringfenced.learn.question import question_of

JUDGE = Path(__file__).resolve().parents[2] / "models" / "routing" / "judge.npz"
QUESTION_FOLDS = 4
SUBJECT_FOLDS = 5
Crossing = Literal["question", "subject"]
_NO_WORD = re.compile(r"[^a-z0-9]+")


def key_of(prompt: str) -> int:
    """A hash of a question's words, the same in whatever template it stands."""
    said = question_of(prompt)
    words = _NO_WORD.sub(" ", f"{said.stem} {' '.join(said.choices[:3])}".lower()).strip()
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=4).digest(), "little")


def fold_of(text: str, folds: int) -> int:
    """A fold for a question's or subject's name, always the same."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little") % folds


@dataclass(frozen=True, slots=True)
class Judge:
    """The shipped prior, and the same without each fold."""

    shipped: Prior
    """For questions that no training saw."""
    parts: dict[str, Prior]
    """``question0``, ... and ``subject0``, ...: trained without that fold."""
    folds: dict[int, tuple[int, int]]
    """The fold of questions and the fold of subjects of every question that training saw, by `key_of`."""

    def fold(self, prompt: str, crossing: Crossing) -> int | None:
        """The fold that a prompt was trained in, or None where it was not."""
        found = self.folds.get(key_of(prompt))
        return None if found is None else found[crossing == "subject"]

    def said(self, prompts: Sequence[str], groups: Sequence[str], seen: Sequence[Seen], crossing: Crossing) -> Float32s:
        """What the prior says of each row by weights that have not learned from it.

        Args:
            prompts: what was asked.
            groups: each row's subject; where one row of a subject was trained on, all of it counts as trained on.
            seen: `features.read` of each.
            crossing: whether weights must not have seen the question, or anything of its subject.
        """
        names = self.names(prompts, groups, crossing)
        rows_of: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            rows_of.setdefault(name, []).append(row)
        told: Float32s | None = None
        for name, rows in rows_of.items():
            prior = self.parts.get(name, self.shipped)
            voices = np.array([prior.worded(seen[row].grams, seen[row].weight) for row in rows])
            part = prior.all_said(np.array([seen[row].hand for row in rows]), voices)
            told = np.zeros((len(prompts), part.shape[1]), np.float32) if told is None else told
            told[rows] = part
        return np.zeros((0, 0), np.float32) if told is None else told

    def names(self, prompts: Sequence[str], groups: Sequence[str], crossing: Crossing) -> list[str]:
        """Which part speaks on each row; empty for the shipped prior."""
        folds = [self.fold(prompt, crossing) for prompt in prompts]
        if crossing == "subject":
            known: dict[str, Counter[int]] = {}
            for fold, group in zip(folds, groups, strict=True):
                if fold is not None and group:
                    known.setdefault(group, Counter())[fold] += 1
            common = {group: counter.most_common(1)[0][0] for group, counter in known.items()}
            folds = [common.get(group) if fold is None else fold for fold, group in zip(folds, groups, strict=True)]
        return ["" if fold is None else f"{crossing}{fold}" for fold in folds]


def load_judge(path: Path = JUDGE, shipped: Path = PRIOR) -> Judge:
    """Read the judge and the shipped prior.

    Raises:
        OSError: one is not there.
        BadState: one is not what it should be.
    """
    arrays = unpack(path.read_bytes())
    parts: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        part, dot, rest = name.partition(".")
        if dot and part != "seen":
            parts.setdefault(part, {})[rest] = array
    folds = zip(arrays["seen.key"], arrays["seen.question"], arrays["seen.subject"], strict=True)
    return Judge(
        Prior.from_bytes(shipped.read_bytes()),
        {name: Prior.of_arrays(part) for name, part in parts.items()},
        {int(key): (int(question), int(subject)) for key, question, subject in folds},
    )


def seen_of(prompts: Sequence[str]) -> list[Seen]:
    """`features.read` of each."""
    return [read(prompt) for prompt in prompts]
