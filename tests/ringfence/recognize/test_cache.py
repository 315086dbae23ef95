"""A file of the cache comes back whole and unshared, or not at all."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.cache import read_cached, write_cached


def test_what_was_written_is_read_and_nobody_else_may(tmp_path):
    path = tmp_path / "cache" / "one.hs"
    write_cached(path, b"compiled")
    assert read_cached(path) == b"compiled"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


@given(st.binary(max_size=80))
def test_what_nobody_wrote_whole_is_not_read(tmp_path_factory, blob):
    path = tmp_path_factory.mktemp("cache") / "one.hs"
    path.write_bytes(blob)
    path.chmod(0o600)
    assert read_cached(path) is None


@pytest.mark.parametrize("shared", [0o620, 0o602])
def test_a_file_or_folder_that_others_may_write_to_is_not_read(tmp_path, shared):
    path = tmp_path / "cache" / "one.hs"
    write_cached(path, b"compiled")
    path.chmod(shared)
    assert read_cached(path) is None
    path.chmod(0o600)
    assert read_cached(path) == b"compiled"
    path.parent.chmod(shared | 0o100)
    assert read_cached(path) is None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    write_cached(blocked / "one.hs", b"compiled")
    assert read_cached(blocked / "one.hs") is None
