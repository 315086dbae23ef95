"""Protocol (d): many models with costs; the share of the best model's cost that is saved at 95 and 99 % of its quality.

In-domain: five folds over all questions, every task in each; labels of all models on the other folds. Held out: each
task in turn is tested by what was learned from the others. The zero-router has the same knowledge: the hull of fixed
mixes by the models' means on what was learned from. A policy is a price of cost; the curve is that of all prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ringfenced.learn import choose
from ringfenced.learn.fit import FOLDS
from ringfenced.learn.fit_heads import Lessons, Trust, heads_of, no_trust, trust_of
from ringfenced.learn.guard import SEGMENTS_MIN, Guard, guarded
from ringfenced.learn.heads import Heads
from ringfenced.learn.replay import Logged
from routing_parts import metrics
from routing_parts.kinds import Matrix
from routing_parts.priors import Crossing, Judge, seen_of

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
PARTS = 5
DIVISIONS = 3
"""Into so many parts, one after the other."""
ROWS_MAX = 3000
"""Questions at most; more are drawn from, each task by its share."""
TASKS_MAX = 10
"""Tasks held out, the largest first."""
LEVELS = (0.95, 0.99)
PRICES = 80


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Files with the same models as one."""

    prompts: tuple[str, ...]
    """All questions."""
    tasks: np.ndarray
    """The task of each."""
    models: tuple[str, ...]
    """The columns."""
    scores: Floats
    """0 to 1; NaN where it is missing."""
    costs: Floats
    """In dollars."""
    rows: dict[Crossing, Floats]
    """Features with the prior's word."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a way to choose saves."""

    at_95: float
    """Share of the best model's cost saved at 95 percent of its quality."""
    at_99: float
    """At 99 percent."""


def pooled(matrices: Sequence[Matrix], judge: Judge, notes: list[str], rows_max: int = ROWS_MAX) -> Pool | None:
    """Files that share their models; those of the largest such family, others are noted. None where none has costs."""
    families: dict[tuple[str, ...], list[Matrix]] = {}
    for matrix in matrices:
        known = [not np.isnan(matrix.costs[:, column]).all() for column in range(len(matrix.models))]
        names = tuple(sorted(name for name, is_known in zip(matrix.models, known, strict=True) if is_known))
        if len(names) >= 2:
            families.setdefault(names, []).append(matrix)
        else:
            notes.append(f"{matrix.name}: no costs of two models; left out of (d)")
    if not families:
        return None
    models, members = max(families.items(), key=lambda item: sum(len(matrix.prompts) for matrix in item[1]))
    notes += [f"{matrix.name}: other models than most files; left out of (d)" for names, others in families.items()
              if names != models for matrix in others]  # fmt: skip
    columns = [[matrix.models.index(model) for model in models] for matrix in members]
    prompts = [prompt for matrix in members for prompt in matrix.prompts]
    tasks = np.array([family(task) for matrix in members for task in matrix.tasks])
    scores = np.concatenate([matrix.scores[:, column] for matrix, column in zip(members, columns, strict=True)])
    costs = np.concatenate([matrix.costs[:, column] for matrix, column in zip(members, columns, strict=True)])
    kept = np.sort(np.random.default_rng(0).permutation(len(prompts))[:rows_max])
    if len(kept) < len(prompts):
        notes.append(f"(d): {len(kept)} of {len(prompts)} questions drawn")
    prompts, tasks = [prompts[row] for row in kept], tasks[kept]
    scores, costs = scores[kept], _filled(costs[kept], tasks)
    seen = seen_of(prompts)
    hand = np.array([each.hand for each in seen], np.float64)
    crossings: tuple[Crossing, ...] = ("question", "subject")
    rows = {c: np.concatenate([hand, judge.said(prompts, tasks.tolist(), seen, c)], axis=1) for c in crossings}
    return Pool(tuple(prompts), tasks, models, scores, costs, rows)


