"""What is known before a site has learned anything: how hard a question looks for a weak and for a strong model.

Trained once on public questions with two models' right and wrong answers (`models/routing`), shipped as `prior.npz`.
Three voices are averaged: boosted trees on the hand features, a logistic regression on them, and a ridge regression on
hashed words. A model between the two, or beyond them, is placed by its configured quality.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.forest import Forest, forest_of
from ringfenced.learn.outcome import BadState, Float32s, Uint32s
from ringfenced.learn.packed import Arrays, pack, unpack
from ringfenced.learn.trees import Trees

PRIOR: Final = Path(__file__).with_name("prior.npz")
"""The shipped one."""
WORD_BITS: Final = 16
"""Bits of a word's hash that find its weight."""
SAID: Final = 8
"""Numbers in what the prior says: three voices on the weak and the strong model each, and the logits of their means."""
CLIP: Final = 4.0
"""Standard deviations beyond which a feature counts no further."""
SURE: Final = 0.02
"""No voice is surer than this."""
WEAK_QUALITY: Final = 0.6
"""A configured quality at and under which a model is as the weak one."""
STRONG_QUALITY: Final = 0.9
"""One from which it is as the strong one."""
SPREAD_KEPT: Final = 0.85
"""How much of a question's difficulty is believed for a model of which nothing is known but its configured quality."""


_OTHER_FEATURES = "the prior was trained on other features; install the one that comes with this version"


