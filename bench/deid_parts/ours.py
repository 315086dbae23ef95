"""Our recognisers, as the daemon runs them. The one place that says how they are made."""

from __future__ import annotations

from pathlib import Path

from ringfence.recognize import TEMPLATES, Recogniser, load
from ringfence.recognize.stages import shipped

CACHE = Path.home() / ".cache" / "ringfence" / "bench"
"""Where compiled databases lie."""
JUDGE = Path(__file__).resolve().parents[2] / "models" / "tagger" / "judge.npz"
"""Weights trained as the shipped ones, but without the rows that are held out."""


class WeightsMissing(RuntimeError):
    """The tagger's weights are not there; says how to get them."""


def make_recogniser(policy_name: str, *, held_out: bool) -> Recogniser:
    """What scans for a site of that policy.

    Args:
        policy_name: a key of `TEMPLATES`.
        held_out: with the judge's weights, which have not seen the rows that are measured on; otherwise with the
            shipped ones, which have seen all of the development data.

    Raises:
        KeyError: no such policy.
        WeightsMissing: the weights are not there.
    """
    try:
        stages = shipped(JUDGE) if held_out else shipped()
    except OSError as error:
        name = Path(str(error.filename)).name
        raise WeightsMissing(f"{name} is not there: train it (models/tagger), or measure with --patterns") from None
    return load(CACHE, TEMPLATES[policy_name], stages)


def make_patterns(policy_name: str) -> Recogniser:
    """The patterns alone, which nobody trains.

    Raises:
        KeyError: no such policy.
    """
    return load(CACHE, TEMPLATES[policy_name])
