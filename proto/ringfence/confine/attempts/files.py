"""Files of others: places to leave something in, secrets to read, switches of the kernel's."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringfence.confine import places
from ringfence.confine.attempts.kernel import call, permitted
from ringfence.confine.attempts.outcome import Given, NotHere

PLACES: Final = {
    "etc": "/etc",
    "usr": "/usr/local/lib",
    "var-tmp": "/var/tmp",  # noqa: S108 - whether one may write there is the question
    "tmp": "/tmp",  # noqa: S108
    "dev-shm": "/dev/shm",  # noqa: S108
    "run": "/run",
    "run-lock": "/run/lock",
    "var-log": "/var/log",
    "var-spool": "/var/spool/cron",
    "home": "~",
}
"""Where something could be left for others, or for later; each is an attempt of its own."""

SWITCHES: Final = {
    "core-pattern": ("/proc/sys/kernel/core_pattern",),
    "sysctl": ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/sysrq", "/proc/sys/vm/drop_caches"),
    "sysrq": ("/proc/sysrq-trigger",),
    "sys": ("/sys/kernel/mm/ksm/run", "/sys/power/state", "/sys/kernel/uevent_seqnum", "/sys/bus/pci/rescan"),
    "cgroup": ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/cgroup.subtree_control"),
    "binfmt": ("/proc/sys/fs/binfmt_misc/register",),
    "debugfs": ("/sys/kernel/debug/tracing/trace", "/sys/kernel/tracing/trace"),
    "oom": ("/proc/1/oom_score_adj",),
}
"""Files of the kernel's by which the whole machine is changed; they are opened and not written."""

DEVICES: Final = {
    "dev-mem": ("/dev/mem", "/dev/kmem", "/dev/port"),
    "dev-kmsg": ("/dev/kmsg",),
    "dev-disk": ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/xvda", "/dev/dm-0", "/dev/loop0"),
    "dev-input": ("/dev/input/event0", "/dev/uinput", "/dev/uhid"),
    "dev-net": ("/dev/net/tun", "/dev/vhost-net", "/dev/vhost-vsock", "/dev/ppp"),
    "dev-kvm": ("/dev/kvm",),
    "dev-fuse": ("/dev/fuse",),
}
"""Devices that no process of ours has use for."""

_SECRETS: Final = (
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/root/.ssh",
    "/etc/ssl/private",
    "/etc/machine-id.key",
)
_WATCHED: Final = ("/root", "/home", "/etc/ssl/private", "/var/spool/cron", "/var/log/journal")
_IN_CREATE: Final = 0x100  # <linux/inotify.h>
_FAN_CLASS_NOTIF: Final = 0  # <linux/fanotify.h>
_S_IFCHR: Final = 0o020000
_DEVICE_MEM: Final = 0x101  # /dev/mem: major 1, minor 1 (Documentation/admin-guide/devices.txt)


def write(place: str) -> Callable[[Given], str]:
    """An attempt to leave a file at one of `PLACES`; it is removed at once."""

    def attempt(given: Given) -> str:
        folder = places.at_home(PLACES[place])
        if not folder.is_dir():
            raise NotHere(f"{folder} is not here")
        with tempfile.NamedTemporaryFile(prefix=".ringfence-escape-", dir=folder) as file:
            file.write(b"ringfence escape attempt\n")
        return f"wrote a file in {folder}"

    return attempt


def switch(name: str) -> Callable[[Given], str]:
    """An attempt to open one of `SWITCHES` for writing."""
    return _opening(SWITCHES[name], os.O_WRONLY)


def device(name: str) -> Callable[[Given], str]:
    """An attempt to open one of `DEVICES`."""
    return _opening(DEVICES[name], os.O_RDONLY | os.O_NONBLOCK)


def secrets(given: Given) -> str:
    """Files that hold the machine's secrets."""
    return _opening(_SECRETS, os.O_RDONLY)(given)


def watch(given: Given) -> str:
    """Be told of what happens to others' files (inotify(7))."""
    watching = call("inotify_init1", 0)
    refused: OSError | None = None
    for folder in _WATCHED:
        try:
            call("inotify_add_watch", watching, folder.encode(), _IN_CREATE)
        except OSError as error:
            refused = error
        else:
            return f"is told of what happens in {folder}"
    raise refused or NotHere("nothing to watch")


def watch_all(given: Given) -> str:
    """Be told of what happens to all files (fanotify(7))."""
    os.close(call("fanotify_init", _FAN_CLASS_NOTIF, os.O_RDONLY))
    return "is told of what happens to files"


def by_handle(given: Given) -> str:
    """Open a file by the kernel's own name for it, past every folder's permissions (open_by_handle_at(2))."""
    return permitted("open_by_handle_at", os.open("/", os.O_RDONLY), 0, 0)


def make_device(given: Given) -> str:
    """Make a device of one's own: the machine's memory."""
    with tempfile.TemporaryDirectory(prefix="ringfence-escape-", dir=writable(given)) as folder:
        file = Path(folder) / "mem"
        os.mknod(file, 0o600 | _S_IFCHR, _DEVICE_MEM)
        file.unlink()
        return "made a device"


def writable(given: Given) -> str:
    """The first folder in which this process may write.

    Raises:
        PermissionError: there is none.
    """
    for place in (*given.writable, ".", *PLACES.values()):
        folder = places.at_home(place)
        try:
            with tempfile.NamedTemporaryFile(prefix=".ringfence-escape-", dir=folder):
                return str(folder.resolve())
        except OSError:
            continue
    raise PermissionError(errno.EPERM, "there is no folder to write in")


def _opening(paths: tuple[str, ...], flags: int) -> Callable[[Given], str]:
    def attempt(given: Given) -> str:
        refused: OSError | None = None
        for path in paths:
            try:
                os.close(os.open(path, flags))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                refused = error
            else:
                return f"opened {path}"
        if refused is None:
            raise NotHere("none is here: " + ", ".join(paths))
        raise refused

    return attempt
