"""What the witness keeps: only a file that is really not there is a first time."""

from pathlib import Path

import pytest

from ringfenced.egress.checkpointfile import CheckpointFile


@pytest.fixture
def nowhere(tmp_path):
    """A place of which the kernel cannot say what is there."""
    (tmp_path / "circle").symlink_to("circle")
    return CheckpointFile(tmp_path / "circle" / "witnessed.checkpoint")


def test_what_is_kept_is_found_by_another_and_the_first_time_there_is_nothing(tmp_path):
    one, other = (CheckpointFile(tmp_path / "witnessed.checkpoint") for _ in range(2))
    assert one.load() is None
    assert one.save("first", None)
    assert other.load() == "first"
    assert not other.save("second", None)
    assert other.save("second", "first")
    assert one.load() == "second"


def test_an_empty_file_is_no_first_time(tmp_path):
    (tmp_path / "witnessed.checkpoint").touch()
    store = CheckpointFile(tmp_path / "witnessed.checkpoint")
    assert store.load() == ""
    assert not store.save("note", None)


def test_a_link_that_leads_nowhere_is_no_first_time(tmp_path):
    """A folder that is not mounted yet."""
    (tmp_path / "witnessed.checkpoint").symlink_to("not mounted/checkpoint")
    with pytest.raises(FileNotFoundError):
        CheckpointFile(tmp_path / "witnessed.checkpoint").load()


def test_where_nobody_can_tell_there_is_no_first_time_and_no_acquittal(nowhere):
    """`Path.exists` says no here, and from Python 3.14 on for a disk that fails as well."""
    assert not Path.exists(nowhere.evidence_path)
    with pytest.raises(OSError, match="symbolic links"):
        nowhere.load()
    with pytest.raises(OSError, match="symbolic links"):
        nowhere.condemned()


def test_the_first_evidence_stays_also_as_a_link_to_nowhere(tmp_path):
    store = CheckpointFile(tmp_path / "witnessed.checkpoint")
    store.condemn("forked", "kept", "seen")
    first = store.evidence_path.read_text()
    store.condemn("again", "kept", "seen")
    assert store.evidence_path.read_text() == first
    store.evidence_path.unlink()
    assert not store.condemned()
    store.evidence_path.symlink_to("not mounted/evidence")
    assert store.condemned()
