"""Makes what is learned anew from logged outcomes. For a process of its own: scikit-learn takes seconds and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.drift import drifted
from ringfenced.learn.fit_heads import Lessons, Trust, heads_of, no_trust, trust_of
from ringfenced.learn.guard import SEGMENTS_MIN, costs_of, guarded
from ringfenced.learn.heads import HEADS_MAX, SEGMENTS_MAX
from ringfenced.learn.learned import Learned
from ringfenced.learn.outcome import Outcome
from ringfenced.learn.owners import Floats, capped
from ringfenced.learn.projection import row_of
from ringfenced.learn.replay import Logged

HALF_LIFE_S: Final = 90 * 86400
"""Age at which an outcome counts half: models behind a name change within months, tasks with the seasons."""
LABELS_MIN: Final = 20
"""Fewest labels that a head is made from."""
WEIGHT_MAX: Final = 10.0
"""Most that an outcome counts for having been improbable."""
EMBEDDED_MIN: Final = 100
"""Fewest outcomes with an embedding's numbers from which these are learned from: 25 columns for fewer are noise."""
FOLDS: Final = 3
"""Parts of the outcomes that are each judged by what was learned from the others."""
BEFORE_DRIFT: Final = 0.2
"""What an outcome counts that came before its model changed."""
UNKNOWN: Final = 0.5
"""Quality of a model that is not configured."""


def fit(
    outcomes: Sequence[Outcome], *, configured: Mapping[str, float], costs: Mapping[str, float], seed: int
) -> Learned:
    """Make what is learned from all that is logged.

    Args:
        outcomes: in any order. Those with features of another length than the newest's, and with a propensity or a
            score out of range, are left out.
        configured: quality of each model as configured, 0 to 1; `UNKNOWN` for one that is not named.
        costs: of each model for a request, in microcredits; the mean of the outcomes for one that is not named.
        seed: of folds and trees; the same outcomes and seed give the same bytes.
    """
    kept = _usable(outcomes)
    if not kept:
        return Learned.cold(configured)
    lessons = lessons_of(kept, configured)
    if not lessons.models:
        return Learned.cold(configured)
    folds = np.random.default_rng(seed).permutation(np.arange(len(lessons.rows)) % FOLDS)
    trust, logits, apart = tried(lessons, folds, seed=seed)
    lessons = _without_drifted(lessons, logits)
    heads = heads_of(lessons, trust, seed=seed)
    propensity = np.array([outcome.propensity for outcome in kept])[lessons.origin]
    paid = np.array([float(outcome.cost_microcredits) for outcome in kept])[lessons.origin]
    counted, overall = _counted(lessons)
    guard = guarded(
        Logged(lessons.taken, lessons.scores, propensity, 1 / (1 + np.exp(-logits)), weight=counted),
        Logged(lessons.taken, lessons.scores, propensity, 1 / (1 + np.exp(-apart)), weight=counted),
        np.array([lessons.segments[place] for place in lessons.segment]),
        lessons.models,
        costs_of(lessons.models, costs, lessons.taken, paid),
        configured=lessons.configured,
        overall=overall,
    )
    return Learned(heads, guard, MappingProxyType(dict(configured)), len(kept), kept[-1].at_unix_s)


def lessons_of(outcomes: Sequence[Outcome], configured: Mapping[str, float]) -> Lessons:
    """Outcomes as arrays; those of models with too few are left out, and those of the rarest segments.

    No owner counts for more than its share (`owners.capped`). Callers name tasks, so that one of them alone can make
    any number of segments: `SEGMENTS_MAX` are learned of.

    Args:
        outcomes: by time, with features of one length.
        configured: quality of each model.
    """
    tally = Counter(outcome.segment for outcome in outcomes)
    segments = tuple(sorted(sorted(tally, key=lambda name: (-tally[name], name))[:SEGMENTS_MAX]))
    places = {name: place for place, name in enumerate(segments)}
    count = Counter(outcome.model for outcome in outcomes if outcome.segment in places)
    enough = sorted((model for model in count if count[model] >= LABELS_MIN), key=lambda model: (-count[model], model))
    models = tuple(sorted(enough[:HEADS_MAX]))
    origin = np.array([at for at, one in enumerate(outcomes) if one.model in models and one.segment in places], np.intp)
    mine = [outcomes[place] for place in origin]
    newest, space = outcomes[-1].at_unix_s, newest_space(mine)
    weights = [
        0.5 ** ((newest - outcome.at_unix_s) / HALF_LIFE_S) * min(1 / outcome.propensity, WEIGHT_MAX) ** 0.5
        for outcome in mine
    ]
    numbers = {owner: number for number, owner in enumerate(sorted({outcome.owner for outcome in mine}))}
    lessons = Lessons(
        rows=np.array([row_of(outcome.features, space) for outcome in mine], np.float64),
        taken=np.array([models.index(outcome.model) for outcome in mine], np.intp),
        scores=np.array([outcome.score for outcome in mine], np.float64),
        weights=np.array(weights, np.float64),
        segment=np.array([places[outcome.segment] for outcome in mine], np.intp),
        models=models,
        segments=segments,
        configured=np.array([configured.get(model, UNKNOWN) for model in models], np.float64),
        origin=origin,
        space=space,
        owner=np.array([numbers[outcome.owner] for outcome in mine], np.intp) if len(numbers) > 1 else None,
    )
    return lessons.weighing(lessons.weights)


