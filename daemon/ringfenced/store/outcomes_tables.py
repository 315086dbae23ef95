"""The tables of what came of requests, and the statements on them. Blocking; for the one thread that has the file."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from ringfenced.learn.lesson import Answered, Lesson

VERSION: Final = 1
"""Of the tables; kept in SQLite's ``user_version``. A table that is only added, as ``answer_read`` was, leaves it: an
older daemon goes on with the file."""

TALLIES_MAX: Final = 2000
"""Most pairs of a segment and a model that are told of: callers name tasks, and a message has its bound."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY,
    pseudonym BLOB NOT NULL UNIQUE,
    owner BLOB NOT NULL,
    at_unix_s INTEGER NOT NULL,
    segment TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS request_by_age ON request (at_unix_s);
CREATE TABLE IF NOT EXISTS features (
    request INTEGER PRIMARY KEY REFERENCES request ON DELETE CASCADE,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS answer (
    request INTEGER NOT NULL REFERENCES request ON DELETE CASCADE,
    rung INTEGER NOT NULL,
    model TEXT NOT NULL,
    propensity REAL NOT NULL,
    explored INTEGER NOT NULL,
    expected REAL NOT NULL,
    cost_microcredits INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    first_ms REAL,
    score REAL,
    kind TEXT NOT NULL,
    scores TEXT NOT NULL,
    escalated_to TEXT NOT NULL,
    feedback REAL,
    feedback_reason TEXT NOT NULL DEFAULT '',
    feedback_unix_s INTEGER,
    PRIMARY KEY (request, rung)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer_read (
    request INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    beside REAL,
    content BLOB NOT NULL,
    PRIMARY KEY (request, rung),
    FOREIGN KEY (request, rung) REFERENCES answer ON DELETE CASCADE
) STRICT;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""


class Tally(NamedTuple):
    """How much is known of one model's answers to one kind of request."""

    segment: str
    """The kind."""
    model: str
    """The model."""
    answers: int
    """Answers that are kept."""
    labelled: int
    """Those of them of which somebody said how good they are."""
    rated: int
    """Those of them of which a caller did."""
    score: float | None
    """The mean of what was said, 0 to 1; None where nothing was."""


class Feedback(NamedTuple):
    """What a caller says of the answer that it got."""

    request: bytes
    """Pseudonym of the request's id."""
    owner: bytes
    """Pseudonym of the caller's tenant and department."""
    score: float
    """0 to 1."""
    reason: str
    """A word for machines; empty for none."""


class Rated(NamedTuple):
    """The answer that feedback was about."""

    answer: Answered
    """As the caller rates it."""
    is_first: bool
    """Whether no caller had rated it before."""


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, and make what is missing of it, for its user alone.

    Raises:
        sqlite3.Error: it is no such file, or of another version.
        OSError: it cannot be made.
    """
    path.touch(mode=0o600)
    path.chmod(0o600)
    connection = sqlite3.connect(path, check_same_thread=False)  # here first, then only in the writer
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before there is a table
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _check_version(version)
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(version: int) -> None:
    if version not in {0, VERSION}:
        raise sqlite3.NotSupportedError("written by another version")


def store(connection: sqlite3.Connection, lesson: Lesson) -> None:
    """Write a lesson; a second one of the same request is none, for ids are unique."""
    row = (lesson.request, lesson.owner, lesson.at_unix_s, lesson.segment)
    made = connection.execute(
        "INSERT INTO request (pseudonym, owner, at_unix_s, segment) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row
    )
    if not made.rowcount:
        return
    key = made.lastrowid
    connection.execute("INSERT INTO features VALUES (?, ?)", (key, zlib.compress(lesson.features, 1)))
    connection.executemany(
        "INSERT INTO answer (request, rung, model, propensity, explored, expected, cost_microcredits, duration_ms, "
        "first_ms, score, kind, scores, escalated_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(key, rung, *_row(answer)) for rung, answer in enumerate(lesson.answers)],
    )
    connection.executemany(
        "INSERT INTO answer_read VALUES (?, ?, ?, ?)",
        [
            (key, rung, answer.beside, zlib.compress(answer.read, 1))
            for rung, answer in enumerate(lesson.answers)
            if answer.read
        ],
    )


def rate(connection: sqlite3.Connection, said: Feedback, *, at_unix_s: int, oldest_unix_s: int) -> Rated | None:
    """Write what a caller says of its answer, in place of what it said before; the answer, None where there is none."""
    found = connection.execute(
        "SELECT a.request, a.rung, a.model, a.propensity, a.explored, a.expected, a.cost_microcredits, a.duration_ms, "
        "a.feedback IS NULL FROM request r JOIN answer a ON a.request = r.id "
        "WHERE r.pseudonym = ? AND r.owner = ? AND r.at_unix_s >= ? ORDER BY a.rung DESC LIMIT 1",
        (said.request, said.owner, oldest_unix_s),
    ).fetchone()
    if found is None:
        return None
    key, rung, model, propensity, explored, expected, cost_microcredits, duration_ms, is_first = found
    connection.execute(
        "UPDATE answer SET feedback = ?, feedback_reason = ?, feedback_unix_s = ? WHERE request = ? AND rung = ?",
        (said.score, said.reason, at_unix_s, key, rung),
    )
    timed = (cost_microcredits, duration_ms)
    answer = Answered(model, propensity, bool(explored), expected, *timed, score=said.score, kind="feedback")
    return Rated(answer, bool(is_first))


def tally(connection: sqlite3.Connection) -> list[Tally]:
    """How much is known, by segment and model; of the `TALLIES_MAX` of which most is kept."""
    rows = connection.execute(
        "SELECT * FROM (SELECT r.segment, a.model, count(*), count(coalesce(a.feedback, a.score)), count(a.feedback), "
        "avg(coalesce(a.feedback, a.score)) FROM request r JOIN answer a ON a.request = r.id "
        "GROUP BY r.segment, a.model ORDER BY count(*) DESC, r.segment, a.model LIMIT ?) ORDER BY 1, 2",
        (TALLIES_MAX,),
    )
    return [Tally(*row) for row in rows]


def forget(connection: sqlite3.Connection, model: str) -> int:
    """Delete one model's answers, all where none is named, and requests that then have none; how many there were."""
    if not model:
        (gone,) = connection.execute("SELECT count(*) FROM answer").fetchone()
        connection.execute("DELETE FROM request")
        return int(gone)
    gone = connection.execute("DELETE FROM answer WHERE model = ?", (model,)).rowcount
    connection.execute("DELETE FROM request WHERE id NOT IN (SELECT request FROM answer)")
    return int(gone)


def prune(connection: sqlite3.Connection, *, oldest_unix_s: int, requests_max: int) -> None:
    """Delete what is too old, and the oldest where there is too much."""
    connection.execute("DELETE FROM request WHERE at_unix_s < ?", (oldest_unix_s,))
    connection.execute(
        "DELETE FROM request WHERE id <= (SELECT id FROM request ORDER BY id DESC LIMIT 1 OFFSET ?)", (requests_max,)
    )


def count(connection: sqlite3.Connection, name: str) -> int:
    """A counter; 0 where there is none."""
    row = connection.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def keep(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Write a counter."""
    connection.execute(
        "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )


def _row(answer: Answered) -> tuple[object, ...]:
    timed = (answer.cost_microcredits, answer.duration_ms, answer.first_ms)
    said = (answer.score, answer.kind, json.dumps(answer.scores, separators=(",", ":")), answer.escalated_to)
    return (answer.model, answer.propensity, int(answer.explored), answer.expected, *timed, *said)