@dataclass(frozen=True, eq=False)
class Prior:
    """Weights; nothing in it comes from a site."""

    mean: NDArray[np.float64]
    """Of each hand feature, where it was trained."""
    scale: NDArray[np.float64]
    """Its standard deviation there."""
    form: NDArray[np.float64]
    """The logistic regression: a row for each hand feature and one for the constant; columns weak and strong."""
    trees: tuple[Trees, Trees]
    """Log-odds for the weak and the strong model."""
    rarity: Float32s
    """How much a word counts, by the upper `WORD_BITS` of its hash: its inverse document frequency."""
    words: Float32s
    """The ridge regression: a row for each bucket, columns weak and strong."""
    words_base: NDArray[np.float64]
    """Its constants."""
    centre: NDArray[np.float64]
    """Mean log-odds of the weak and the strong model, where it was trained."""

    def said(self, hand: Float32s, grams: Uint32s, weight: Float32s) -> Float32s:
        """What it says of one prompt: `SAID` numbers.

        Args:
            hand: hand features, as `features.read` gives them.
            grams: hashes of words, not keyed.
            weight: how much each counts.
        """
        if len(hand) != len(self.mean):
            raise BadState(_OTHER_FEATURES)
        told = np.minimum(np.maximum((hand - self.mean) / self.scale, -CLIP), CLIP)
        form = (told @ self.form[:-1] + self.form[-1]).tolist()
        voices = self.worded(grams, weight).tolist()
        each, logits = [], []
        grown = self._grown(hand)
        for side in (0, 1):
            three = (1 / (1 + exp(-grown[side])), 1 / (1 + exp(-form[side])), voices[side])
            bounded = [min(max(voice, SURE), 1 - SURE) for voice in three]
            mean = sum(bounded) / len(bounded)
            each += bounded
            logits.append(log(mean / (1 - mean)) - float(self.centre[side]))
        return np.array(each + logits, np.float32)

    @cached_property
    def forest(self) -> Forest | None:
        """Both models' trees, for one prompt at a time; None where a tree has too many leaves for that."""
        return forest_of(self.trees)

    def _grown(self, hand: Float32s) -> list[float]:
        """Log-odds by the trees, for the weak and the strong model."""
        if self.forest is None:
            return [trees.walked_one(hand) for trees in self.trees]
        told: list[float] = self.forest.walked(hand).tolist()
        return told

    def worded(self, grams: Uint32s, weight: Float32s) -> NDArray[np.float64]:
        """What the words alone say on the weak and the strong model."""
        bucket = grams >> np.uint32(32 - WORD_BITS)
        told = weight * self.rarity[bucket]
        length = float(np.sqrt(told @ told))
        voice: NDArray[np.float64] = self.words_base + (told @ self.words[bucket]) / max(length, 1e-9)
        return voice

    def all_said(self, hand: Float32s, voices: NDArray[np.float64]) -> Float32s:
        """The same for many prompts: rows of hand features, and of what `worded` gave."""
        if hand.shape[1] != len(self.mean):
            raise BadState(_OTHER_FEATURES)
        from_trees = np.stack([trees.walked(hand) for trees in self.trees], axis=1)
        told = np.clip((hand - self.mean) / self.scale, -CLIP, CLIP)
        from_form = told @ self.form[:-1] + self.form[-1]
        each = np.stack([_odds(from_trees), _odds(from_form), voices], axis=2)
        each = np.clip(each, SURE, 1 - SURE)
        mean = each.mean(axis=2)
        logits = np.log(mean / (1 - mean)) - self.centre
        return np.concatenate([each.reshape(len(hand), 6), logits], axis=1).astype(np.float32)

    def to_bytes(self) -> bytes:
        """The same as bytes."""
        most = np.maximum(np.abs(self.words).max(axis=0), 1e-9)
        arrays: dict[str, NDArray[Any]] = {
            "mean": self.mean,
            "scale": self.scale,
            "form": self.form,
            "rarity": np.clip(np.round(self.rarity * 16), 0, 255).astype(np.uint8),
            "words": np.round(self.words / most * 127).astype(np.int8),
            "words_most": most.astype(np.float32),
            "words_base": self.words_base,
            "centre": self.centre,
        }
        for side, trees in zip(("weak", "strong"), self.trees, strict=True):
            arrays |= trees.arrays(side)
        return pack(arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> Prior:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else.
        """
        return cls.of_arrays(unpack(content))

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Prior:
        """The same from arrays that are unpacked.

        Raises:
            BadState: one is missing, or of another shape.
        """
        try:
            mean, scale, form, centre = (
                arrays[name].astype(np.float64) for name in ("mean", "scale", "form", "centre")
            )
            rarity = arrays["rarity"].astype(np.float32) / np.float32(16)
            words = arrays["words"].astype(np.float32) * arrays["words_most"].astype(np.float32) / np.float32(127)
            base = arrays["words_base"].astype(np.float64)
        except (KeyError, ValueError) as error:
            raise BadState("parts of the prior are missing; install it anew") from error
        columns, buckets = len(mean), 1 << WORD_BITS
        shapes = (scale.shape, form.shape, rarity.shape, words.shape, base.shape, centre.shape)
        if shapes != ((columns,), (columns + 1, 2), (buckets,), (buckets, 2), (2,), (2,)):
            raise BadState("parts of the prior are of other shapes; install it anew")
        trees = Trees.of_arrays(arrays, "weak", columns), Trees.of_arrays(arrays, "strong", columns)
        return cls(mean, scale, form, trees, rarity, words, base, centre)


def believed(said: NDArray[Any], configured: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is believed of models of which only a configured quality is known, in log-odds.

    The difficulty that the prior sees moves it: the weak model's for the weak, the strong model's for the strong.

    Args:
        said: rows of what the prior says, the last two being log-odds around their mean; zeros where there is none.
        configured: quality, 0 to 1, of each model.

    Returns:
        Log-odds of the configured quality, one row; and what each question's difficulty adds, rows by models.
    """
    base, of_weak, of_strong = parts_believed(configured)
    return base[None], said[:, -2, None] * of_weak + said[:, -1, None] * of_strong


def parts_believed(configured: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What of that no question changes.

    Returns:
        Log-odds of each model's configured quality; and how much the difficulty for the weak model, and for the strong
        one, moves it.
    """
    kept = np.clip(np.asarray(configured, np.float64), SURE, 1 - SURE)
    strength = np.clip((kept - WEAK_QUALITY) / (STRONG_QUALITY - WEAK_QUALITY), 0, 1)
    return np.log(kept / (1 - kept)), SPREAD_KEPT * (1 - strength), SPREAD_KEPT * strength


def _odds(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
