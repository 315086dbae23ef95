"""The table of `make bench-recognize`, its texts and its made-up lists."""

import tomllib

import pytest

from flow_parts.record import Record
from recognize_parts.custom import names, pattern_file
from recognize_parts.rows import AIMS_MS, lines, markdown
from recognize_parts.texts import NOTE_CHARS, document, forms, notes


def _record(**values):
    record = Record()
    for side, value in values.items():
        record.add("note_ms", side, value)
    return record


def test_a_row_that_was_not_measured_is_left_out():
    assert [line.row.side for line in lines(_record(patterns=0.2, bare=11.0))] == ["patterns", "bare"]


def test_an_aim_is_met_or_missed_by_the_median():
    record = _record(patterns=0.2)
    for value in (0.25, 9.0):
        record.add("note_ms", "patterns", value)
    assert [line.met for line in lines(record)] == [True]
    record.add("note_ms", "patterns", 8.0)
    record.add("note_ms", "patterns", 7.0)
    assert [line.met for line in lines(record)] == [False]


def test_peers_have_no_aims():
    assert [line.met for line in lines(_record(bare=0.1, regex=99.0, spacy=99.0))] == [None, None, None]


def test_the_aims_are_those_that_were_set():
    assert AIMS_MS == {"patterns": 0.3, "gazetteer": 1.0, "all": 4.0}


def test_a_missed_aim_is_set_off_in_the_file():
    assert "**≤ 0.3 missed**" in markdown(_record(patterns=0.4))
    assert "≤ 0.3 met" in markdown(_record(patterns=0.3))


def test_sizes_stand_in_order():
    record = Record()
    for size in (1000, 40, 640):
        record.add(f"size {size} KB", "all", 1.0)
    assert [line.row.quantity for line in lines(record)] == ["size 40 KB", "size 640 KB", "size 1000 KB"]


@pytest.mark.parametrize("size", [10, 2048, 30_000])
def test_a_document_has_the_size_that_is_asked_for_and_is_always_the_same(size):
    assert len(document(size)) == size
    assert document(size) == document(size)


@pytest.mark.parametrize("kind", [notes, forms])
def test_notes_differ(kind):
    found = kind(12)
    assert len(set(found)) == 12
    assert all(len(text) == NOTE_CHARS for text in found)


@pytest.mark.parametrize("count", [1, 400, 10_000])
def test_pattern_files_are_toml_with_as_many_different_patterns(count):
    tables = tomllib.loads(pattern_file(count))["pattern"]
    assert len({table["expression"] for table in tables}) == len({table["name"] for table in tables}) == count


def test_names_differ():
    assert len(set(names(5000))) == 5000
