"""What a table is, told by its columns, and the values that come of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from routing_parts.tables import BadData, Table

__all__ = ["Answers", "BadData", "Matrix", "Pair"]

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
COST = "|total_cost"
RESPONSE = "|model_response"
PROMPTS = ("prompt", "question", "input", "query")
"""Names of the column with what the models were asked."""
GROUPS = ("subject", "group", "domain", "category", "topic", "task", "eval_name", "dataset")
"""Names of a column that says which family of questions a row is of."""
_VALUES = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0}
_STRONG = re.compile(r"strong|gpt-?4|opus|sonnet", re.IGNORECASE)
_WEAK = re.compile(r"weak|mixtral|mistral|haiku|-7b|8x7b|llama", re.IGNORECASE)
_NO_ANSWER = "correct|ground|gold|expected|reference|choice"
_ANSWER = re.compile(r"response|answer|output|generation|completion", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Questions and whether a weak and a strong model got them right."""

    name: str
    """The file's stem, or what the files of its family have in common."""
    prompts: tuple[str, ...]
    """What was asked."""
    groups: tuple[str, ...]
    """Each row's subject; all empty where none is named."""
    weak: Floats
    """0 to 1 for each row."""
    strong: Floats
    """0 to 1 for each row."""
    weak_answers: tuple[str, ...] | None = None
    """What the weak model answered."""
    strong_answers: tuple[str, ...] | None = None
    """What the strong model answered."""
    weak_name: str = "weak"
    """The weak model."""
    strong_name: str = "strong"
    """The strong model."""

    def at(self, rows: Sequence[int] | np.ndarray) -> Pair:
        """The same with some of its rows, in that order."""
        picked = [int(row) for row in rows]

        def of(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(texts[row] for row in picked)

        return replace(
            self,
            prompts=of(self.prompts),
            groups=of(self.groups),
            weak=self.weak[picked],
            strong=self.strong[picked],
            weak_answers=None if self.weak_answers is None else of(self.weak_answers),
            strong_answers=None if self.strong_answers is None else of(self.strong_answers),
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """Questions, and many models' scores and costs on them."""

    name: str
    """The file's stem."""
    prompts: tuple[str, ...]
    """What was asked; a conversation's turns in one text."""
    tasks: tuple[str, ...]
    """The benchmark that each row comes from."""
    models: tuple[str, ...]
    """The columns of what follows."""
    scores: Floats
    """Rows by models, 0 to 1; NaN where it is missing."""
    costs: Floats
    """Rows by models, in dollars; NaN where it is missing."""
    answers: dict[str, tuple[str, ...]]
    """By model, what it answered; only models that have it."""

    def pair(self, weak: str, strong: str) -> Pair:
        """Two of its models, on the rows where both have a score.

        Raises:
            KeyError: it has no such model.
        """
        columns = [self._column(weak), self._column(strong)]
        rows = np.flatnonzero(~np.isnan(self.scores[:, columns]).any(axis=1))
        whole = Pair(
            name=self.name,
            prompts=self.prompts,
            groups=self.tasks,
            weak=self.scores[:, columns[0]],
            strong=self.scores[:, columns[1]],
            weak_answers=self.answers.get(weak),
            strong_answers=self.answers.get(strong),
            weak_name=weak,
            strong_name=strong,
        )
        return whole.at(rows)

    def _column(self, model: str) -> int:
        if model not in self.models:
            raise KeyError(model)
        return self.models.index(model)


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's answers with their scores."""

    name: str
    """The file's stem."""
    model: str
    """Whose they are."""
    prompts: tuple[str, ...]
    """What was asked."""
    tasks: tuple[str, ...]
    """The benchmark that each row comes from."""
    answers: tuple[str, ...]
    """What it answered."""
    scores: Floats
    """0 to 1 for each row."""
    costs: Floats
    """Dollars for each row; NaN where it is missing."""


def is_answers(table: Table) -> bool:
    """Whether it holds one model's answers with their scores."""
    return {"question", "generated_answer", "evaluation_result.score"} <= table.columns.keys()


def is_matrix(table: Table) -> bool:
    """Whether it holds two models or more with scores and costs, or many with scores."""
    return _prompt_column(table) is not None and len(_matrix_models(table)) >= 2


def is_pair(table: Table) -> bool:
    """Whether it holds prompts and labels of two models."""
    return _prompt_column(table) is not None and len(_label_columns(table)) >= 2


def answers_of(table: Table, notes: list[str]) -> Answers:
    """Take such a table; rows without a score or an answer are left out and noted."""
    columns = table.columns
    scores = _numbers(columns["evaluation_result.score"])
    kept = [
        row for row in _first(columns["question"]) if not np.isnan(scores[row]) and columns["generated_answer"][row]
    ]
    _note(notes, table, len(kept))
    costs = _numbers(columns.get("evaluation_result.inference_cost", [""] * table.rows))
    names = columns.get("global_index", [""] * table.rows)
    return Answers(
        name=table.stem,
        model=columns.get("llm_selected", ["unknown"])[kept[0]] if kept else "unknown",
        prompts=tuple(columns["question"][row] for row in kept),
        tasks=tuple(names[row].rpartition("_")[0] for row in kept),
        answers=tuple(columns["generated_answer"][row] for row in kept),
        scores=np.clip(scores[kept], 0, 1),
        costs=costs[kept],
    )


def matrix_of(table: Table, notes: list[str]) -> Matrix:
    """Take such a table; rows without any score are left out and noted.

    Raises:
        BadData: it has no row with a score.
    """
    models, prompts = _matrix_models(table), [_said(cell) for cell in _prompts(table)]
    scores = np.stack([_numbers(table.columns[model]) for model in models], axis=1)
    missing = [""] * table.rows
    costs = np.stack([_numbers(table.columns.get(model + COST, missing)) for model in models], axis=1)
    kept = [row for row in _first(prompts) if not np.isnan(scores[row]).all()]
    _note(notes, table, len(kept))
    if not kept:
        raise BadData(f"{table.stem}: no row with a prompt and a score")
    groups = _groups(table)
    answers = {
        model: tuple(_said(table.columns[model + RESPONSE][row]) for row in kept)
        for model in models
        if model + RESPONSE in table.columns
    }
    return Matrix(
        name=table.stem,
        prompts=tuple(prompts[row] for row in kept),
        tasks=tuple(groups[row] or table.stem for row in kept),
        models=tuple(models),
        scores=_unit(scores[kept]),
        costs=np.where(costs[kept] >= 0, costs[kept], np.nan),
        answers=answers,
    )


def pair_of(table: Table, notes: list[str]) -> Pair:
    """Take such a table; rows without both labels are left out and noted.

    Raises:
        BadData: it has no row with a prompt and both labels.
    """
    prompts = [_said(cell) for cell in _prompts(table)]
    weak_name, strong_name = _sides(table)
    weak, strong = _numbers(table.columns[weak_name]), _numbers(table.columns[strong_name])
    kept = [row for row in _first(prompts) if not np.isnan(weak[row] + strong[row])]
    _note(notes, table, len(kept))
    if not kept:
        raise BadData(f"{table.stem}: no row with a prompt and both labels")
    weak_answers, strong_answers = _answer_columns(table, weak_name, strong_name)
    groups = _groups(table)
    whole = Pair(
        name=table.stem,
        prompts=tuple(prompts),
        groups=tuple(groups),
        weak=weak,
        strong=strong,
        weak_answers=tuple(table.columns[weak_answers]) if weak_answers else None,
        strong_answers=tuple(table.columns[strong_answers]) if strong_answers else None,
        weak_name=weak_name,
        strong_name=strong_name,
    )
    return whole.at(kept)


def pooled(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Files of one family as one pair: same models, no answers, no subjects, names that begin alike.

    RouteLLM keeps MMLU like that: ``mmlu_anatomy.csv``, ``mmlu_astronomy.csv``; each file is a subject.
    """
    families: dict[tuple[str, str, str], list[Pair]] = {}
    alone: list[Pair] = []
    for pair in pairs:
        if pair.weak_answers is None and not any(pair.groups) and "_" in pair.name:
            families.setdefault((pair.name.partition("_")[0], pair.weak_name, pair.strong_name), []).append(pair)
        else:
            alone.append(pair)
    for (name, _, _), members in families.items():
        alone.append(members[0] if len(members) == 1 else _joined(name, members))
    return tuple(sorted(alone, key=lambda pair: pair.name))


def _joined(name: str, members: Sequence[Pair]) -> Pair:
    whole = replace(
        members[0],
        name=name,
        prompts=tuple(prompt for member in members for prompt in member.prompts),
        groups=tuple(member.name.partition("_")[2] for member in members for _ in member.prompts),
        weak=np.concatenate([member.weak for member in members]),
        strong=np.concatenate([member.strong for member in members]),
    )
    return whole.at(_first(whole.prompts))


def _prompt_column(table: Table) -> str | None:
    return next((name for name in PROMPTS if name in table.columns), None)


def _prompts(table: Table) -> list[str]:
    return table.columns[_prompt_column(table) or PROMPTS[0]]


def _groups(table: Table) -> list[str]:
    name = next((name for name in GROUPS if name in table.columns and name != _prompt_column(table)), None)
    return table.columns[name] if name else [""] * table.rows


def _matrix_models(table: Table) -> list[str]:
    priced = [name.removesuffix(COST) for name in table.columns if name.endswith(COST)]
    answering = [name.removesuffix(RESPONSE) for name in table.columns if name.endswith(RESPONSE)]
    return [name for name in dict.fromkeys(priced + answering) if name in table.columns]


def _label_columns(table: Table) -> list[str]:
    """Columns of right or wrong (or of scores from 0 to 1)."""
    found = []
    for name, cells in table.columns.items():
        told = [cell for cell in cells if cell]
        if name and name not in GROUPS and told and all(_is_label(cell) for cell in told):
            found.append(name)
    named = [name for name in found if "correct" in name.lower() or _STRONG.search(name) or _WEAK.search(name)]
    return named if len(named) >= 2 else found


def _is_label(cell: str) -> bool:
    if cell.strip().lower() in _VALUES:
        return True
    try:
        return 0 <= float(cell) <= 1
    except ValueError:
        return False


def _sides(table: Table) -> tuple[str, str]:
    """Names of the weak and the strong model's column: by their names, else by their means."""
    columns = _label_columns(table)
    weak = next((name for name in columns if _WEAK.search(name) and not re.search("strong", name, re.IGNORECASE)), None)
    strong = next((name for name in columns if _STRONG.search(name) and name != weak), None)
    if weak and strong:
        return weak, strong
    ranked = sorted(columns, key=lambda name: float(np.nanmean(_numbers(table.columns[name]))))
    return ranked[0], ranked[-1]


def _answer_columns(table: Table, weak: str, strong: str) -> tuple[str | None, str | None]:
    names = [name for name in table.columns if _ANSWER.search(name) and name not in {weak, strong, *PROMPTS}]
    names = [name for name in names if not re.search(_NO_ANSWER, name, re.IGNORECASE)]

    def of(model: str, side: str) -> str | None:
        base = re.sub("_?correct_?", "", model, flags=re.IGNORECASE)
        return next((name for name in names if side in name.lower() or (base and base in name)), None)

    found = of(weak, "weak"), of(strong, "strong")
    if found == (None, None) and len(names) == 1:
        return names[0], None
    return found


def _numbers(cells: Sequence[str]) -> Floats:
    return np.array([_number(cell) for cell in cells], np.float64)


def _number(cell: str) -> float:
    known = _VALUES.get(cell.strip().lower())
    if known is not None:
        return known
    try:
        number = float(cell)
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def _unit(scores: Floats) -> Floats:
    """Scores from 0 to 1: a judge's marks of 1 to 10 (MT-bench) are divided by 10."""
    most = float(np.nanmax(scores))
    return np.clip(scores / 10 if 1 < most <= 10 else scores, 0, 1)


def _said(cell: str) -> str:
    """The text of a cell that may be a list of turns, written by Python's ``str``."""
    if cell[:2] not in {"['", '["'} or cell[-1:] != "]":
        return cell
    try:
        turns = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell
    return "\n\n".join(map(str, turns)) if isinstance(turns, list) else cell


def _first(prompts: Sequence[str]) -> list[int]:
    """Rows whose prompt is not empty and did not come before."""
    seen: dict[str, int] = {}
    for row, prompt in enumerate(prompts):
        if prompt.strip():
            seen.setdefault(prompt, row)
    return list(seen.values())


def _note(notes: list[str], table: Table, kept: int) -> None:
    if kept < table.rows:
        notes.append(
            f"{table.stem}: {table.rows - kept} of {table.rows} rows left out: asked before, or without a label"
        )
