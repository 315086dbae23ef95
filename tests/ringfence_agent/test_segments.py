"""Entries on disk: segments of one size, read back whole, and nothing appended to files that changed."""

import os
import threading

import pytest

from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.segments import SEALED_OPEN_MAX, Segments, segment_name


@pytest.fixture
def folder(tmp_path):
    one = LogFolder(tmp_path)
    yield one
    one.close()


def entry(index):
    return b'{"kind":"x","seq":%d,"time_unix_ms":1}' % index


def entries(start, end):
    return [entry(index) for index in range(start, end)]


def opened(folder, count=0, start=0):
    """Segments of four entries each, `count` of them written."""
    segments = Segments(folder, 4)
    list(segments.replay(start))
    if count:
        segments.append(entries(segments.size, segments.size + count))
    return segments


def test_a_batch_is_split_where_a_segment_is_full(folder):
    segments = opened(folder, 3)
    segments.append(entries(3, 11))
    names = sorted(path.name for path in folder.path.glob("entries-*"))
    sealed = [f"entries-{number:06}.{ending}" for number in range(2) for ending in ("idx", "ndjson")]
    assert names == [*sealed, "entries-000002.ndjson"]
    assert (segments.size, segments.sealed) == (11, 2)
    assert [segments.read(index) for index in range(11)] == entries(0, 11)
    segments.close()


def test_only_what_follows_the_start_and_the_last_segment_is_read(folder):
    """From entry 9 of 14: segment 2 from its beginning for its index, segment 3; records from 9 on."""
    opened(folder, 14).close()
    segments = Segments(folder, 4)
    replayed = list(segments.replay(9))
    assert [one.place for one in replayed] == list(range(8, 14))
    assert [one.record["seq"] for one in replayed if one.record] == list(range(9, 14))
    assert segments.size == 14
    assert [segments.read(index) for index in range(14)] == entries(0, 14)
    segments.close()


@pytest.mark.parametrize("content", [None, b"", b"x" * 32])
def test_an_index_that_is_missing_or_does_not_fit_is_made_anew(folder, content):
    opened(folder, 9).close()
    index = folder.path / "entries-000000.idx"
    whole = index.read_bytes()
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    segments = opened(folder, start=9)
    assert index.read_bytes() == whole
    assert segments.read(2) == entry(2)
    segments.close()


def test_few_full_segments_are_open_at_a_time(folder):
    segments = opened(folder, 4 * (SEALED_OPEN_MAX + 4))
    for index in range(segments.size):
        assert segments.read(index) == entry(index)
    assert len(segments._open) == SEALED_OPEN_MAX
    segments.close()


@pytest.mark.parametrize(("number", "cut", "text"), [(0, 5, "later entries follow"), (1, 40, "later entries follow")])
def test_a_full_segment_that_lost_entries_is_not_opened(folder, number, cut, text):
    """Within an entry, or at its end: the index no longer fits, and the entries are counted."""
    opened(folder, 10).close()
    path = folder.path / segment_name(number)
    lines = path.read_bytes()
    path.write_bytes(lines[: lines.index(b"\n", cut) + (1 if number else -3)])
    with pytest.raises(LogError, match=text):
        opened(folder, start=10)


def test_a_segment_with_too_many_entries_is_not_opened(folder):
    opened(folder, 10).close()
    path = folder.path / segment_name(1)
    path.write_bytes(path.read_bytes() + entry(8) + b"\n")
    with pytest.raises(LogError, match="more than 4 entries"):
        opened(folder)


def test_a_torn_end_is_cut_where_nothing_covers_it(folder):
    opened(folder, 6).close()
    with (folder.path / segment_name(1)).open("ab") as stream:
        stream.write(b'{"torn')
    segments = opened(folder)
    segments.cut(6)
    assert (segments.size, segments.cut_bytes) == (6, 6)
    with pytest.raises(LogError, match="covers 7 entries and 6 are left"):
        segments.cut(7)
    segments.close()


def remove(path):
    path.unlink()


def replace(path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path):
    with path.open("ab") as stream:
        stream.write(b"x")


@pytest.mark.parametrize("harm", [remove, replace, cut, lengthen])
def test_nothing_is_appended_to_a_segment_that_somebody_changed(folder, harm):
    segments = opened(folder, 6)
    path = folder.path / segment_name(1)
    harm(path)
    with pytest.raises(LogError, match=r"entries-000001\.ndjson"):
        segments.append(entries(6, 7))
    assert not path.exists() or entry(6) not in path.read_bytes()
    segments.close()


@pytest.mark.parametrize("harm", [remove, replace])
def test_a_full_segment_that_is_removed_or_replaced_ends_appending(folder, harm):
    segments = opened(folder, 6)
    segments.look()
    harm(folder.path / segment_name(0))
    with pytest.raises(LogError, match=r"entries-000000\.ndjson"):
        segments.append(entries(6, 7))
    segments.close()


def test_a_file_that_is_removed_while_it_is_written_acknowledges_nothing(folder, monkeypatch):
    """The sync succeeds, and what it made durable has no name any more."""
    segments = opened(folder, 2)
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (real(file), (folder.path / segment_name(0)).unlink()))
    with pytest.raises(LogError, match="was removed"):
        segments.append(entries(2, 3))
    assert segments.size == 2
    segments.close()


def test_reading_goes_on_while_segments_fill_up(folder):
    """A reader in another thread finds every entry whole, whichever side of a boundary it is on."""
    segments = opened(folder, 1)
    wrong = []

    def read():
        while (size := segments.size) < 400:
            wrong.extend(index for index in (size - 1, size // 2) if segments.read(index) != entry(index))

    reader = threading.Thread(target=read)
    reader.start()
    while segments.size < 400:
        segments.append(entries(segments.size, segments.size + 3))
    reader.join(10)
    assert not wrong
    segments.close()
