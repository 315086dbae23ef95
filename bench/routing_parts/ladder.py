"""Protocol (c), the ladder: what the verifier trusts least of the weak model's answers goes up to the strong model.

The weak model answers first; a verifier reads question and answer. Online: no label of the stream before it begins,
outcomes come 200 questions later.

What the ladder sees: question and the weak model's answer, at once; the weak model's outcome, of every question, after
the delay; the strong model's outcome, of escalated questions only, after the delay; where the file has the strong
model's answers, whether the two come to the same, of escalated questions only, at once (`answers.agrees`).

Files that can be used: those of two models with the weak one's answers; where there are none, those of many models with
answers, as the pair of `PAIR` or else of the cheapest and the best that have them; of these, files whose answers are
bare letters only where there are no others, since a verifier has nothing to read in them. Figures are means over
streams in a few orders, and over files by their rows. A file of more than `ROWS_MAX` rows is drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from routing_parts import metrics
from routing_parts.data import Loaded, Matrix, Pair
from routing_parts.ladder_online import DELAY, Stream, climbed, question_only
from routing_parts.ladder_prior import Priors, priors_for
from routing_parts.metrics import Routed

__all__ = ["Ladder", "ladder"]

PAIR = ("mistralai/mixtral-8x7b-chat", "gpt-4-1106-preview")
"""RouteLLM's two models, by RouterBench's names."""
ROWS_MIN = DELAY + 50
"""A shorter stream would end before much was learned."""
ROWS_MAX = 1_500
BARE_CHARS = 20
SEEDS = 3
_SALT = b"evaluation"


@dataclass(frozen=True, slots=True)
class Ladder:
    """Figures of protocol (c)."""

    ours: Routed
    """The ladder, online from zero labels."""
    rows: dict[str, Routed]
    """``random``, ``length``, ``router`` (online, but of the question alone), ``zero_router`` and ``oracle``."""
    files: dict[str, Routed]
    """The ladder's figures by file."""
    notes: tuple[str, ...]
    """What was left out and why."""


def ladder(loaded: Loaded, *, seeds: int = SEEDS, tell: Callable[[str], None] = lambda _: None) -> Ladder | None:
    """Run protocol (c) on every file that has the weak model's answers; None where none has.

    Args:
        loaded: what a folder holds.
        seeds: in how many orders each file is streamed.
        tell: is told how far it is.
    """
    notes: list[str] = []
    pairs = _chosen(loaded, notes)
    if not pairs:
        return None
    figures: dict[str, list[Routed]] = {}
    weights = [min(len(pair.prompts), ROWS_MAX) for pair in pairs]
    for number, pair in enumerate(pairs):
        tell(f"ladder: {pair.name}, {len(pair.prompts)} rows ({number + 1} of {len(pairs)})")
        for name, routed in _of_pair(pair, seeds).items():
            figures.setdefault(name, []).append(routed)
    pooled = {name: _weighted(routed, weights) for name, routed in figures.items()}
    return Ladder(
        ours=pooled.pop("ours"),
        rows=pooled,
        files={pair.name: routed for pair, routed in zip(pairs, figures["ours"], strict=True)},
        notes=tuple(notes),
    )


def _of_matrices(matrices: Sequence[Matrix]) -> list[Pair]:
    """Two models of each file: `PAIR`, or the cheapest and the best of those whose answers it has."""
    made = []
    for matrix in matrices:
        weak, strong = PAIR
        if weak not in matrix.answers or strong not in matrix.models:
            named = [model for model in matrix.models if model in matrix.answers]
            if len(named) < 2:
                continue
            columns = [matrix.models.index(model) for model in named]
            quality = np.nanmean(matrix.scores[:, columns], axis=0)
            cost = np.nan_to_num(np.nanmean(matrix.costs[:, columns], axis=0), nan=np.inf)
            weak, strong = named[int(np.argmin(cost))], named[int(np.argmax(quality))]
        if weak != strong:
            made.append(matrix.pair(weak, strong))
    return made


def _chosen(loaded: Loaded, notes: list[str]) -> list[Pair]:
    """The files of the first kind of which there are any; the notes name the others."""
    two = [pair for pair in loaded.pairs if _usable(pair, notes)]
    many = [pair for pair in _of_matrices(loaded.matrices) if _usable(pair, notes)]
    kinds = (two, [pair for pair in many if not _is_bare(pair)], [pair for pair in many if _is_bare(pair)])
    chosen = next((kind for kind in kinds if kind), [])
    notes.extend(
        f"{pair.name}: not in (c), which has files with more to read in their answers"
        for kind in kinds
        if kind is not chosen
        for pair in kind
    )
    return chosen


def _is_bare(pair: Pair) -> bool:
    """Whether the weak model's answers are letters and single words."""
    return bool(np.median([len(answer) for answer in pair.weak_answers or ("",)]) < BARE_CHARS)


def _usable(pair: Pair, notes: list[str]) -> bool:
    if pair.weak_answers is None:
        return False
    if len(pair.prompts) < ROWS_MIN:
        notes.append(f"{pair.name}: {len(pair.prompts)} rows, {ROWS_MIN} are needed for a stream; left out of (c)")
        return False
    if pair.strong.mean() <= pair.weak.mean():
        notes.append(f"{pair.name}: {pair.strong_name} is no better than {pair.weak_name}; left out of (c)")
        return False
    return True


def _of_pair(pair: Pair, seeds: int) -> dict[str, Routed]:
    priors = priors_for(pair.prompts)
    rng = np.random.default_rng(0)
    if len(pair.prompts) > ROWS_MAX:
        pair = pair.at(np.sort(rng.choice(len(pair.prompts), ROWS_MAX, replace=False)))
    stream = Stream.of(pair, _SALT)
    runs = [_run(stream, priors, seed) for seed in range(seeds)]
    figures = {name: metrics.mean([run[name] for run in runs]) for name in runs[0]}
    lengths = np.array([len(prompt) for prompt in pair.prompts], np.float64)
    blind = [
        metrics.by_score(np.random.default_rng(seed).random(len(lengths)), pair.weak, pair.strong) for seed in range(20)
    ]
    return figures | {
        "random": metrics.mean(blind),
        "length": metrics.by_score(lengths, pair.weak, pair.strong),
        "zero_router": metrics.by_points([], float(pair.weak.mean()), float(pair.strong.mean())),
        "oracle": metrics.by_score(metrics.oracle(pair.weak, pair.strong), pair.weak, pair.strong),
    }


def _run(stream: Stream, priors: Priors, seed: int) -> dict[str, Routed]:
    order = np.random.default_rng(seed).permutation(len(stream.weak))
    ordered = stream.at(order)
    weak, strong = float(stream.weak.mean()), float(stream.strong.mean())
    return {
        "ours": metrics.by_points(climbed(ordered, priors), weak, strong),
        "router": metrics.by_points(climbed(question_only(ordered), priors.of_question()), weak, strong),
    }


def _weighted(figures: Sequence[Routed], weights: Sequence[int]) -> Routed:
    """The mean by rows."""

    def of(values: list[float]) -> float:
        return float(np.average(values, weights=list(weights)))

    return Routed(
        of([one.apgr for one in figures]), of([one.cpt50 for one in figures]), of([one.cpt80 for one in figures])
    )
