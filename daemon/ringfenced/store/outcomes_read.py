"""The kept outcomes as a refit reads them, in a process of its own, beside the one that writes."""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringfenced.learn.answers_kept import unpacked
from ringfenced.learn.outcome import BadState, Features, Outcome
from ringfenced.learn.verifier_fit import Judged
from ringfenced.learn.verifier_labels import label_of

FEATURES_BYTES_MAX: Final = 1 << 20
"""Longest features of one request, unpacked."""

_ROWS: Final = """
SELECT r.id, r.segment, r.at_unix_s, a.model, a.propensity, a.cost_microcredits, coalesce(a.feedback, a.score),
       CASE WHEN a.feedback IS NULL THEN a.kind ELSE 'feedback' END, r.owner
FROM request r JOIN answer a ON a.request = r.id
WHERE coalesce(a.feedback, a.score) IS NOT NULL
ORDER BY r.id DESC, a.rung DESC
"""

# What a caller says of the answer that it got holds for the one before it as well where both came to the same.
_READ: Final = """
SELECT a.request,
       coalesce(a.feedback, CASE WHEN a.kind = 'escalation' AND a.score = 1 THEN
           (SELECT next.feedback FROM answer next WHERE next.request = a.request AND next.rung = a.rung + 1) END),
       CASE a.kind WHEN 'escalation' THEN a.score END, r.beside, r.content, q.owner
FROM answer_read r JOIN answer a ON a.request = r.request AND a.rung = r.rung JOIN request q ON q.id = r.request
WHERE (a.feedback IS NOT NULL OR a.kind = 'escalation' OR r.beside IS NOT NULL) = ?
ORDER BY r.request DESC, r.rung DESC LIMIT ?
"""


def read_judged(path: Path, *, judged_max: int, seen_max: int) -> tuple[list[Judged], list[Features]]:
    """The newest answers that the verifier has read: those of which somebody said how good they are, and others.

    Args:
        path: the database file.
        judged_max: most of the former.
        seen_max: most of the latter.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    judged: list[Judged] = []
    seen: list[Features] = []
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for is_labelled, most in ((True, judged_max), (False, seen_max)):
            for key, feedback, agreed, beside, content, owner in connection.execute(_READ, (is_labelled, most)):
                if (features := _unpacked(content, unpacked)) is None:
                    continue
                label = label_of(feedback, agreed, beside)
                if label is None:
                    seen.append(features)
                else:
                    judged.append(Judged(features, label.score, label.weight, key, owner))
    return judged, seen


def read_outcomes(path: Path, *, bytes_max: int) -> list[Outcome]:
    """Every outcome that has a score, oldest first; the newest of them where they are too many.

    Args:
        path: the database file.
        bytes_max: how much memory the features may take together, in bytes.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    outcomes: list[Outcome] = []
    taken = 0
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        last, features = -1, None
        for key, segment, at_unix_s, model, propensity, cost, score, kind, owner in connection.execute(_ROWS):
            if key != last:  # answers to one request share its features
                last, features = key, _features(connection, key)
                taken += 0 if features is None else features.nbytes
            if taken > bytes_max:
                break
            if features is not None:
                outcomes.append(Outcome(features, segment, model, score, propensity, cost, at_unix_s, kind, owner))
    outcomes.reverse()
    return outcomes


def _features(connection: sqlite3.Connection, request: int) -> Features | None:
    """A request's features; None where they are broken or of another version."""
    row = connection.execute("SELECT content FROM features WHERE request = ?", (request,)).fetchone()
    return None if row is None else _unpacked(row[0], Features.from_bytes)


def _unpacked(content: bytes, read: Callable[[bytes], Features]) -> Features | None:
    unpacking = zlib.decompressobj()
    try:
        return read(unpacking.decompress(content, FEATURES_BYTES_MAX))
    except (zlib.error, BadState):
        return None
