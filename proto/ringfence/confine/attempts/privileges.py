"""The kernel's own doors: namespaces, mounts, programs in the kernel, modules, clocks, and becoming somebody else."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Callable
from typing import Final

from ringfence.confine.attempts.kernel import call, permitted
from ringfence.confine.attempts.outcome import Given, NotHere

NAMESPACES: Final = {
    "user": 0x10000000, "net": 0x40000000, "mount": 0x00020000, "pid": 0x20000000, "uts": 0x04000000,
}  # fmt: skip
"""CLONE_NEW* of <linux/sched.h>; each is an attempt of its own."""

_BPF_MAP_CREATE: Final = 0  # <linux/bpf.h>
_BPF_ATTR_BYTES: Final = 128
_PERF_ATTR_BYTES: Final = 112  # PERF_ATTR_SIZE_VER5, <linux/perf_event.h>
_PERF_TYPE_SOFTWARE: Final = 1
_KEYCTL_JOIN_SESSION_KEYRING: Final = 1  # <linux/keyctl.h>
_KEY_SPEC_PROCESS_KEYRING: Final = -2
_SYSLOG_ACTION_READ_ALL: Final = 3  # syslog(2)
_PR_CAP_AMBIENT: Final = 47  # <linux/prctl.h>
_MODULE_INIT: Final = 0


def unshare(kind: str) -> Callable[[Given], str]:
    """An attempt to get a namespace of its own, in which it would be root."""

    def attempt(given: Given) -> str:
        call("unshare", NAMESPACES[kind])
        return f"has a {kind} namespace of its own"

    return attempt


def clone_user(given: Given) -> str:
    """The same by clone(2), past what looks at unshare(2)."""
    child = call("clone", NAMESPACES["user"] | 17, 0, 0, 0, 0)  # 17: SIGCHLD
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "has a child in a user namespace of its own"


def clone3_user(given: Given) -> str:
    """The same by clone3(2), whose flags stand in memory where no filter looks."""
    arguments = ctypes.create_string_buffer(NAMESPACES["user"].to_bytes(8, "little") + bytes(56), 64)
    ctypes.memmove(ctypes.addressof(arguments) + 32, (17).to_bytes(8, "little"), 8)
    child = call("clone3", ctypes.addressof(arguments), 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "has a child in a user namespace of its own"


def join_network(given: Given) -> str:
    """Step into another process's network."""
    held = os.open(f"/proc/{given.pid}/ns/net", os.O_RDONLY)
    call("setns", held, NAMESPACES["net"])
    return f"is in the network of process {given.pid}"


def join_mounts(given: Given) -> str:
    """Step into another process's view of the file system."""
    held = os.open(f"/proc/{given.pid}/ns/mnt", os.O_RDONLY)
    call("setns", held, NAMESPACES["mount"])
    return f"is in the mount namespace of process {given.pid}"


def mount(given: Given) -> str:
    """Mount a file system; its type exists nowhere."""
    return permitted("mount", b"none", b"/", b"ringfence-none", 0, 0)


def open_file_system(given: Given) -> str:
    """The newer way to the same (fsopen(2))."""
    os.close(call("fsopen", b"tmpfs", 0))
    return "made a file system"


def clone_mount(given: Given) -> str:
    """A copy of a mount, without what is mounted over it (open_tree(2))."""
    os.close(call("open_tree", -100, b"/", 1))  # AT_FDCWD, OPEN_TREE_CLONE
    return "copied the root's mount"


def unmount(given: Given) -> str:
    """Take a mount away; nothing is mounted there."""
    return permitted("umount2", b"/proc/self/status", 0)


def chroot(given: Given) -> str:
    """Another root: through it, what a path means is no longer what was judged."""
    call("chroot", b"/")
    return "changed its root"


def pivot_root(given: Given) -> str:
    """The same for a whole namespace."""
    return permitted("pivot_root", b"/", b"/")


