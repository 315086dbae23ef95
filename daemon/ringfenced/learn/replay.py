"""What another way to choose would have been worth, from logged outcomes of the models that were taken.

Doubly robust (Dudík, Langford and Li, Doubly Robust Policy Evaluation and Learning, ICML 2011): a model of the scores
says what each choice would have brought; where the logged choice is one that the policy would take, the difference
between its outcome and what the model said corrects it, weighed by the inverse of its logged probability. The estimate
is right where either the model or the probabilities are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WEIGHT_MAX: Final = 20.0
"""Most that one outcome counts: a bound on variance, at the price of some bias towards the model's word."""
Z_90: Final = 1.282
"""Standard errors below the estimate that the truth exceeds with a probability of 90 percent (normal)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and how sure it is."""

    mean: float
    """What is estimated."""
    error: float
    """Its standard error; infinity where nothing was logged."""
    rows: int
    """From so many outcomes."""

    @property
    def low(self) -> float:
        """What it exceeds with a probability of 90 percent."""
        return self.mean - Z_90 * self.error if np.isfinite(self.error) else float("-inf")


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Outcomes as arrays; a row each."""

    taken: NDArray[np.intp]
    """The place of the model that answered."""
    score: Floats
    """0 to 1."""
    propensity: Floats
    """Its logged probability."""
    modelled: Floats
    """What was expected of each model (columns), by something that did not learn from the row."""

    every: Floats | None = None
    """The score of each model (columns) where all of them answered: nothing has to be estimated then."""
    weight: Floats | None = None
    """What each row counts; None where all count the same."""

    def at(self, rows: NDArray[np.intp]) -> Logged:
        """Some of the rows."""
        every, weight = (None if each is None else each[rows] for each in (self.every, self.weight))
        return Logged(self.taken[rows], self.score[rows], self.propensity[rows], self.modelled[rows], every, weight)


def robust(policy: Floats, logged: Logged) -> Floats:
    """Each row's doubly robust share in a policy's value.

    Args:
        policy: probability of each model (columns) for each row.
        logged: what was seen.
    """
    if logged.every is not None:
        seen: Floats = (policy * logged.every).sum(axis=1)
        return seen
    rows = np.arange(len(logged.taken))
    weight = np.minimum(policy[rows, logged.taken] / logged.propensity, WEIGHT_MAX)
    said: Floats = (policy * logged.modelled).sum(axis=1)
    return said + weight * (logged.score - logged.modelled[rows, logged.taken])


def estimate(shares: Floats, weight: Floats | None = None) -> Estimate:
    """The mean of such shares.

    Args:
        shares: of each row.
        weight: what each row counts; None where all count the same.
    """
    count = len(shares)
    if weight is not None:
        return _weighted(shares, weight)
    error = float(shares.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")
    return Estimate(float(shares.mean()) if count else 0.0, error, count)


def _weighted(shares: Floats, weight: Floats) -> Estimate:
    """The same with unequal weights; there are as many rows as equal ones would be as sure (Kish, Survey Sampling)."""
    total = float(weight.sum())
    if total <= 0:
        return Estimate(0.0, float("inf"), 0)
    part = weight / total
    mean, worth = float(part @ shares), 1 / float(part @ part)
    spread = float(part @ (shares - mean) ** 2)
    error = float(np.sqrt(spread / (worth - 1))) if worth > 1 else float("inf")
    return Estimate(mean, error, int(worth))


def value(policy: Floats, logged: Logged) -> Estimate:
    """What a policy is worth."""
    return estimate(robust(policy, logged), logged.weight)


def means(logged: Logged) -> Floats:
    """The worth of each model, always taken."""
    models = logged.modelled.shape[1]
    each = [robust(np.tile(np.eye(models)[model], (len(logged.taken), 1)), logged) for model in range(models)]
    return np.array(
        [shares.mean() if logged.weight is None else estimate(shares, logged.weight).mean for shares in each]
    )
