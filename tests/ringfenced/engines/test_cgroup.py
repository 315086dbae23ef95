"""Control groups, on folders that look like the kernel's."""

from __future__ import annotations

from ringfenced.engines.cgroup import SLACK, SLACK_BYTES, EngineCgroups


def delegated(tmp_path, controllers="cpu memory"):
    """A daemon in a group of its own below one that is delegated to it."""
    (tmp_path / "own").write_text("0::/site.slice/ringfenced.service/daemon\n")
    service = tmp_path / "cgroup" / "site.slice" / "ringfenced.service"
    (service / "daemon").mkdir(parents=True)
    (service / "cgroup.subtree_control").touch()
    (service / "cgroup.controllers").write_text(controllers)
    return service, EngineCgroups.delegated(tmp_path / "cgroup", tmp_path / "own")


def test_an_engine_is_bounded_by_what_was_planned_and_some(tmp_path):
    service, groups = delegated(tmp_path)
    assert (service / "cgroup.subtree_control").read_text() == "+memory"
    group = groups.make(7, 1000)
    assert int((service / "engine-7" / "memory.max").read_text()) == int(1000 * SLACK) + SLACK_BYTES
    group.take(42)
    assert (service / "engine-7" / "cgroup.procs").read_text() == "42"
    group.remove()  # a folder of the kernel's has files that do not keep it from being removed; this one stays


def test_what_was_not_planned_has_no_bound(tmp_path):
    service, groups = delegated(tmp_path)
    groups.make(7, None).remove()
    assert not (service / "engine-7").exists()


def test_where_nothing_is_delegated_there_are_no_groups(tmp_path):
    assert delegated(tmp_path, "cpu")[1] is None
    (tmp_path / "other").write_text("4:memory:/x\n0::/\n")
    assert EngineCgroups.delegated(tmp_path / "cgroup", tmp_path / "other") is None
    assert EngineCgroups.delegated(tmp_path / "cgroup", tmp_path / "nowhere") is None
