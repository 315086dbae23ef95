"""The shipped verifiers, or those that have not seen a file: figures are never measured with weights that have."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ringfenced.learn.answers import NAMES
from ringfenced.learn.verifier import Verifier
from ringfenced.learn.verifier_prior import Prior, question_key

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "daemon" / "ringfenced" / "learn" / "verifier.bin"
JUDGE = ROOT / "models" / "routing" / "verifier_judge.npz"
QUESTION = frozenset(name for name in NAMES if name.startswith(("question_", "asks_")) and "unused" not in name) | {
    "choices"
}
"""Features that the question alone decides."""


@dataclass(frozen=True, slots=True)
class Priors:
    """What a stream starts from."""

    cheap: Verifier
    """Of the weak model's answer."""
    strong: Verifier
    """Of the strong model's."""
    seen: tuple[str, ...]
    """Files of the training set that hold questions of this one; the weights have not seen them."""

    def of_question(self) -> Priors:
        """The same for a router that reads no answer."""
        return replace(self, cheap=_masked(self.cheap), strong=_masked(self.strong))


def priors_for(prompts: Sequence[str]) -> Priors:
    """The weights for a file: the shipped ones, if they were not trained on any of its questions.

    Where one file of the training set shares a question with it, they are those trained without that file. Where two
    do, none that was trained will do: all weights are then nothing.
    """
    keys = np.array([question_key(prompt) for prompt in prompts], np.uint64)
    seen: list[str] = []
    prior = Prior.from_bytes(SHIPPED.read_bytes())
    with np.load(io.BytesIO(JUDGE.read_bytes()), allow_pickle=False) as judge:
        for number in range(sum(name.startswith("source") for name in judge.files)):
            if np.isin(keys, judge[f"keys{number}"]).any():
                seen.append(str(judge[f"source{number}"]))
                prior = Prior.from_bytes(judge[f"without{number}"].tobytes())
    if len(seen) > 1:
        return Priors(_emptied(prior.cheap), _emptied(prior.strong), tuple(seen))
    return Priors(prior.cheap, prior.strong, tuple(seen))


def _emptied(verifier: Verifier) -> Verifier:
    none = np.zeros(len(NAMES))
    return replace(verifier, linear=replace(verifier.linear, weights=none, prior=none))


def _masked(verifier: Verifier) -> Verifier:
    weights = np.where([name in QUESTION for name in NAMES], verifier.linear.weights, 0.0)
    return replace(verifier, linear=replace(verifier.linear, weights=weights, prior=weights))