def bpf(given: Given) -> str:
    """A program in the kernel begins with a map there (bpf(2))."""
    attributes = ctypes.create_string_buffer(_BPF_ATTR_BYTES)
    for at, value in enumerate((2, 4, 4, 1)):  # an array of one: type, sizes of key and value, entries
        ctypes.memmove(ctypes.addressof(attributes) + 4 * at, value.to_bytes(4, "little"), 4)
    os.close(call("bpf", _BPF_MAP_CREATE, ctypes.addressof(attributes), 48))
    return "made a map in the kernel"


def perf(given: Given) -> str:
    """Measure what runs on the machine (perf_event_open(2))."""
    attributes = ctypes.create_string_buffer(_PERF_ATTR_BYTES)
    head = _PERF_TYPE_SOFTWARE.to_bytes(4, "little") + _PERF_ATTR_BYTES.to_bytes(4, "little")
    ctypes.memmove(attributes, head, 8)
    os.close(call("perf_event_open", ctypes.addressof(attributes), 0, -1, -1, 0))
    return "measures"


def keyring(given: Given) -> str:
    """The kernel's keyrings, which outlive processes."""
    return f"has session keyring {call('keyctl', _KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)}"


def add_key(given: Given) -> str:
    """Leave something in a keyring."""
    return f"added key {call('add_key', b'user', b'ringfence-escape', b'x', 1, _KEY_SPEC_PROCESS_KEYRING)}"


def kexec(given: Given) -> str:
    """Another kernel; with more segments than there may be."""
    return permitted("kexec_load", 0, 1 << 20, 0, 0)


def load_module(given: Given) -> str:
    """Code in the kernel; from no file."""
    return permitted("finit_module", -1, b"", 0)


def load_module_from_memory(given: Given) -> str:
    """The same; from no memory."""
    return permitted("init_module", 0, _MODULE_INIT, b"")


def unload_module(given: Given) -> str:
    """Take code out of the kernel that exists nowhere."""
    return permitted("delete_module", b"ringfence_none", os.O_NONBLOCK)


def ports(given: Given) -> str:
    """The machine's input and output ports."""
    if platform.machine() != "x86_64":
        raise NotHere("this machine has none")
    call("ioperm", 0x80, 1, 1)
    return "has a port"


def swap(given: Given) -> str:
    """Have memory written to a file that is not there."""
    return permitted("swapon", b"/proc/self/none", 0)


def reboot(given: Given) -> str:
    """Restart the machine; with a wrong magic number."""
    return permitted("reboot", 0, 0, 0, 0)


def kernel_log(given: Given) -> str:
    """The kernel's messages, in which addresses and names stand."""
    text = ctypes.create_string_buffer(64)
    return f"read {call('syslog', _SYSLOG_ACTION_READ_ALL, ctypes.addressof(text), 64)} bytes"


def rename_host(given: Given) -> str:
    """The machine's name, set to what it is."""
    name = os.uname().nodename.encode()
    call("sethostname", name, len(name))
    return "set the machine's name"


def quota(given: Given) -> str:
    """File systems' quotas, of a file system that is not there."""
    return permitted("quotactl", 0x800002 << 8, b"/proc/self/none", 0, 0)


def realtime(given: Given) -> str:
    """Take a core for itself."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "runs before everything else"


def become_root(given: Given) -> str:
    """Be the machine's administrator."""
    os.setuid(0)
    if not _has_capabilities():
        raise PermissionError(errno.EPERM, "root without a capability")
    return "is root"


def other_machine_code(given: Given) -> str:
    """System calls of the machine's older code, whose numbers mean something else to a filter."""
    if platform.machine() != "x86_64":
        raise NotHere("this machine has none")
    # getppid(2) by the number that x32 has for it: 0x40000000 over x86-64's (Documentation/arch/x86/x86_64).
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(0x40000000 + 110)) != -1:
        return "calls the kernel by x32's numbers"
    code = ctypes.get_errno()
    if code == errno.ENOSYS:
        raise NotHere("this kernel has no x32")
    raise OSError(code, os.strerror(code))


def _has_capabilities() -> bool:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - a file of the kernel's
        return any(line.startswith("CapEff") and int(line.split()[1], 16) for line in status)
