"""What a machine must have for a stage, and why it has it not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ringfenced.cli.doctoring.look_systemd import packet_filters

TOOLS = {
    "ip": "iproute2",
    "nft": "nftables",
    "dumpcap": "tshark",
    "tshark": "tshark",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "sysctl": "procps",
}
"""Commands of the first stage, and the Debian package of each."""

MACHINE_TOOLS = {"systemd-nspawn": "systemd-container", "systemctl": "systemd"}
"""What the second takes as well."""

_ROOT = """mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir u w r && mknod u/gone c 0 0
mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w r"""
"""Makes a root as `rooted` does; a namespace of its own forgets it."""


def namespaces() -> str:
    """Why there can be no network namespaces here; empty where there can."""
    if sys.platform != "linux":
        return "this is no Linux"
    if os.geteuid() != 0:
        return "not root: namespaces, nftables and captures are root's"
    return _missing(TOOLS) or _refused("--net", "nft", "list", "ruleset") or _unmade()


def machine() -> str:
    """Why no systemd can be booted here; empty where it can."""
    return namespaces() or _missing(MACHINE_TOOLS) or _no_cgroups()


def _missing(tools: dict[str, str]) -> str:
    packages = sorted({package for tool, package in tools.items() if not shutil.which(tool)})
    return f"not installed: {', '.join(packages)} (Debian: apt install {' '.join(packages)})" if packages else ""


def _refused(*arguments: str) -> str:
    tried = subprocess.run(["unshare", *arguments], capture_output=True, text=True, timeout=20, check=False)
    return f"`unshare {' '.join(arguments)}` is refused here: {tried.stderr.strip()}" if tried.returncode else ""


def _unmade() -> str:
    if problem := _refused("--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", _ROOT):
        return f"no overlay of this machine's root can be made: {problem.rpartition(': ')[2]}"
    return ""


def _no_cgroups() -> str:
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines())
    top = next((Path(words[1]) for words in mounts if words[2] == "cgroup2"), None)
    if top is None:
        return "no cgroup2 is mounted: systemd's address filters hang on it"
    if not os.access(top, os.W_OK):
        return "cgroup2 is mounted read-only: no machine can have a group of its own"
    return "" if packet_filters(top) is not None else "bpf(2) is refused here: systemd's address filters are made by it"
