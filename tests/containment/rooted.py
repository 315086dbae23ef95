"""Becomes a machine: ``unshare --mount python rooted.py PLAN``, with a plan in JSON; runs as root, outside of tests.

The machine's root is an overlay of this one's, in memory: what is written there is gone with the process. What is
private here or would start services there is hidden. Mounts are this process's own, so that nobody has to undo them.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

EMPTIED = ("root", "home", "tmp", "srv", "opt", "mnt", "media", "var/tmp", "var/log/journal", "etc/apt")
"""Folders that the machine has for itself, empty."""
NO_SERVICES = ("etc/systemd/system", *(f"etc/rc{level}.d" for level in "0123456S"))
"""Where this machine's own services are switched on."""
KEPT = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr"})
"""What a machine has at its top, beside /var and the emptied; everything else of this one's is hidden."""

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9  # <linux/prctl.h>


def main() -> None:
    """Make the root, then become what the plan says."""
    plan = json.loads(sys.argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if plan["cgroup"]:
        _move_to(Path(plan["cgroup"]))
        _guard(Path(plan["cgroup"]))
    root = overlay(Path(plan["base"]), Path(plan["tree"]))
    for source, target in plan["binds"]:
        place = root / target.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        _mount("--rbind", source, str(place))
        _mount("-o", "remount,bind,ro", str(place))
    _mount("-t", "tmpfs", "tmpfs", "/run")  # systemd-nspawn keeps what it needs there
    command = [word.replace("=ROOT", f"={root}") for word in plan["command"]]
    os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **plan["environment"]})


def overlay(base: Path, tree: Path) -> Path:
    """This machine's root with `tree` over it and a memory's worth of writes; where it is."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(base))
    upper, work, root = (base / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    for name in (*EMPTIED, *NO_SERVICES):
        _empty(upper / name, like=Path("/") / name)
    for entry in Path("/").iterdir():
        if entry.name not in KEPT and entry.name != "var" and not (upper / entry.name).exists():
            os.mknod(upper / entry.name, stat.S_IFCHR, os.makedev(0, 0))  # overlayfs: nothing is there
    shutil.copytree(tree, upper, symlinks=True, dirs_exist_ok=True)
    _mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", str(root))
    return root


def _empty(folder: Path, like: Path) -> None:
    """A folder that hides the lower one's content (Documentation/filesystems/overlayfs.rst, opaque directories)."""
    folder.mkdir(parents=True, exist_ok=True)
    os.setxattr(folder, "trusted.overlay.opaque", b"y")
    if like.is_dir():
        shutil.copystat(like, folder)


def _move_to(cgroup: Path) -> None:
    cgroup.mkdir()
    (cgroup / "cgroup.procs").write_text(str(os.getpid()))


def _guard(cgroup: Path) -> None:
    """Leave somebody who ends the machine once this process has ended: systemd-nspawn, killed, leaves it running."""
    held = os.pidfd_open(os.getpid())
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork():
        os._exit(0)  # so that the guard is nobody's child: the machine's first process is to be the only one
    os.setsid()
    (cgroup.parent / "cgroup.procs").write_text(str(os.getpid()))
    select.select([held], [], [])
    (cgroup / "cgroup.kill").write_text("1")
    while "populated 1" in (cgroup / "cgroup.events").read_text():
        time.sleep(0.05)
    for folder, _, _ in os.walk(cgroup, topdown=False):
        Path(folder).rmdir()
    os._exit(0)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main()
