"""Which system calls a process may not make, given its walls: the rules behind the filter. Pure.

What is allowed is not listed: libraries and kernels differ too much for that, and units of systemd and container
runtimes bring such a list. What is denied here is what leads out, up, or into others, whoever else watches.
"""

from __future__ import annotations

import socket
from typing import Final

from ringfence.confine.bpf import WORD, Action, Condition, Rule
from ringfence.confine.walls import Walls

NEWEST: Final = 467
"""Highest number that these rules know (Linux 6.16); what comes later does not exist for our processes."""

_DENIED: Final = (
    # Past the filter: a ring makes sockets, opens and connects without system calls (io_uring(7)).
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # Into other processes.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd"),
    # Into the kernel.
    *("bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "init_module", "finit_module"),
    *("delete_module", "create_module", "get_kernel_syms", "query_module", "modify_ldt", "lookup_dcookie"),
    *("nfsservctl", "uselib", "_sysctl", "afs_syscall", "sysfs", "ustat", "vhangup", "lsm_set_self_attr"),
    # Other views of files, and of the machine.
    *("mount", "umount2", "pivot_root", "chroot", "setns", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("move_mount", "open_tree", "open_tree_attr", "mount_setattr", "statmount", "listmount", "open_by_handle_at"),
    *("fanotify_init", "inotify_init", "inotify_init1"),
    # Keys that outlive processes.
    *("add_key", "request_key", "keyctl"),
    # The whole machine's settings.
    *("reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "sethostname", "setdomainname"),
    *("settimeofday", "clock_settime", "iopl", "ioperm", "syslog", "sched_setattr"),
    # Programs that stand in no file.
    "execveat",
)

_NAMESPACES: Final = 0x7E020000  # CLONE_NEW* of <linux/sched.h>: mount, cgroup, uts, ipc, user, pid, net
_OWN_NETWORK: Final = 0x50000000  # CLONE_NEWUSER | CLONE_NEWNET
_SUID_SGID: Final = 0o6000
_CREATES: Final = 0o20000100  # O_CREAT | __O_TMPFILE of <asm-generic/fcntl.h>
_KIND_OF_FILE: Final = 0o170000
_DEVICES: Final = (0o020000, 0o060000)  # S_IFCHR, S_IFBLK
_WRITE_EXECUTE: Final = 6  # PROT_WRITE | PROT_EXEC of <asm-generic/mman-common.h>
_EXECUTE: Final = 4
_SHM_EXEC: Final = 0o100000  # <linux/shm.h>
_REALTIME: Final = (1, 2)  # SCHED_FIFO, SCHED_RR of <linux/sched.h>
_SAME_PERSONALITY: Final = 0xFFFFFFFF  # only asks (personality(2))
_TYPE_OF_SOCKET: Final = 0xF  # SOCK_TYPE_MASK of <linux/net.h>
_FAST_OPEN: Final = 0x20000000  # MSG_FASTOPEN of <linux/socket.h>
_TCP_ULP: Final = 31  # <linux/tcp.h>
_TIOCSTI: Final = 0x5412  # <asm-generic/ioctls.h>
_TIOCLINUX: Final = 0x541C


def rules(walls: Walls) -> tuple[Rule, ...]:
    """What the kernel is to refuse."""
    return (
        *_sockets(walls),
        *_memory(walls),
        *_files(),
        *_processes(walls),
        *(Rule(call) for call in _DENIED),
    )


def _sockets(walls: Walls) -> tuple[Rule, ...]:
    """Families by the first argument of socket(2); of the internet's, TCP and where allowed UDP, nothing beside them.

    Multipath TCP, SCTP and the like are stream sockets too, and what looks at TCP sockets (Landlock) misses them; so
    does a connection that begins with a sendto(2) (RFC 7413).
    """
    families = sorted({socket.AF_UNIX, *walls.families})
    refused = Action.NO_SUCH_FAMILY
    others = tuple(Condition(0, family, is_equal=False) for family in families)
    found = [Rule("socket", others, refused), Rule("socketpair", (Condition(0, socket.AF_UNIX, is_equal=False),))]
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if walls.has_datagrams else (socket.SOCK_STREAM,)
    protocols = (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP)
    for family in sorted(walls.families):
        of_family = Condition(0, family)
        if family == socket.AF_NETLINK:  # of its protocols only the one that tells of interfaces
            found.append(Rule("socket", (of_family, Condition(2, 0, is_equal=False)), refused))
            continue
        not_kinds = tuple(Condition(1, kind, _TYPE_OF_SOCKET, is_equal=False) for kind in kinds)
        not_protocols = tuple(Condition(2, protocol, is_equal=False) for protocol in protocols)
        found += [
            Rule("socket", (of_family, *not_kinds), refused),
            Rule("socket", (of_family, *not_protocols), refused),
        ]
    if walls.families:
        flags = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
        found += [Rule(call, (Condition(at, _FAST_OPEN, _FAST_OPEN),)) for call, at in flags.items()]
        found.append(Rule("setsockopt", (Condition(1, socket.IPPROTO_TCP), Condition(2, _TCP_ULP))))
    return tuple(found)


def _memory(walls: Walls) -> tuple[Rule, ...]:
    """No memory is both written and executed, unless the process compiles code."""
    found = [Rule("personality", (Condition(0, 0, is_equal=False), Condition(0, _SAME_PERSONALITY, is_equal=False)))]
    if not walls.writes_code:
        found += [
            Rule("mmap", (Condition(2, _WRITE_EXECUTE, _WRITE_EXECUTE),)),
            Rule("mprotect", (Condition(2, _EXECUTE, _EXECUTE),)),
            Rule("pkey_mprotect", (Condition(2, _EXECUTE, _EXECUTE),)),
            Rule("shmat", (Condition(2, _SHM_EXEC, _SHM_EXEC),)),
        ]
    if not (walls.makes_callbacks or walls.writes_code):
        found.append(Rule("memfd_create"))
    return tuple(found)


def _files() -> tuple[Rule, ...]:
    """No file that runs as its owner, no device of our own, nothing typed into a terminal."""
    special = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mkdir": 1, "mkdirat": 2, "creat": 1}
    special |= {"mknod": 1, "mknodat": 2}
    found = [Rule(call, (Condition(at, 0, _SUID_SGID, is_equal=False),)) for call, at in special.items()]
    for call, at in {"open": 1, "openat": 2}.items():
        creates = Condition(at, 0, _CREATES, is_equal=False)
        found.append(Rule(call, (creates, Condition(at + 1, 0, _SUID_SGID, is_equal=False))))
    for call, at in {"mknod": 1, "mknodat": 2}.items():
        found += [Rule(call, (Condition(at, kind, _KIND_OF_FILE),)) for kind in _DEVICES]
    found += [Rule("ioctl", (Condition(1, request),)) for request in (_TIOCSTI, _TIOCLINUX)]
    return tuple(found)


def _processes(walls: Walls) -> tuple[Rule, ...]:
    """No namespaces by clone(2); clone3(2) is told not to exist, for its flags stand where no filter looks."""
    found = [Rule("clone", (Condition(0, 0, _NAMESPACES, is_equal=False),))]
    found.append(Rule("clone3", action=Action.NO_SUCH_CALL))
    beyond = WORD ^ (_OWN_NETWORK if walls.leaves_network else 0)
    found.append(Rule("unshare", (Condition(0, 0, beyond, is_equal=False),)))
    found += [Rule("sched_setscheduler", (Condition(1, policy),)) for policy in _REALTIME]
    found.append(Rule("prlimit64", (Condition(0, 0, is_equal=False),)))  # another process's limits
    if not walls.starts_programs:
        found.append(Rule("execve"))
    return tuple(found)
