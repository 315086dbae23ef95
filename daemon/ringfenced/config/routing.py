"""How targets are chosen among those that are allowed: the section ``[routing]`` of the daemon's file."""

from __future__ import annotations

from pydantic import Field

from ringfence.configfile import Section
from ringfence.labels import Level
from ringfenced.config.types import Levels, Name, Share


class Routing(Section):
    """How targets are chosen among those that are allowed, good enough and in time."""

    good_answer_microcredits: float = Field(default=0.0, ge=0, le=1e12)
    """What an answer that is good rather than not is worth to the site, in microcredits: the target with the best
    expected worth, less its cost, is taken. 0 takes the cheapest that is good enough."""
    deterministic: bool = False
    """Decide without chance: no exploration, the same inputs give the same decision without a recorded draw."""
    learn: bool = True
    """Learn from outcomes how good each target's answers are; nothing of their content is kept."""
    learn_label_max: Levels = Level.CONFIDENTIAL
    """Requests above this level teach nothing, and nothing of them is kept. Of RESTRICTED ones, where it says so,
    counts of their form are kept and no hashed words."""
    embedder: Name | None = None
    """A model of [[models]] with ``embeddings = true`` that says more of prompts than their form does; 24 scrambled
    numbers of each are kept (docs/learning.md), of RESTRICTED ones none. Without one nothing is embedded."""
    embedder_chars: int = Field(default=2000, ge=1, le=100_000)
    """How much of a prompt's end it reads, in characters; fewer where it runs on a CPU (docs/learning.md)."""
    embedder_ms: float = Field(default=100.0, gt=0, le=10_000)
    """How long a request waits for it, in milliseconds; never more than a quarter of its remaining time."""
    explore: Share = 0.02
    """Share of requests that may try another target than the best, to learn of it; never one that is not allowed, nor
    dearer than the caller's ceiling."""
    refit_labels_min: int = Field(default=50, ge=1, le=1_000_000)
    """So many answers must have been said to be good or bad before anything is learned of them, and between two
    refits; later ones take a quarter more than the last."""
    keep_days: int = Field(default=90, ge=1, le=3650)
    """How long outcomes are kept, and feedback on them is taken."""
    keep_outcomes: int = Field(default=200_000, ge=100, le=10_000_000)
    """Most outcomes that are kept; the oldest go first."""
    keep_decisions_mb: int = Field(default=16, ge=0, le=100_000)
    """Size of the record of decisions, without content, that ``ringfence policy diff`` replays; 0 keeps none."""
    hedge_after_ms: float = Field(default=0.0, ge=0)
    """Start a second local target where an interactive request has no first token after so many milliseconds; 0 for
    never."""
