"""The kept outcomes as a refit reads them, in a process of its own, beside the one that writes."""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from pathlib import Path
from typing import Final

from ringfenced.learn.outcome import BadState, Features, Outcome

FEATURES_BYTES_MAX: Final = 1 << 20
"""Longest features of one request, unpacked."""

_ROWS: Final = """
SELECT r.id, r.segment, r.at_unix_s, a.model, a.propensity, a.cost_microcredits, coalesce(a.feedback, a.score),
       CASE WHEN a.feedback IS NULL THEN a.kind ELSE 'feedback' END
FROM request r JOIN answer a ON a.request = r.id
WHERE coalesce(a.feedback, a.score) IS NOT NULL
ORDER BY r.id DESC, a.rung DESC
"""


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
        for key, segment, at_unix_s, model, propensity, cost, score, kind in connection.execute(_ROWS):
            if key != last:  # answers to one request share its features
                last, features = key, _features(connection, key)
                taken += 0 if features is None else features.nbytes
            if taken > bytes_max:
                break
            if features is not None:
                outcomes.append(Outcome(features, segment, model, score, propensity, cost, at_unix_s, kind))
    outcomes.reverse()
    return outcomes


def _features(connection: sqlite3.Connection, request: int) -> Features | None:
    """A request's features; None where they are broken or of another version."""
    row = connection.execute("SELECT content FROM features WHERE request = ?", (request,)).fetchone()
    if row is None:
        return None
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(row[0], FEATURES_BYTES_MAX)
        return Features.from_bytes(content)
    except (zlib.error, BadState):
        return None
