"""Whatever another user leaves where root looks for a file: root neither follows, nor waits, nor reads without end."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli import plainfile


def link(place):
    """To a file that is none of its maker's."""
    (place.parent / "secret").write_text("root's")
    place.symlink_to("secret")


def listening(place):
    """A unix socket, which cannot be opened."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(place))


PLANTED = [
    *(link, os.mkfifo, os.mkdir, listening),
    *(lambda place: place.symlink_to("/dev/zero"), lambda place: place.symlink_to(place.name)),
]


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, plant):
    plant(tmp_path / "file")
    with pytest.raises(OSError, match="no plain file") as told:
        plainfile.read(tmp_path / "file")
    assert told.value.filename == str(tmp_path / "file")


def test_no_more_is_read_than_may_be(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="longer than 1,048,576 bytes"):
        plainfile.read(tmp_path / "file")


@given(st.binary(max_size=20))
def test_a_plain_file_is_read_whole(tmp_path_factory, data):
    """Up to the last byte that is allowed."""
    place = tmp_path_factory.mktemp("plain") / "file"
    place.write_bytes(data)
    assert plainfile.read(place, bytes_max=len(data)) == data


def test_a_link_of_an_operators_is_followed_to_a_plain_file_alone(tmp_path):
    link(tmp_path / "file")
    assert plainfile.read(tmp_path / "file", links=True) == b"root's"
    (tmp_path / "endless").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="no plain file"):
        plainfile.read(tmp_path / "endless", links=True)


@pytest.mark.parametrize("plant", [link, os.mkfifo, listening, lambda place: place.write_text("old")])
def test_a_new_file_takes_the_place_of_whatever_was_there(tmp_path, plant):
    plant(tmp_path / "file")
    with plainfile.held(tmp_path) as folder:
        plainfile.write_new("file", folder, b"new", 0o600)
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    if plant is link:
        assert (tmp_path / "secret").read_text() == "root's"


def test_a_folder_within_another_is_no_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    with plainfile.held(tmp_path) as folder:
        with plainfile.held(tmp_path / "real", folder) as inner:
            assert plainfile.names(inner) == []
        with pytest.raises(NotADirectoryError), plainfile.held(tmp_path / "linked", folder):
            pass


def test_errors_tell_the_whole_path(tmp_path):
    (tmp_path / "inner").mkdir()
    with (
        pytest.raises(FileNotFoundError) as told,
        plainfile.held(tmp_path) as folder,
        plainfile.held(tmp_path / "inner", folder) as inner,
    ):
        plainfile.read("none", inner)
    assert told.value.filename == str(tmp_path / "inner/none")
