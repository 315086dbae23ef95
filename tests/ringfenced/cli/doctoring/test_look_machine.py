"""What is read of the kernel: here from folders that look like /proc and /sys."""

import os

import pytest

from ringfenced.cli.doctoring import look_machine
from ringfenced.cli.doctoring.memory import ProcessFacts, SwapFacts


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys").mkdir()
    return tmp_path


def put(place, text):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def process(machine, pid, *words, core="0", uid=0, group="system.slice/ringfenced.service"):
    folder = machine / "proc" / str(pid)
    put(folder / "cmdline", "\0".join(words) + "\0")
    put(folder / "limits", f"Limit  Soft  Hard  Units\nMax core file size        0                    {core}   bytes\n")
    put(folder / "status", f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    put(folder / "environ", "")
    put(folder / "cgroup", f"0::/{group}\n")


def test_our_processes_are_found_and_no_others(machine):
    process(machine, 7, "/usr/lib/ringfence/bin/python", "/usr/bin/ringfenced", "--config", "/etc/ringfence/a.toml")
    process(machine, 8, "python", "-P", "-m", "ringfence_agent", "--config", "b.toml", core="unlimited")
    process(machine, 9, "python", "-P", "-m", "ringfenced", "--config", "a.toml", "--worker", "0")
    process(machine, 10, "vi", "ringfenced")
    process(machine, 11, "python", "-m", "other", "--config", "x")
    put(machine / "proc/uptime", "1")
    found = look_machine.processes(machine / "proc", machine / "sys")
    assert [(each.name, each.pid, each.core_bytes_max) for each in found] == [
        ("ringfenced", 7, 0),
        ("ringfence-agent", 8, -1),
    ]


@pytest.mark.parametrize(("uid", "owner", "said"), [(4242, 4242, True), (4242, 0, False), (0, 0, None)])
@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
def test_the_kernel_gives_the_files_of_what_is_not_dumpable_to_root(machine, uid, owner, said):
    process(machine, 7, "ringfenced", "--config", "a", uid=uid)
    os.chown(machine / "proc/7/environ", owner, -1)
    assert look_machine.processes(machine / "proc", machine / "sys")[0].is_dumpable is said


@pytest.mark.parametrize(
    ("limits", "bytes_max"),
    [
        ({"system.slice/ringfenced.service": "0"}, 0),
        ({"system.slice": "0", "system.slice/ringfenced.service": "max"}, 0),
        ({"system.slice/ringfenced.service": "max"}, -1),
        ({}, None),
    ],
)
def test_what_a_control_group_may_swap(machine, limits, bytes_max):
    process(machine, 7, "ringfenced", "--config", "a")
    for group, limit in limits.items():
        put(machine / "sys/fs/cgroup" / group / "memory.swap.max", f"{limit}\n")
    assert look_machine.processes(machine / "proc", machine / "sys")[0].swap_bytes_max == bytes_max


def test_a_process_that_hides_everything_is_one_that_cannot_be_seen(machine):
    put(machine / "proc/7/cmdline", "ringfenced\0--config\0a\0")
    found = look_machine.processes(machine / "proc", machine / "sys")
    assert found == (ProcessFacts("ringfenced", 7, None, None, None),)


def test_swap_that_is_encrypted_or_in_memory_is_safe(machine):
    put(
        machine / "proc/swaps",
        "Filename Type Size Used Priority\n"
        "/dev/dm-1 partition 1 0 -2\n/dev/zram0 partition 1 0 5\n/swapfile file 1 0 -3\n",
    )
    put(machine / "sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n")
    assert look_machine.swaps(machine / "proc", machine / "sys") == (
        SwapFacts("/dev/dm-1", is_safe=True),
        SwapFacts("/dev/zram0", is_safe=True),
        SwapFacts("/swapfile", is_safe=False),
    )
    assert look_machine.swaps(machine / "sys", machine / "sys") == ()


def test_the_drivers_version(machine):
    assert look_machine.gpu_driver(machine / "proc") == ""
    said = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan  1 00:00:00 UTC 2026\nGCC version: 12\n"
    put(machine / "proc/driver/nvidia/version", said)
    assert look_machine.gpu_driver(machine / "proc") == "570.86.15"


def test_this_very_machine_can_be_looked_at():
    assert look_machine.is_clock_synchronised() in {True, False, None}
    look_machine.processes()
    look_machine.swaps()