def family(task: str) -> str:
    """A benchmark's name without its part: MMLU's subjects are one task."""
    return task.partition("-")[0] if task.startswith(("mmlu", "mtbench")) else task.partition(".")[0]


def _filled(costs: Floats, tasks: np.ndarray) -> Floats:
    """Missing costs are the model's mean in the task, else over all."""
    filled = costs.copy()
    for part in [*(tasks == task for task in sorted(set(tasks.tolist()))), np.ones(len(tasks), np.bool_)]:
        for column in range(costs.shape[1]):
            known = costs[part, column]
            if not np.isnan(known).all():
                holes = part & np.isnan(filled[:, column])
                filled[holes, column] = np.nanmean(known)
    return filled


def in_domain(pool: Pool, seed: int, tick: Callable[[], None]) -> dict[str, Saved]:
    """All tasks in every fold; the mean of several divisions into folds, since one of them moves a figure by points."""
    found = []
    for division in range(seed, seed + DIVISIONS):
        part = np.random.default_rng(division).permutation(np.arange(len(pool.prompts)) % PARTS)
        curves = Curves(pool)
        for number in range(PARTS):
            curves.add(np.flatnonzero(part != number), np.flatnonzero(part == number), "question", division)
            tick()
        found.append(curves.saved())
    return {
        name: Saved(*(float(np.mean([getattr(each[name], level) for each in found])) for level in ("at_95", "at_99")))
        for name in found[0]
    }


def held_out(pool: Pool, seed: int, tick: Callable[[], None]) -> tuple[dict[str, Saved], float, float] | None:
    """Each task by the others; also the most points of quality, of 100, that ours lies under the zero-router's line.

    Returns:
        What is saved, over all tasks together; the worst distance from the zero-router that knows what ours knows; and
        that from the hull of the task itself, which nobody knows before. None where there is one task only.
    """
    names, counts = np.unique(pool.tasks, return_counts=True)
    if len(names) < 2:
        return None
    curves, below, hindsight = Curves(pool), 0.0, 0.0
    for task in names[np.argsort(-counts, kind="stable")][:TASKS_MAX]:
        tested = np.flatnonzero(pool.tasks == task)
        curves.add(np.flatnonzero(pool.tasks != task), tested, "subject", seed)
        below, hindsight = max(below, curves.below), max(hindsight, curves.below_hull)
        tick()
    return curves.saved(), below, hindsight


