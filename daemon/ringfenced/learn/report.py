"""What a refit made of the outcomes, for people and metrics: figures by kind of request and model, no content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

import numpy as np

from ringfenced.learn.facts import NO_VERIFIER, VerifierFacts
from ringfenced.learn.guard import UNSEEN, Guard
from ringfenced.learn.lineup import Rated
from ringfenced.learn.outcome import Features, Float32s, Outcome

SEGMENTS_MAX: Final = 1024
"""Most segments that are reported: callers name tasks, and every worker reads the report."""

SAMPLE: Final = 200
"""Requests of a kind, the newest, over which expectations are averaged."""


class Rater(Protocol):
    """What was learned, as it is applied."""

    def rated(self, features: Features, segment: str, models: Sequence[str], quality_configured: Float32s) -> Rated:
        """What is expected of each of `models`, which has its configured quality in the same place."""
        ...


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One model's answers to one kind of request."""

    model: str
    """The model."""
    outcomes: int
    """How many had a score."""
    score: float
    """The mean of these, 0 to 1."""
    quality: float
    """What is expected of it now, 0 to 1, over the newest requests of the kind."""
    uncertainty: float
    """A standard deviation of that expectation."""
    learned: bool
    """Whether that was learned; configured otherwise."""


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """One kind of request."""

    name: str
    """A task's name, or a coarse kind that begins with ``~``."""
    guarded: bool
    """The learned score of a single request is not used: it was not shown to be better than the models' means."""
    why: str
    """Why, for people."""
    models: tuple[ModelReport, ...]
    """Every model that answered."""


@dataclass(frozen=True, slots=True)
class Report:
    """A refit."""

    version: int
    """How many refits there were, this one included; 0 for none."""
    fitted_at_unix_s: int
    """When, in Unix seconds; 0 for never."""
    outcomes: int
    """How many outcomes it was made from."""
    labels: int
    """How many labels there had ever been by then."""
    seconds: float
    """How long it took."""
    segments: tuple[SegmentReport, ...]
    """By kind of request."""
    verifier: VerifierFacts = NO_VERIFIER
    """Of answers."""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Report:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, LookupError: it is something else.
        """
        segments = tuple(
            SegmentReport(**{**segment, "models": tuple(ModelReport(**model) for model in segment["models"])})
            for segment in said["segments"]
        )
        return cls(**{**said, "segments": segments, "verifier": VerifierFacts(**said["verifier"])})

    def quality_by_model(self) -> dict[str, float]:
        """What is expected of each model over all kinds of requests, weighed by how often it was asked."""
        sums: dict[str, tuple[float, int]] = {}
        for segment in self.segments:
            for one in segment.models:
                if one.learned:
                    total, count = sums.get(one.model, (0.0, 0))
                    sums[one.model] = (total + one.quality * one.outcomes, count + one.outcomes)
        return {model: total / count for model, (total, count) in sums.items() if count}


NO_REPORT: Final = Report(0, 0, 0, 0, 0.0, ())
"""Of a site that has learned nothing yet."""


def segments_of(
    learned: Rater, guard: Guard, outcomes: Sequence[Outcome], configured: Mapping[str, float]
) -> tuple[SegmentReport, ...]:
    """What the outcomes come to, and what is expected of each model now; of the `SEGMENTS_MAX` most usual segments.

    Args:
        learned: what was made of them.
        guard: in which kinds of request that may be believed.
        outcomes: oldest first.
        configured: each model's configured quality; of one that is not there it is 0.
    """
    by_segment: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_segment.setdefault(outcome.segment, []).append(outcome)
    return tuple(
        _segment(name, learned, guard, rows, configured)
        for name, rows in sorted(by_segment.items(), key=lambda item: (-len(item[1]), item[0]))[:SEGMENTS_MAX]
    )


def _segment(
    name: str, learned: Rater, guard: Guard, outcomes: Sequence[Outcome], configured: Mapping[str, float]
) -> SegmentReport:
    scores: dict[str, list[float]] = {}
    for outcome in outcomes:
        scores.setdefault(outcome.model, []).append(outcome.score)
    models = sorted(scores)
    priors = np.array([configured.get(model, 0.0) for model in models], np.float32)
    rated = [learned.rated(outcome.features, name, models, priors) for outcome in outcomes[-SAMPLE:]]
    quality = np.mean([one.quality for one in rated], axis=0)
    uncertainty = np.mean([one.uncertainty for one in rated], axis=0)
    rows = tuple(
        ModelReport(
            model=model,
            outcomes=len(scores[model]),
            score=_rounded(np.mean(scores[model])),
            quality=_rounded(quality[at]),
            uncertainty=_rounded(uncertainty[at]),
            learned=bool(rated[-1].learned[at]),
        )
        for at, model in enumerate(models)
    )
    return SegmentReport(name, not guard.is_trusted(name), why_guarded(guard, name), rows)


def why_guarded(guard: Guard, segment: str) -> str:
    """Why the learned scores of single requests are used in a kind of request, or are not; for people."""
    name = segment if segment in guard.segments else UNSEEN
    if name not in guard.segments:
        return "nothing is known of it"
    place = guard.segments.index(name)
    gain, error = float(guard.gain[place]), float(guard.error[place])
    if not np.isfinite(error):
        return "too few outcomes to tell"
    figures = f"{gain:+.3f} ± {error:.3f} against the best mix of models"
    return f"better, {figures}" if guard.is_trusted(segment) else f"not shown to be better, {figures}"


def _rounded(figure: np.floating[Any]) -> float:
    return round(float(figure), 4)
