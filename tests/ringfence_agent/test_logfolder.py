"""The log's folder: one writer, files that stay the ones they were, small files that are whole or old."""

import os

import pytest

from ringfence_agent.logerror import LogError
from ringfence_agent.logfolder import LogFolder, Seen, seen, write_all


@pytest.fixture
def folder(tmp_path):
    one = LogFolder(tmp_path / "log")
    yield one
    one.close()


def test_a_folder_has_one_owner(folder):
    with pytest.raises(LogError, match="another agent"):
        LogFolder(folder.path)
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="file"):
        LogFolder(tmp_path / "file" / "log")


def test_a_replaced_file_is_whole_and_private(folder):
    for content in (b"one", b"the second"):
        folder.replace("small", content)
        assert folder.read("small", 100) == content
    assert (folder.path / "small").stat().st_mode & 0o777 == 0o600
    assert not (folder.path / "small.new").exists()
    assert folder.read("small", 3) is None
    assert folder.read("nothing", 3) is None


def test_a_failed_replacement_leaves_the_old_content(folder, monkeypatch):
    folder.replace("small", b"old")

    def fail(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        folder.replace("small", b"new")
    assert folder.read("small", 100) == b"old"


def tampered(path, how):
    match how:
        case "removed":
            path.unlink()
        case "replaced":
            path.with_suffix(".other").write_bytes(path.read_bytes())
            path.with_suffix(".other").rename(path)
        case "cut":
            os.truncate(path, 1)
        case "bytes, and":
            path.write_bytes(path.read_bytes() + b"x")
        case "renamed":
            path.rename(path.with_suffix(".elsewhere"))


@pytest.mark.parametrize("how", ["removed", "replaced", "cut", "bytes, and", "renamed"])
def test_a_file_that_somebody_touched_is_told_by_name_and_how(folder, how):
    path = folder.path / "file"
    path.write_bytes(b"four")
    with path.open("rb") as stream:
        as_it_was = seen("file", stream.fileno())
    folder.demand(as_it_was)
    tampered(path, how)
    with pytest.raises(LogError, match="file was removed" if how == "renamed" else how):
        folder.demand(as_it_was)


def test_a_file_that_is_being_written_may_be_longer_and_never_shorter(folder):
    path = folder.path / "file"
    path.write_bytes(b"four")
    folder.demand(Seen("file", path.stat().st_ino, 3, grows=True))
    with pytest.raises(LogError, match="cut to 4 of 5"):
        folder.demand(Seen("file", path.stat().st_ino, 5, grows=True))


def test_a_moved_folder_is_told_though_its_descriptor_still_works(folder, tmp_path):
    before = folder.changed_ns()
    assert folder.changed_ns() == before
    folder.path.rename(tmp_path / "moved")
    with pytest.raises(LogError, match="moved or replaced"):
        folder.changed_ns()
    folder.path.mkdir()
    with pytest.raises(LogError, match="moved or replaced"):
        folder.changed_ns()


def test_a_short_write_is_finished(folder, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:2]))
    file = folder.open("file", os.O_WRONLY | os.O_CREAT)
    write_all(file, b"seven b")
    os.close(file)
    assert (folder.path / "file").read_bytes() == b"seven b"


def test_no_link_is_followed(folder, tmp_path):
    (tmp_path / "elsewhere").write_text("x")
    (folder.path / "file").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        folder.open("file", os.O_RDONLY)
