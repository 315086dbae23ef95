"""A made-up site: prompts as numbers, and models that are good at some of them."""

from dataclasses import replace

import numpy as np

from ringfenced.learn.heads import Heads
from ringfenced.learn.outcome import Features, Outcome
from ringfenced.learn.trees import no_trees

COLUMNS = 20
"""Hand features; the last eight are the prior's word."""


def features(rng, hard=None):
    """A prompt; the first feature says how hard it is."""
    hand = rng.normal(size=COLUMNS).astype(np.float32)
    hand[-8:] = 0
    if hard is not None:
        hand[0] = 2.0 if hard else -2.0
    return Features(hand, np.zeros(0, np.uint32), np.zeros(0, np.float32))


def heads(models=("a", "b"), trust=0.5, **parts):
    """Heads without trees, the further down the list the better; `parts` instead of what stands here."""
    count = len(models)
    linear = np.zeros((count, COLUMNS + 1))
    linear[:, -1] = np.arange(count) - 0.5
    made = Heads(
        models=tuple(models),
        segments=("s",),
        mean=np.zeros(COLUMNS),
        scale=np.ones(COLUMNS),
        linear=linear,
        trees=tuple(no_trees(0.0) for _ in models),
        labels=np.full(count, 100.0),
        trust=np.full(count, trust),
        trust_unseen=np.zeros(count),
        shift=np.zeros(count),
        slope=np.ones(count),
        by_segment=np.full((count, 1), 1.0),
    )
    return replace(made, **parts)


def outcomes(count, truth, *, seed=0, segments=("notes",), explore=0.5, days=10):
    """A log: `truth` gives a model's chance of a good answer by its name, whether it is hard, and the segment."""
    rng = np.random.default_rng(seed)
    models = ("cheap", "dear")
    made = []
    for number in range(count):
        hard, segment = bool(rng.random() < 0.5), segments[number % len(segments)]
        model = models[int(rng.random() >= 1 - explore)]
        made.append(
            Outcome(
                features=features(rng, hard),
                segment=segment,
                model=model,
                score=float(rng.random() < truth(model, hard, segment)),
                propensity=explore if model == "dear" else 1 - explore,
                cost_microcredits=100 if model == "cheap" else 1000,
                at_unix_s=1_700_000_000 + number * days * 86_400 // count,
                kind="evaluator",
            )
        )
    return made


def rated(learned, hard, *, segment="notes", models=("cheap", "dear"), configured=(0.5, 0.9), seed=7):
    """What is expected of the models for a hard or an easy prompt."""
    asked = features(np.random.default_rng(seed), hard)
    return learned.rated(asked, segment, models, np.array(configured))
