"""Where things lie that processes of ours need to read or run: Python, libraries, names of hosts, GPUs."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path
from typing import Final

from ringfence.confine.walls import joined

SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"),
    *("/nix/store", "/gnu/store", "/run/current-system"),
)
"""Programs and libraries, as distributions lay them out (FHS 3.0; Nix and Guix have a tree of their own)."""

LIBRARIES: Final = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/localtime"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies", "/etc/alternatives"),
    *(
        "/etc/resolv.conf",
        "/etc/services",
        "/etc/protocols",
        "/etc/os-release",
        "/etc/debian_version",
        "/etc/mime.types",
    ),
)
"""What the C library, OpenSSL and Python read of /etc."""

RESOLVING: Final = ("/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/connman")
"""What a process that looks names up reads. The folder, not its files: a file that is replaced is another file to
Landlock, and resolv.conf is replaced whenever the machine's network changes."""

GPU_RUNTIME: Final = ("/etc/OpenCL", "/etc/vulkan", "/etc/nvidia", "/usr/share/nvidia", "/run/nvidia-persistenced")
"""What drivers of GPUs read beside their libraries."""

HARMLESS_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Devices that everything may use."""

SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - where shm_open(3) puts it
"""Where engines of several processes share memory."""


NO_HOME: Final = "/nonexistent"
"""The home of who has none, as Debian's policy names it (section 9.2.3); nothing is there."""


def at_home(path: str) -> Path:
    """A path with its ``~`` resolved; below `NO_HOME` where this user has no home, as a container's often has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path.replace("~", NO_HOME, 1))


def python() -> tuple[str, ...]:
    """All that this Python needs to read: its own tree, the one that it was made from, and every folder of modules."""
    modules = [path for path in (*sys.path, *site.getsitepackages()) if path and Path(path).exists()]
    return joined(interpreters(), map(os.path.abspath, modules))


def interpreters(*further: Path) -> tuple[str, ...]:
    """Where this Python's own programs are, to be started; folders of modules are none of them, for one may be written.

    Args:
        further: interpreters of other virtual environments.
    """
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.path.realpath(sys.executable)))  # noqa: PTH120
    return joined(own, *(_environment(one) for one in further))


def resolved(*paths: Path) -> tuple[str, ...]:
    """Paths as they stand, and where they lead."""
    return joined([str(one) for path in paths for one in (path.absolute(), path.resolve())])


def gpus() -> tuple[str, ...]:
    """The devices of GPUs on this machine, and of what connects several."""
    patterns = ("nvidia*", "dri", "kfd", "infiniband")
    return tuple(sorted(str(path) for pattern in patterns for path in Path("/dev").glob(pattern)))


def _environment(interpreter: Path) -> tuple[str, ...]:
    """A virtual environment's folder, and where the Python lies that it was made from (PEP 405)."""
    real = Path(os.path.realpath(interpreter))
    return str(interpreter.absolute().parent.parent), str(real.parent.parent)
