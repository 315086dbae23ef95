"""How learning stands, as the node tells it to operators; values without content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model's answers to one kind of request."""

    model: str
    """The model."""
    answers: int = 0
    """Answers that are kept."""
    labelled: int = 0
    """Those of them with a score."""
    rated: int = 0
    """Those of them whose caller gave it."""
    score: float | None = None
    """Mean of the scores, 0 to 1; None without one."""
    quality_configured: float | None = None
    """Expected quality as configured; None for a model that the configuration names no more."""
    quality: float | None = None
    """As learned; None where nothing was."""
    uncertainty: float | None = None
    """A standard deviation of that."""


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """One kind of request."""

    name: str
    """A task's name, or a coarse kind that begins with ``~``."""
    guarded: bool
    """The learned score of a single request is not used here."""
    why: str
    """Why, for people."""
    models: tuple[ModelFacts, ...]
    """By model."""


@dataclass(frozen=True, slots=True)
class VerifierFacts:
    """How the verifier of answers stands: as it ships, or as this site has taught it."""

    refitted: bool = False
    """Whether answers are judged by what was learned here; by what ships otherwise."""
    labels: int = 0
    """Answers that the last refit had, of those that the verifier has read and somebody said how good they are."""
    rank_refitted: float | None = None
    """How often the refitted one puts the better of two answers above the other, of answers that it did not learn from,
    0 to 1; None where that cannot be told."""
    rank_shipped: float | None = None
    """How often the shipped one does."""
    why: str = "nothing was learned yet"
    """Why it is the one or the other, for people."""


NO_VERIFIER: Final = VerifierFacts()
"""Of a site that has learned nothing yet."""


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """The whole."""

    learns: bool
    """Whether this node learns."""
    failure: str = ""
    """Why nothing is learned at present; empty while it is."""
    refits: int = 0
    """How many refits there were."""
    refitted_at_unix_s: int = 0
    """The last one, in Unix seconds; 0 for none."""
    outcomes: int = 0
    """How many outcomes that was made from."""
    seconds: float = 0.0
    """How long it took."""
    explore: float = 0.0
    """Share of requests that may try another target than the best."""
    drifting: tuple[str, ...] = ()
    """Models whose answers are no longer as they were expected, since the last refit."""
    keep_days: int = 0
    """How long requests are kept, and feedback on them is taken."""
    segments: tuple[SegmentFacts, ...] = ()
    """By kind of request, those with the most answers first."""
    verifier: VerifierFacts = NO_VERIFIER
    """How the verifier of answers stands."""
