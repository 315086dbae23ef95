"""Full segments are read through their index, and an index that lies is told."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder
from ringfence_agent.offsets import SealedSegment, index_fits, index_name, write_index

NAME = "entries-000000.ndjson"


@pytest.fixture
def folder(tmp_path):
    one = LogFolder(tmp_path)
    yield one
    one.close()


def sealed(folder, entries):
    data = b"".join(entry + b"\n" for entry in entries)
    (folder.path / NAME).write_bytes(data)
    end = 0
    write_index(folder, NAME, array("Q", [end := end + len(entry) + 1 for entry in entries]))
    return len(data)


def test_an_index_is_eight_little_endian_bytes_an_entry(folder):
    sealed(folder, [b"a", b"bcd"])
    assert index_name(NAME) == "entries-000000.idx"
    assert (folder.path / "entries-000000.idx").read_bytes() == bytes([2, *[0] * 7, 6, *[0] * 7])


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=30).filter(lambda entry: b"\n" not in entry), min_size=1, max_size=40), st.data())
def test_every_run_of_entries_is_read_as_it_was_written(tmp_path_factory, entries, data):
    folder = LogFolder(tmp_path_factory.mktemp("log"))
    sealed(folder, entries)
    first = data.draw(st.integers(0, len(entries) - 1))
    count = data.draw(st.integers(1, len(entries) - first))
    segment = SealedSegment.open(folder, NAME)
    assert segment.read(first, count) == entries[first : first + count]
    segment.close()
    folder.close()


def test_an_index_fits_its_segment_or_not(folder):
    size = sealed(folder, [b"a", b"bcd", b"e"])
    assert index_fits(folder, NAME, 3, size)
    assert not index_fits(folder, NAME, 3, size + 1)
    assert not index_fits(folder, NAME, 2, size)
    (folder.path / index_name(NAME)).unlink()
    assert not index_fits(folder, NAME, 3, size)


@pytest.mark.parametrize("end", [3, 5, 200])
def test_an_index_that_points_elsewhere_is_told(folder, end):
    """Within an entry, behind a newline too many, or behind the end of the file."""
    sealed(folder, [b"abcd", b"efg"])
    write_index(folder, NAME, array("Q", [end, end + 4]))
    segment = SealedSegment.open(folder, NAME)
    if end == 5:
        assert segment.read(0, 2) == [b"abcd", b"efg"]
    else:
        with pytest.raises(LogError, match="are not where"):
            segment.read(0, 2)
    with pytest.raises(LogError, match="are not where"):
        segment.read(7)
    segment.close()


def test_a_segment_without_its_files_is_told(folder):
    sealed(folder, [b"a"])
    (folder.path / index_name(NAME)).unlink()
    with pytest.raises(LogError, match="No such file"):
        SealedSegment.open(folder, NAME)
