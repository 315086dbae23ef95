"""What the filter refuses: judged by the same interpreter, for a daemon's, an agent's and an engine's walls."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bpf import ARCHITECTURES, judged
from ringfence.confine.bpf import Action, assemble
from ringfence.confine.filtering import NEWEST, rules
from ringfence.confine.numbers import number
from ringfence.confine.walls import Walls

INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
NOTHING = Walls()
LISTENING = Walls(families=INTERNET, starts_programs=True)
AGENT = Walls(families=INTERNET, has_datagrams=True)
VLLM = Walls(families=INTERNET | {16}, connects=None, writes_code=True, leaves_network=True, starts_programs=True)
ALL = [NOTHING, LISTENING, AGENT, VLLM]
MACHINES = ["x86_64", "aarch64"]


def told(walls, call, *arguments, on="x86_64"):
    program = assemble(rules(walls), on, NEWEST)
    filled = [*arguments, *[0] * (6 - len(arguments))]
    return judged(program, number(call, on), filled, ARCHITECTURES[on])


@pytest.mark.parametrize("on", MACHINES)
@pytest.mark.parametrize("walls", ALL)
@pytest.mark.parametrize(
    "call",
    [
        *(
            "io_uring_setup",
            "io_uring_enter",
            "ptrace",
            "process_vm_readv",
            "pidfd_getfd",
            "bpf",
            "mount",
            "kexec_load",
        ),
        *("keyctl", "perf_event_open", "userfaultfd", "setns", "chroot", "finit_module", "execveat", "inotify_init1"),
    ],
)
def test_nothing_of_ours_gets_these(walls, call, on):
    assert told(walls, call, on=on) is Action.NOT_PERMITTED


@given(st.integers(0, 60), st.integers(0, 2**31 - 1), st.integers(0, 300))
def test_without_families_only_unix_sockets_are_made(family, kind, protocol):
    expected = Action.ALLOW if family == socket.AF_UNIX else Action.NO_SUCH_FAMILY
    assert told(NOTHING, "socket", family, kind, protocol) is expected


@given(st.sampled_from(sorted(INTERNET)), st.integers(0, 15), st.integers(0, 300), st.sampled_from([0, 0o2000000]))
def test_of_the_internet_only_tcp_and_udp_where_a_resolver_needs_it(family, kind, protocol, flags):
    """Multipath TCP (262), SCTP (132) and raw sockets are around what looks at TCP."""
    plain = protocol in {0, socket.IPPROTO_TCP, socket.IPPROTO_UDP}
    listening = Action.ALLOW if plain and kind == 1 else Action.NO_SUCH_FAMILY
    agent = Action.ALLOW if plain and kind in {1, 2} else Action.NO_SUCH_FAMILY
    assert told(LISTENING, "socket", family, kind | flags, protocol) is listening
    assert told(AGENT, "socket", family, kind | flags, protocol) is agent


def test_of_netlink_only_the_protocol_that_tells_of_interfaces():
    assert told(VLLM, "socket", 16, 3, 0) is Action.ALLOW
    assert told(VLLM, "socket", 16, 3, 12) is Action.NO_SUCH_FAMILY
    assert told(LISTENING, "socket", 16, 3, 0) is Action.NO_SUCH_FAMILY


@pytest.mark.parametrize(("call", "at"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_no_connection_begins_with_its_first_bytes(call, at):
    """MSG_FASTOPEN connects without connect(2)."""
    plain, fast = [0] * 6, [0] * 6
    plain[at], fast[at] = 0x4000, 0x20004000
    assert told(AGENT, call, *plain) is Action.ALLOW
    assert told(AGENT, call, *fast) is Action.NOT_PERMITTED


@given(st.integers(0, 7))
def test_memory_is_written_or_executed(protection):
    both = protection & 6 == 6
    assert (told(NOTHING, "mmap", 0, 4096, protection) is Action.ALLOW) is not both
    assert (told(NOTHING, "mprotect", 0, 4096, protection) is Action.ALLOW) is not bool(protection & 4)
    assert told(VLLM, "mmap", 0, 4096, protection) is Action.ALLOW
    assert told(VLLM, "mprotect", 0, 4096, protection) is Action.ALLOW


def test_files_in_memory_are_for_callbacks_alone():
    assert told(NOTHING, "memfd_create") is Action.NOT_PERMITTED
    assert told(Walls(makes_callbacks=True), "memfd_create") is Action.ALLOW


@given(st.integers(0, 0o7777))
def test_no_file_runs_as_its_owner(mode):
    refused = bool(mode & 0o6000)
    for call, arguments in {"fchmod": (3, mode), "fchmodat": (0, 0, mode), "mknodat": (0, 0, mode)}.items():
        assert (told(NOTHING, call, *arguments) is not Action.ALLOW) is refused
    assert (told(NOTHING, "openat", 0, 0, 0o102, mode) is not Action.ALLOW) is refused
    # what stands there when nothing is made is no mode
    assert told(NOTHING, "openat", 0, 0, 0, mode) is Action.ALLOW


def test_devices_are_not_made():
    assert told(NOTHING, "mknodat", 0, 0, 0o020600) is Action.NOT_PERMITTED
    assert told(NOTHING, "mknodat", 0, 0, 0o060600) is Action.NOT_PERMITTED
    assert told(NOTHING, "mknodat", 0, 0, 0o010600) is Action.ALLOW


def test_namespaces_are_not_made_but_an_engines_own_network():
    user, network, mounts = 0x10000000, 0x40000000, 0x20000
    for one in (user, network, mounts):
        assert told(VLLM, "clone", one | 17) is Action.NOT_PERMITTED
        assert told(NOTHING, "unshare", one) is Action.NOT_PERMITTED
    assert told(VLLM, "unshare", user | network) is Action.ALLOW
    assert told(VLLM, "unshare", user | mounts) is Action.NOT_PERMITTED
    assert told(NOTHING, "clone", 0x3D0F00) is Action.ALLOW  # a thread, as glibc makes it
    assert told(NOTHING, "clone3") is Action.NO_SUCH_CALL


def test_programs_are_started_where_that_is_left():
    assert told(NOTHING, "execve") is Action.NOT_PERMITTED
    assert told(LISTENING, "execve") is Action.ALLOW


def test_limits_of_others_stay():
    assert told(LISTENING, "prlimit64", 0, 7) is Action.ALLOW
    assert told(LISTENING, "prlimit64", 4711, 7) is Action.NOT_PERMITTED


@pytest.mark.parametrize("walls", ALL)
@pytest.mark.parametrize("on", MACHINES)
def test_what_every_process_needs_stays(walls, on):
    for call in ("connect", "accept4", "bind", "listen", "kill", "ioctl", "mmap", "pidfd_open", "seccomp", "prctl"):
        assert told(walls, call, on=on) is Action.ALLOW
    assert told(walls, "personality", 0xFFFFFFFF, on=on) is Action.ALLOW
