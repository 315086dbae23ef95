"""Our recognisers, as the daemon runs them. The one place that says how they are made."""

from __future__ import annotations

from pathlib import Path

from ringfence.recognize import TEMPLATES, Recogniser, load
from ringfence.recognize.stages import shipped

CACHE = Path.home() / ".cache" / "ringfence" / "bench"
"""Where compiled databases lie."""
JUDGE = Path(__file__).resolve().parents[2] / "models" / "tagger" / "judge.npz"
"""Weights trained as the shipped ones, but without the rows that are held out."""


def make_recogniser(policy_name: str, *, held_out: bool) -> Recogniser:
    """What scans for a site of that policy.

    Args:
        policy_name: a key of `TEMPLATES`.
        held_out: with the judge's weights, which have not seen the rows that are measured on; otherwise with the
            shipped ones, which have seen all of the development data.

    Raises:
        KeyError: no such policy.
        OSError: the weights are not there.
    """
    return load(CACHE, TEMPLATES[policy_name], shipped(JUDGE) if held_out else shipped())


def make_patterns(policy_name: str) -> Recogniser:
    """The patterns alone, which nobody trains.

    Raises:
        KeyError: no such policy.
    """
    return load(CACHE, TEMPLATES[policy_name])
