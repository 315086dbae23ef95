"""Only what the kernel says is not there counts as not there."""

import os
from pathlib import Path

import pytest

from ringfence.presence import is_there, read_if_there


@pytest.mark.parametrize("content", [b"", b"something"])
def test_what_is_there_is_read_also_when_it_is_empty(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert is_there(tmp_path / "file")
    assert read_if_there(tmp_path / "file") == content


def test_what_is_not_there_is_none(tmp_path):
    assert not is_there(tmp_path / "nothing")
    assert read_if_there(tmp_path / "nothing") is None
    assert read_if_there(tmp_path / "no folder" / "nothing") is None


def test_a_link_that_leads_nowhere_is_there_and_cannot_be_read(tmp_path):
    """A folder that is not mounted yet is no reason to begin anew."""
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert is_there(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        read_if_there(tmp_path / "link")


@pytest.mark.parametrize("asks", [is_there, read_if_there])
def test_where_nobody_can_tell_it_is_an_error(tmp_path, asks):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").touch()
    for path in (tmp_path / "circle" / "file", tmp_path / "file" / "file", tmp_path / ("n" * 300)):
        assert not os.path.lexists(path)
        with pytest.raises(OSError, match=r"\[Errno"):
            asks(path)


@pytest.mark.parametrize("asks", [is_there, read_if_there])
def test_a_disk_that_fails_is_an_error(tmp_path, monkeypatch, asks):
    def fail(_path, **_options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "lstat", fail)
    with pytest.raises(OSError, match="Input/output"):
        asks(tmp_path / "file")
