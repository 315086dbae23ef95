"""What each version of Landlock is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.confine import landlock
from ringfence.confine.walls import Walls, joined

folders = st.lists(st.sampled_from(["/a", "/b", "/c/d", "/e"]), max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("abi", "files"), [(1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (4, 0x7FFF), (5, 0xFFFF), (6, 0xFFFF), (9, 0xFFFF)]
)
def test_a_version_is_asked_for_what_it_judges(abi, files):
    """landlock.rst, "Previous limitations": what a kernel does not know makes it refuse the whole set."""
    assert landlock.judged_files(abi) == files
    assert landlock.judged_ports(Walls(), abi) == (3 if abi >= 4 else 0)
    assert landlock.scopes(Walls(), abi) == (3 if abi >= 6 else 0)


def test_ports_and_peers_are_left_where_the_walls_say_so():
    assert landlock.judged_ports(Walls(connects=None), 7) == 0
    assert landlock.scopes(Walls(reaches_abstract=True), 7) == landlock.SCOPE_SIGNAL
    assert landlock.scopes(Walls(is_scoped=False), 7) == 0


@given(folders, folders, folders, folders, folders)
def test_a_path_may_be_used_for_what_its_lists_say(reads, writes, runs, devices, sockets):
    """What stands in no list has no rule, and a path in several has the rights of all."""
    found = dict(landlock.paths(Walls(reads=reads, writes=writes, runs=runs, devices=devices, sockets=sockets)))
    assert set(found) == {*reads, *writes, *runs, *devices, *sockets}
    for path, rights in found.items():
        assert bool(rights & landlock.EXECUTE) == (path in runs)
        assert bool(rights & landlock.MAKE_REG) == (path in writes)
        assert bool(rights & landlock.MAKE_SOCK) == (path in writes or path in sockets)
        assert bool(rights & landlock.WRITE_FILE) == (path in writes or path in devices)
        assert bool(rights & landlock.IOCTL_DEV) == (path in devices)
        assert bool(rights & landlock.READ_FILE) == bool(path in (*reads, *writes, *runs, *devices))
        assert not rights & (landlock.MAKE_CHAR | landlock.MAKE_BLOCK)


@given(folders, folders)
def test_joined_paths_stand_once_and_in_order(first, second):
    found = joined(first, second, ("",))
    assert len(found) == len(set(found))
    assert set(found) == {*first, *second}
    assert list(found) == sorted(found, key=(*first, *second).index)