class Curves:
    """Adds up, price by price, what each way to choose would have cost and been worth."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sums: dict[str, list[np.ndarray]] = {}
        self._tested: list[np.ndarray] = []
        self.below = 0.0
        """Points under the zero-router in the part added last."""
        self.below_hull = 0.0
        """Points under the hull of that part."""

    def add(self, known: np.ndarray, tested: np.ndarray, crossing: Crossing, seed: int) -> None:
        """Learn from some rows, and choose on others."""
        pool = self._pool
        taught = Taught(pool, known, crossing, seed)
        cost, quality = taught.cost_mean, taught.quality_mean
        scores = np.nan_to_num(pool.scores[tested], nan=0.0)
        self._tested.append(tested)
        told, costs = taught.expected(tested)
        drawn = np.random.default_rng(seed).random(len(tested))
        ways = {
            "ours": lambda price: np.eye(len(cost))[np.argmax(told - price * costs, axis=1)],
            "oracle": lambda price: np.eye(len(cost))[np.argmax(scores - price * pool.costs[tested], axis=1)],
        }
        prices = _prices(cost)
        for name, policy in ways.items():
            self._sum(name, [policy(price) for price in prices], tested)
        budgets = np.linspace(cost.min(), cost.max(), PRICES)
        self._sum(
            "zero_router", [np.tile(choose.mix(cost, quality, each), (len(tested), 1)) for each in budgets], tested
        )
        self._sum("random", [_between(cost, drawn, part) for part in np.linspace(0, 1, PRICES)], tested)
        length = pool.rows[crossing][tested, 0]
        self._sum("length", [_longest(cost, quality, length, part) for part in np.linspace(0, 1, PRICES)], tested)
        self._compare(len(tested), cost, quality, tested)

    def _sum(self, name: str, policies: Sequence[Floats], tested: np.ndarray) -> None:
        scores = np.nan_to_num(self._pool.scores[tested], nan=0.0)
        sums = [((p * self._pool.costs[tested]).sum(), (p * scores).sum()) for p in policies]
        self._sums.setdefault(name, []).append(np.array(sums))

    def _compare(self, count: int, cost: Floats, quality: Floats, tested: np.ndarray) -> None:
        ours = self._sums["ours"][-1] / count
        single_cost, single = (
            self._pool.costs[tested].mean(axis=0),
            np.nan_to_num(self._pool.scores[tested]).mean(axis=0),
        )
        shares = [choose.mix(cost, quality, budget) for budget in np.linspace(cost.min(), cost.max(), 400)]
        line = [(float(share @ single_cost), float(share @ single)) for share in shares]
        best = list(zip(single_cost.tolist(), single.tolist(), strict=True))
        mine = np.array(metrics.hull([(float(paid), float(worth)) for paid, worth in ours]))
        self.below, self.below_hull = (_below(mine, np.array(metrics.hull(each))) for each in (line, best))

    def saved(self) -> dict[str, Saved]:
        """The share of cost saved by each way, over all that was tested."""
        tested = np.concatenate(self._tested)
        scores = np.nan_to_num(self._pool.scores[tested], nan=0.0).mean(axis=0)
        best = int(np.argmax(scores))
        paid = float(self._pool.costs[tested, best].mean())
        found = {}
        for name, sums in self._sums.items():
            points = [(float(cost), float(worth)) for cost, worth in np.sum(sums, axis=0) / len(tested)]
            found[name] = Saved(*(metrics.saved(points, paid, float(scores[best]), level) for level in LEVELS))
        return found


class Taught:
    """What is learned from some rows of a pool, and what that expects of others."""

    def __init__(self, pool: Pool, known: np.ndarray, crossing: Crossing, seed: int) -> None:
        self._pool, self._rows = pool, pool.rows[crossing]
        self.cost_mean = pool.costs[known].mean(axis=0)
        self.quality_mean = np.nan_to_num(np.nanmean(pool.scores[known], axis=0))
        self._segments = tuple(sorted(set(pool.tasks[known].tolist())))
        self._cost_of = {name: pool.costs[known][pool.tasks[known] == name].mean(axis=0) for name in self._segments}
        self._heads, self._guard = self._learn(known, seed)

    def _learn(self, known: np.ndarray, seed: int) -> tuple[Heads, Guard]:
        pool, place = self._pool, {name: number for number, name in enumerate(self._segments)}
        question, taken = np.nonzero(~np.isnan(pool.scores[known]))
        lessons = Lessons(
            rows=self._rows[known][question],
            taken=taken,
            scores=pool.scores[known][question, taken],
            weights=np.ones(len(question)),
            segment=np.array([place[name] for name in pool.tasks[known]])[question],
            models=pool.models,
            segments=self._segments,
            configured=np.full(len(pool.models), 0.75),
            origin=question,
        )
        rng = np.random.default_rng(seed)
        anchor, free = self._crossed(lessons, known, rng.permutation(np.arange(len(known)) % FOLDS), seed)
        trust = Trust(trust_of(lessons, anchor[question], free[question]), np.zeros(len(pool.models)))
        told = 1 / (1 + np.exp(-(anchor + trust.seen * (free - anchor))))
        apart = told
        if len(self._segments) >= SEGMENTS_MIN:
            by_task = np.array([place[name] for name in pool.tasks[known]]) % FOLDS
            anchor, free = self._crossed(lessons, known, by_task, seed, is_unknown=True)
            trust = Trust(trust.seen, trust_of(lessons, anchor[question], free[question], is_unseen=True))
            apart = 1 / (1 + np.exp(-(anchor + trust.unseen * (free - anchor))))
        one, even = np.zeros(len(known), np.intp), np.full(len(known), 1 / len(pool.models))
        every = np.where(np.isnan(pool.scores[known]), told, pool.scores[known])
        guard = guarded(
            Logged(one, every[:, 0], even, told, every),
            Logged(one, every[:, 0], even, apart, every),
            pool.tasks[known],
            pool.models,
            self.cost_mean,
            configured=lessons.configured,
        )
        return heads_of(lessons, trust, seed=seed), guard

    def _crossed(
        self, lessons: Lessons, known: np.ndarray, folds: np.ndarray, seed: int, *, is_unknown: bool = False
    ) -> tuple[Floats, Floats]:
        """As `fit.crossed`, but each question is read once for all models."""
        shape = (len(known), len(lessons.models))
        anchor, free = np.zeros(shape), np.zeros(shape)
        place = {name: number for number, name in enumerate(self._segments)}
        segment = np.array([place[name] for name in self._pool.tasks[known]])
        for fold in range(FOLDS):
            tried = np.flatnonzero(folds == fold)
            heads = heads_of(lessons.at(np.flatnonzero(folds[lessons.origin] != fold)), no_trust(shape[1]), seed=seed)
            at = np.full(len(tried), -1) if is_unknown else segment[tried]
            anchor[tried] = heads.anchors(self._rows[known[tried]], at, lessons.configured)
            free[tried] = heads.free(self._rows[known[tried]])
        return anchor, free

    def expected(self, tested: np.ndarray) -> tuple[Floats, Floats]:
        """Quality and cost of each model (columns) on other rows, as `Learned.rated` has it."""
        pool = self._pool
        place = {name: number for number, name in enumerate(self._segments)}
        tasks = pool.tasks[tested].tolist()
        segment = np.array([place.get(name, -1) for name in tasks], np.intp)
        logits = self._heads.logits(self._rows[tested], segment, np.full(len(pool.models), 0.75))
        told = 1 / (1 + np.exp(-logits))
        told = np.array(
            [
                self._guard.mixed(name, pool.models, row, self.quality_mean)
                for name, row in zip(tasks, told, strict=True)
            ]
        )
        return told, np.array([self._cost_of.get(name, self.cost_mean) for name in tasks])


def _below(ours: Floats, other: Floats) -> float:
    """Most points of quality, of 100, that a curve lies under another at a cost that both reach."""
    costs = np.unique(np.concatenate([ours[:, 0], other[:, 0]]))
    costs = costs[costs >= max(ours[0, 0], other[0, 0]) - 1e-12]
    under = np.interp(costs, other[:, 0], other[:, 1]) - np.interp(costs, ours[:, 0], ours[:, 1])
    return 100 * float(max(0.0, under.max(initial=0.0)))


def _prices(cost: Floats) -> Floats:
    """From the best at any price to the cheapest."""
    spread = float(cost.max() - cost.min()) or 1.0
    return np.concatenate([[0.0], np.geomspace(1e-3, 1e3, PRICES - 1) / spread])


def _between(cost: Floats, drawn: Floats, part: float) -> Floats:
    """The dearest model for a share of the questions, drawn; else the cheapest."""
    return np.where(
        (drawn < part)[:, None], np.eye(len(cost))[int(np.argmax(cost))], np.eye(len(cost))[int(np.argmin(cost))]
    )


def _longest(cost: Floats, quality: Floats, length: Floats, part: float) -> Floats:
    """The best model for a share of the questions, the longest; else the cheapest."""
    threshold = np.quantile(length, 1 - part)
    eye = np.eye(len(cost))
    return np.where((length >= threshold)[:, None], eye[int(np.argmax(quality))], eye[int(np.argmin(cost))])
