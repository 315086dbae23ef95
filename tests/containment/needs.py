"""What a machine must have for a stage, and why it has it not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

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


def namespaces() -> str:
    """Why there can be no network namespaces here; empty where there can."""
    if sys.platform != "linux":
        return "this is no Linux"
    if os.geteuid() != 0:
        return "not root: namespaces, nftables and captures are root's"
    return _missing(TOOLS) or _refused("--net", "nft", "list", "ruleset") or _refused("--mount", "true")


def machine() -> str:
    """Why no systemd can be booted here; empty where it can."""
    return namespaces() or _missing(MACHINE_TOOLS) or _no_cgroups()


def _missing(tools: dict[str, str]) -> str:
    packages = sorted({package for tool, package in tools.items() if not shutil.which(tool)})
    return f"not installed: {', '.join(packages)} (Debian: apt install {' '.join(packages)})" if packages else ""


def _refused(*arguments: str) -> str:
    tried = subprocess.run(["unshare", *arguments], capture_output=True, text=True, timeout=20, check=False)
    return f"`unshare {' '.join(arguments)}` is refused here: {tried.stderr.strip()}" if tried.returncode else ""


def _no_cgroups() -> str:
    with open("/proc/self/mounts", encoding="utf-8") as mounts:  # noqa: PTH123 - a line each
        kinds = {line.split()[2] for line in mounts}
    return "" if "cgroup2" in kinds else "no cgroup2 is mounted: systemd's address filters hang on it"
