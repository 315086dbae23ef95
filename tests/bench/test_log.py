"""bench-log: entries are what an agent writes, a grown log is a log, and rows tell whether aims were met."""

import json
import sqlite3
from itertools import pairwise

import pytest

from log_parts.acks import acknowledged, raw
from log_parts.entries import ENTRY_BYTES, entries, entry, fields
from log_parts.growing import KEY, ORIGIN, Growing, forget_pages
from log_parts.peers import sides
from log_parts.reading import measure
from log_parts.report import Aim, Row, Section, markdown, missed, tables
from log_parts.verifying import verified_s
from ringfence_agent.entry import Kind, canonical
from ringfence_agent.journal import Journal


@pytest.mark.parametrize("index", [0, 1, 2, 99_999, 100_000, 9_999_999])
def test_an_entry_is_canonical_and_of_one_length(index):
    said = json.loads(entry(index))
    assert (len(entry(index)), canonical(said), said["seq"]) == (ENTRY_BYTES, entry(index), index)


def test_outcomes_follow_their_intents():
    for intent, outcome in list(pairwise(map(json.loads, entries(0, 10))))[::2]:
        assert outcome["intent"] == intent["seq"]
        assert outcome["permit_sha256"] == intent["permit_sha256"]


def test_what_is_submitted_makes_entries_of_about_that_length():
    made = canonical({**fields(), "v": 1, "kind": Kind.REFUSAL, "seq": 12_345, "time_unix_ms": 1_800_000_000_000})
    assert abs(len(made) - ENTRY_BYTES) <= 3


def test_a_grown_log_opens_quickly_and_is_whole(tmp_path):
    """Grown in two steps, as the benchmark does; the agent believes its snapshot, the verifier its checkpoint."""
    growing, log = Growing(tmp_path / "log"), tmp_path / "log"
    for size in (700, 5_000):
        growing.grow(size, lambda _: None)
        forget_pages(log)
    journal = Journal(log, ORIGIN, KEY, lambda: 0)
    assert (journal.size, journal._store._snapshot_size, journal.recovered.open_intents) == (5_000, 5_000, {})
    assert len(journal.recovered.nonces) == 2_500
    assert journal.read(4_321) == entry(4_321)
    journal._store.close()
    assert verified_s(log, tmp_path) > 0


async def test_every_side_acknowledges_what_is_on_disk(tmp_path):
    for name, side in sides().items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        async with side(folder) as one:
            found = await acknowledged(one, 3, 0.4)
        assert found["acks_hz"] > 0, name
        assert found["p50_ms"] <= found["p99_ms"]
    for name in ("SQLite,-one-commit-an-entry", "SQLite,-group-commit"):
        with sqlite3.connect(tmp_path / name / "log.sqlite") as base:
            assert base.execute("SELECT COUNT(*) FROM log").fetchone()[0] > 0
        base.close()
    assert (tmp_path / "one-fdatasync-an-entry" / "naive").read_bytes().startswith(entry(0))
    assert raw(tmp_path, 0.01)["acks_hz"] > 0


async def test_reading_measures_a_start_memory_and_proofs(tmp_path):
    Growing(tmp_path).grow(600, lambda _: None)
    found = await measure(tmp_path, 0.01)
    assert found["size"] == 600
    assert all(found[name] > 0 for name in ("start_s", "rss_mb", "inclusion_hz", "newest_hz", "consistency_hz"))


def test_aims_are_told_as_met_or_missed():
    section = Section(
        "Speed",
        ("per s", "ms"),
        (
            Row("good", ([11.0, 12.0, 13.0], [1.0]), (Aim(10, at_least=True), Aim(2, at_least=False))),
            Row("bad", ([9.0], [1.0]), (Aim(10, at_least=True), None)),
            Row("unmeasured", ([], [])),
        ),
    )
    assert section.rows[0].cells() == ["good", "12.0 (11.0 to 13.0)", "1.00", "≥ 10 met, ≤ 2 met"]
    assert missed([section]) == ["Speed: bad"]
    assert "| bad | 9.00 | 1.00 | ≥ 10 **missed** |" in markdown([section])
    assert tables([section])[0].row_count == 3
