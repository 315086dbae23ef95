"""What our cgroup lets us have, in both hierarchies, and what cannot be read."""

import pytest

from ringfenced.devices.cgroup import MemoryGroups, MemoryLimit

GIB = 2**30


@pytest.fixture
def tree(tmp_path):
    """A folder of cgroups: call it with a path and its files."""

    def write(group, **files):
        folder = tmp_path / "cgroup" / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / f"memory.{name}").write_text(f"{text}\n")

    return write


def limit(tmp_path, own):
    (tmp_path / "own").write_text(own)
    return MemoryGroups.ours(tmp_path / "cgroup", tmp_path / "own").limit()


def test_the_tightest_limit_on_the_way_up_counts(tmp_path, tree):
    tree("", stat="anon 1")
    tree("system.slice", max=8 * GIB, current=7 * GIB, stat=f"inactive_file {GIB}")
    tree("system.slice/ringfenced.service", max=4 * GIB, current=GIB, stat="inactive_file 0")
    found = limit(tmp_path, "0::/system.slice/ringfenced.service\n")
    assert found == MemoryLimit(8 * GIB, 6 * GIB)
    assert found.free_bytes == 2 * GIB


def test_a_container_sees_its_own_group_as_the_root(tmp_path, tree):
    tree("", max=4 * GIB, current=GIB, stat="anon 5")
    assert limit(tmp_path, "0::/\n") == MemoryLimit(4 * GIB, GIB)
    assert limit(tmp_path, "0::/../../else\n") == MemoryLimit(4 * GIB, GIB)


def test_no_limit_is_none(tmp_path, tree):
    tree("a", max="max", current=GIB)
    assert limit(tmp_path, "0::/a\n") is None


def test_the_older_hierarchy(tmp_path, tree):
    tree("memory/docker", limit_in_bytes=4 * GIB, usage_in_bytes=2 * GIB, stat=f"total_inactive_file {GIB}")
    tree("memory", limit_in_bytes=9223372036854771712, usage_in_bytes=9 * GIB)
    assert limit(tmp_path, "9:name=systemd:/\n4:cpu,memory:/docker\n0::/\n") == MemoryLimit(4 * GIB, GIB)


def test_no_limit_in_the_older_hierarchy_is_none(tmp_path, tree):
    tree("memory", limit_in_bytes=9223372036854771712, usage_in_bytes=9 * GIB)
    assert limit(tmp_path, "4:memory:/\n") is None


def test_a_use_that_is_not_known_leaves_the_limit(tmp_path, tree):
    tree("a", max=4 * GIB)
    found = limit(tmp_path, "0::/a\n")
    assert (found.limit_bytes, found.used_bytes, found.free_bytes) == (4 * GIB, None, None)


@pytest.mark.parametrize("own", ["", "nonsense\n", "0::/gone\n", "4:memory:/gone\n"])
def test_what_cannot_be_read_is_no_limit(tmp_path, own):
    assert limit(tmp_path, own) is None
    assert MemoryGroups.ours(tmp_path / "cgroup", tmp_path / "missing").limit() is None