def _counted(lessons: Lessons) -> tuple[Floats | None, Floats | None]:
    """What each row counts in its segment, and over all of them; None where all count the same.

    Here rows count one each: how old they are and how improbable is the replay's affair.
    """
    if lessons.owner is None:
        return None, None
    counted = capped(np.ones(len(lessons.rows)), lessons.owner, lessons.cells())
    return counted, capped(counted, lessons.owner, lessons.taken)


def newest_space(outcomes: Sequence[Outcome]) -> int:
    """The space of embeddings that is learned from: the newest, once enough outcomes are in it; 0 for none.

    Args:
        outcomes: by time. Those without numbers in the space stay: they count as zeros with a mark.
    """
    spaces = [outcome.features.space for outcome in outcomes]
    newest = next((space for space in reversed(spaces) if space), 0)
    return newest if spaces.count(newest) >= EMBEDDED_MIN else 0


def tried(
    lessons: Lessons, folds: NDArray[np.intp], *, seed: int
) -> tuple[Trust, NDArray[np.float64], NDArray[np.float64]]:
    """How far regressions and trees are to be trusted, and what heads with that trust say of rows new to them.

    Args:
        lessons: all.
        folds: the part that each row is in.
        seed: of the trees.

    Returns:
        The trust; log-odds by heads that did not learn from the row; and by heads that did not learn from its segment,
        where there are segments enough, else by anchors alone.
    """
    anchor, free = crossed(lessons, folds, seed=seed)
    seen = trust_of(lessons, anchor, free)
    logits = anchor + seen * (free - anchor)
    unseen = np.zeros(len(lessons.models))
    if len(lessons.segments) < SEGMENTS_MIN:
        return Trust(seen, unseen), logits, anchor
    anchor, free = crossed(lessons, lessons.segment % FOLDS, seed=seed, is_unseen=True)
    unseen = trust_of(lessons, anchor, free, is_unseen=True)
    return Trust(seen, unseen), logits, anchor + unseen * (free - anchor)


def crossed(
    lessons: Lessons, folds: NDArray[np.intp], *, seed: int, is_unseen: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What anchors, and what regressions with trees, say of rows that they did not learn from, in log-odds.

    Args:
        lessons: all.
        folds: the part that each row is in.
        seed: of the trees.
        is_unseen: whether each row counts as one of a segment that nothing is known of.
    """
    shape = (len(lessons.rows), len(lessons.models))
    anchor, free = np.zeros(shape), np.zeros(shape)
    for fold in range(FOLDS):
        mine = np.flatnonzero(folds == fold)
        heads = heads_of(lessons.at(np.flatnonzero(folds != fold)), no_trust(shape[1]), seed=seed)
        segment = np.full(len(mine), -1, np.intp) if is_unseen else lessons.segment[mine]
        anchor[mine] = heads.anchors(lessons.rows[mine], segment, lessons.configured)
        free[mine] = heads.free(lessons.rows[mine])
    return anchor, free


def _without_drifted(lessons: Lessons, logits: NDArray[np.float64]) -> Lessons:
    """The same, in which little counts what came before a model changed."""
    weights = lessons.weights.copy()
    for model in range(len(lessons.models)):
        own = np.flatnonzero(lessons.taken == model)
        began = drifted(lessons.scores[own], 1 / (1 + np.exp(-logits[own, model])))
        if began is not None:
            weights[own[:began]] *= BEFORE_DRIFT
    return lessons.weighing(weights)


def _usable(outcomes: Sequence[Outcome]) -> list[Outcome]:
    sound = [
        outcome
        for outcome in outcomes
        if 0 <= outcome.score <= 1 and 0 < outcome.propensity <= 1 and "\n" not in outcome.model + outcome.segment
    ]
    ordered = sorted(sound, key=lambda outcome: (outcome.at_unix_s, outcome.model, outcome.segment, outcome.owner))
    columns = len(ordered[-1].features.hand) if ordered else 0
    return [outcome for outcome in ordered if len(outcome.features.hand) == columns]
