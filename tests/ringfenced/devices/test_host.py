"""The host as it really is here, and as files say it."""

import psutil
import pytest

from ringfenced.devices.cgroup import MemoryGroups
from ringfenced.devices.host import HostReader


def test_the_host_tells_its_memory_and_processors(tmp_path):
    reader = HostReader(groups=MemoryGroups(()))
    first, second = reader.sample(), reader.sample()
    assert first.utilisation is None  # nothing yet to compare with
    assert (first.id, first.kind, first.excluded_rule) == ("cpu", "cpu", "")
    assert first.memory_total_bytes == psutil.virtual_memory().total
    assert 0 < first.memory_free_bytes <= first.memory_total_bytes
    assert first.memory_free_bytes + first.memory_used_bytes == first.memory_total_bytes
    assert len(second.host.cpu_utilisation) == psutil.cpu_count()
    assert all(0 <= share <= 1 for share in second.host.cpu_utilisation)
    assert second.utilisation is not None
    assert second.host.load is not None
    assert second.host.memory_limit_bytes is None


def test_the_cgroups_limit_bounds_what_is_free(tmp_path):
    for name, text in (("max", "1000000"), ("current", "400000"), ("stat", "inactive_file 100000")):
        (tmp_path / f"memory.{name}").write_text(text)
    groups = MemoryGroups(((tmp_path, ("memory.max", "memory.current", "inactive_file")),))
    facts = HostReader(groups=groups).sample()
    assert facts.memory_free_bytes == 700_000
    assert (facts.host.memory_limit_bytes, facts.host.memory_limit_used_bytes) == (1_000_000, 300_000)
    (tmp_path / "memory.max").write_text("max")
    assert HostReader(groups=groups).sample().host.memory_limit_bytes is None


@pytest.mark.parametrize("figures", ["Node 1 MemTotal: 2048 kB\nNode 1 MemFree: 1024 kB\n", "nonsense", None])
def test_parts_of_memory(tmp_path, figures):
    node = tmp_path / "node1"
    node.mkdir()
    (node / "cpulist").write_text("4-7\n")
    if figures is not None:
        (node / "meminfo").write_text(figures)
    (told,) = HostReader(tmp_path).sample().host.numa
    assert (told.number, told.cpus) == (1, "4-7")
    known = (2048 * 1024, 1024 * 1024) if figures and "MemTotal" in figures else (None, None)
    assert (told.memory_total_bytes, told.memory_free_bytes) == known
