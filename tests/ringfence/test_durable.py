"""A file that is replaced is the old one or the new one."""

import os
import stat

import pytest

from ringfence import durable


def test_the_new_text_stands_under_its_mode_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "file"
    for text in ("one\r\n— ü", "two"):
        durable.replace(path, text)
        assert path.read_bytes().decode() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_text_is_on_disk_before_its_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    path = tmp_path / "file"
    durable.replace(path, "old")
    steps = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append(path.read_text()), fsync(file)))
    durable.replace(path, "new")
    assert steps == ["old", "new"]


def test_a_disk_that_fails_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "file"
    durable.replace(path, "old")

    def failing(_file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input"):
        durable.replace(path, "new")
    assert path.read_text() == "old"
