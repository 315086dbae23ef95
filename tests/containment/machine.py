"""A machine with a real systemd as its first process, booted in systemd-nspawn in the site's network.

It sees an overlay of this machine's root (`rooted`), with Ringfence installed as docs/deploy.md says (`package`). It
ends with this process, whatever ends it, and leaves nothing but what it left in its own memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from containment import package
from containment.namespaces import DIE_WITH_US, checked, until
from containment.network import Network

BOOT_S = 60.0
"""A boot takes a second or two."""

RESULTS = "/srv/results"
"""Where services leave what they say; a folder that none of them can see."""

_ROOTED = Path(__file__).with_name("rooted.py")
# systemd-nspawn's own filter would do the units' work: what they forbid must be possible on the machine.
_NSPAWN = (
    *("systemd-nspawn", "--quiet", "--directory=ROOT", "--machine=ringfence-containment"),
    *("--register=no", "--private-users=no", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
    *("--capability=CAP_BPF,CAP_NET_ADMIN,CAP_NET_RAW,CAP_PERFMON,CAP_IPC_LOCK,CAP_SYS_RESOURCE", "--console=pipe"),
    "--system-call-filter=bpf perf_event_open userfaultfd @keyring @io-event @aio",
)
_BOOT = ("--boot", "systemd.unit=basic.target", "systemd.show_status=no")


class Machine:
    """The machine, booted; commands run in it as its root would."""

    def __init__(self, network: Network, folder: Path) -> None:
        """Install and boot it.

        Args:
            network: its site is the machine's network.
            folder: an empty one; not its memory, which is a tmpfs.

        Raises:
            AssertionError: it did not come up; with what was said.
        """
        self.certs = folder / "certs"
        self.certs.mkdir()
        tree, base = folder / "tree", folder / "memory"
        tree.mkdir()
        base.mkdir()
        binds = package.build(tree, self.certs)
        self._said = folder / "boot.log"
        self._cgroup = _cgroup()
        plan = {
            "base": str(base),
            "tree": str(tree),
            "binds": binds,
            "cgroup": str(self._cgroup or ""),
            "environment": {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            "command": [
                *_NSPAWN,
                *(["--keep-unit"] if self._cgroup else []),
                f"--network-namespace-path={network.site.path}",
                *_BOOT,
            ],
        }
        command = ["unshare", "--mount", "--propagation=private", sys.executable, str(_ROOTED), json.dumps(plan)]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        try:
            self._settle()
        except BaseException as error:
            self.close()
            raise AssertionError(f"the machine did not boot: {self._said.read_text(errors='replace')}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def leader(self) -> int:
        """The machine's first process, as this one's kernel numbers it; 0 while there is none."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = self._process.pid
            return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        return 0

    def path(self, name: str) -> Path:
        """A file of the machine's, as this process can open it."""
        return Path(f"/proc/{self.leader}/root") / name.lstrip("/")

    def entering(self, *command: str) -> list[str]:
        """The command line that runs `command` as the machine's root, with nothing of our environment."""
        return ["nsenter", f"--target={self.leader}", "--all", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin", *command]

    def run(self, *command: str, stdin: str | None = None, seconds_max: float = 60) -> str:
        """Run a command that must work; what it prints."""
        return checked(self.entering(*command), stdin=stdin, seconds_max=seconds_max)

    def does(self, *command: str) -> bool:
        """Whether a command works."""
        return subprocess.run(self.entering(*command), capture_output=True, timeout=60, check=False).returncode == 0

    def write(self, name: str, content: str) -> None:
        """Write a file of root's, which everybody can read."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod 644 "$1"', "sh", name, stdin=content)

    def journal(self, unit: str) -> str:
        """The last lines of a unit."""
        return self.run("journalctl", "--no-pager", "--output=cat", "--lines=60", f"--unit={unit}")

    def close(self) -> None:
        """End it, and every process in it."""
        self._process.kill()
        self._process.wait()
        if self._cgroup:
            (self._cgroup / "cgroup.kill").write_text("1")
            until(lambda: "populated 0" in (self._cgroup / "cgroup.events").read_text(), "the end of the machine")
            for folder, _, _ in os.walk(self._cgroup, topdown=False):
                Path(folder).rmdir()

    def _settle(self) -> None:
        """Wait for the boot, then finish the installation as docs/deploy.md does."""
        until(lambda: self.leader and self.does("systemctl", "is-active", "--quiet", "basic.target"), "boot", BOOT_S)
        self.run("ldconfig")
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create", "ringfence.conf")
        self.run("mkdir", "--mode=700", RESULTS)


def _cgroup() -> Path | None:
    """A control group of its own, where nobody else manages them; None where this machine's systemd makes one."""
    if Path("/run/systemd/system").exists():
        return None
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    top = next(Path(line.split()[1]) for line in lines if line.split()[2] == "cgroup2")
    return Path(tempfile.mktemp(prefix="ringfence-containment-", dir=top))
