"""Whether a verifier that this site has taught judges: only where it ranks answers no worse than the one that ships.

Both are compared on answers that the one did not learn from: labels are dealt into parts by request, each part is
judged by what was learned from the others, and within each part it is counted how often the better of two answers is
put above the other (the area under the ROC curve, for scores between 0 and 1 and labels of unequal trust).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.outcome import Features
from ringfenced.learn.owners import capped
from ringfenced.learn.verifier import Floats, Verifier
from ringfenced.learn.verifier_fit import Judged, refit

__all__ = ["LABELS_MIN", "PARTS", "Chosen", "choose"]

LABELS_MIN: Final = 20
"""With fewer labels the shipped one stays; as many as the first refit takes where outcomes come in a stream."""
PARTS: Final = 5
"""Into how many parts the labels are dealt."""
DEALS: Final = 4
"""How often they are dealt where there are few: one deal is then mostly chance."""
DEALS_LABELS_MAX: Final = 200
"""Up to so many labels they are dealt several times."""

_Bools = NDArray[np.bool_]


class Chosen(NamedTuple):
    """Which verifier judges."""

    verifier: Verifier | None
    """The refitted one; None where the shipped one stays."""
    facts: VerifierFacts
    """Why."""


def choose(shipped: Verifier, judged: Sequence[Judged], seen: Sequence[Features] = (), *, seed: int = 0) -> Chosen:
    """Refit the shipped verifier, and use that where it ranks held-out answers no worse.

    Args:
        shipped: the prior, never one that was refitted.
        judged: answers and their worth, in any order; no owner counts for more than its share (`owners.capped`).
        seen: other answers of the site, without labels (`verifier_fit.refit`).
        seed: of the parts and the trees.

    Returns:
        The same for the same arguments.
    """
    labels = len(judged)
    if labels < LABELS_MIN:
        return Chosen(None, VerifierFacts(labels=labels, why=f"too few labels, it takes {LABELS_MIN}"))
    judged, wins, pairs = _shared(judged), np.zeros(2), 0.0
    before = shipped.judged_all([one.features for one in judged])[0]
    for held in _parts(judged, seed):
        rest = [one for one, is_held in zip(judged, held, strict=True) if not is_held]
        rows = [one for one, is_held in zip(judged, held, strict=True) if is_held]
        after = refit(shipped, rest, seen, seed=seed).judged_all([one.features for one in rows])[0]
        score = np.array([one.score for one in rows])
        weight = np.array([one.weight for one in rows])
        won, compared = _ordered(np.stack((after, before[held])), score, weight)
        wins, pairs = wins + won, pairs + compared
    if not pairs:
        return Chosen(None, VerifierFacts(labels=labels, why="all labels are alike, so that nothing can be ranked"))
    refitted_rank, shipped_rank = (round(float(won / pairs), 4) for won in wins)
    is_used = bool(wins[0] >= wins[1])
    figures = f"{refitted_rank:.2f} refitted, {shipped_rank:.2f} as shipped, of answers that it did not learn from"
    why = f"it ranks answers {'no worse' if is_used else 'worse'}: {figures}"
    facts = VerifierFacts(is_used, labels, refitted_rank, shipped_rank, why)
    return Chosen(refit(shipped, judged, seen, seed=seed) if is_used else None, facts)


def _shared(judged: Sequence[Judged]) -> Sequence[Judged]:
    """The same, the labels of an owner that has more than its share for less: there is one verifier for all."""
    _, owners = np.unique([one.owner.hex() for one in judged], return_inverse=True)
    weights = np.array([one.weight for one in judged])
    counted = capped(weights, owners, np.zeros(len(judged), np.intp))
    if counted is weights:
        return judged
    return [replace(one, weight=float(weight)) for one, weight in zip(judged, counted, strict=True)]


def _parts(judged: Sequence[Judged], seed: int) -> Iterator[_Bools]:
    """Which answers are held out, for each part of each deal; those to one request stay together."""
    chance = np.random.default_rng(seed)
    requests, of = np.unique([one.request for one in judged], return_inverse=True)
    for _ in range(DEALS if len(judged) <= DEALS_LABELS_MAX else 1):
        part = chance.permutation(len(requests)) % PARTS
        for number in range(PARTS):
            held: _Bools = part[of] == number
            if held.any() and not held.all():
                yield held


def _ordered(good: Floats, score: Floats, weight: Floats) -> tuple[Floats, float]:
    """How much of all differences between scores is ranked as it is, for each row of `good`, and how much there is."""
    gap = np.maximum(score[:, None] - score[None], 0) * weight[:, None] * weight[None]
    wins = np.array([(gap * ((one[:, None] > one[None]) + 0.5 * (one[:, None] == one[None]))).sum() for one in good])
    return wins, float(gap.sum())
