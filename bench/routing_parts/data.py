"""Reads a folder of routing data: files are told apart by their columns, whatever their names.

| kind | told by | becomes |
|---|---|---|
| two models | a prompt, two columns of right or wrong (``weak_correct``, or a model's name) | `Pair` |
| many models with costs | columns ``NAME`` and ``NAME|total_cost`` (RouterBench) | `Matrix` |
| one model's answers | lines with ``question``, ``generated_answer``, ``evaluation_result`` (RouterArena) | `Answers` |

``.csv``, ``.csv.gz``, ``.jsonl`` and ``.jsonl.gz`` are read. Rows whose prompt came before are left out, as are rows
without a label. Nothing here prints a prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from routing_parts import kinds
from routing_parts.kinds import Answers, BadData, Matrix, Pair
from routing_parts.tables import SUFFIXES, read_table

__all__ = ["Answers", "BadData", "Loaded", "Matrix", "Pair", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that a folder holds."""

    pairs: tuple[Pair, ...]
    """Files of two models; files of one family (RouteLLM's one file a subject) are one pair."""
    matrices: tuple[Matrix, ...]
    """Files of many models with costs."""
    answers: tuple[Answers, ...]
    """Files of one model's answers."""
    notes: tuple[str, ...]
    """What was left out and why, for people; without content."""


def load(folder: Path, tell: Callable[[str], None] = lambda _: None) -> Loaded:
    """Read every file of a folder, or one file.

    Args:
        folder: the folder (not searched deeper), or a file.
        tell: is told the name of each file before it is read.

    Raises:
        BadData: there is no such folder, no file of a known kind, or one that cannot be read; says which and why.
    """
    paths = _paths(folder)
    pairs: list[Pair] = []
    matrices: list[Matrix] = []
    answers: list[Answers] = []
    notes: list[str] = []
    for path in paths:
        tell(path.name)
        table = read_table(path)
        if kinds.is_answers(table):
            answers.append(kinds.answers_of(table, notes))
        elif kinds.is_matrix(table):
            matrices.append(kinds.matrix_of(table, notes))
        elif kinds.is_pair(table):
            pairs.append(kinds.pair_of(table, notes))
        else:
            notes.append(f"{path.name}: no prompts with labels of two models, with costs, or with answers; left out")
    if not (pairs or matrices or answers):
        raise BadData(f"{folder}: no file of a kind that is known; " + "; ".join(notes[:3]))
    return Loaded(kinds.pooled(pairs), tuple(matrices), tuple(answers), tuple(notes))


def _paths(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise BadData(f"{folder}: no such folder; name one with .csv, .csv.gz, .jsonl or .jsonl.gz files")
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    if not paths:
        raise BadData(f"{folder}: no .csv, .csv.gz, .jsonl or .jsonl.gz file in it")
    return paths


def subsets(rows: int, parts: int, rng: np.random.Generator) -> np.ndarray:
    """A part from 0 to `parts` - 1 for each of `rows` rows, as even as can be, drawn from `rng`."""
    return rng.permutation(np.arange(rows) % parts)
