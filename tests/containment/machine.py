"""A machine with a real systemd as its first process, booted in systemd-nspawn in the site's network.

It sees an overlay of this machine's root (`rooted`), with Ringfence installed as docs/deploy.md says: a packager laid
the files out (`package`), and `ringfence install` on the machine does the rest. It ends with this process, whatever
ends it, and leaves nothing but what it left in its own memory.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from containment.host import ROOT, Host
from containment.namespaces import until
from containment.network import Network

BOOT_S = 60.0
"""A boot takes a second or two."""

RESULTS = "/srv/results"
"""Where services leave what they say; a folder that none of them can see."""

_CALLS = (
    *("bpf", "perf_event_open", "userfaultfd", "@keyring", "@io-event", "@aio"),
    *("seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
)
# systemd-nspawn's own filter would do the units' work: what they forbid must be possible on the machine. It must take
# bpf(2) too, or systemd's filters of addresses are not there, and nothing says so.
_NSPAWN = (
    *("systemd-nspawn", "--quiet", f"--directory{ROOT}", "--machine=ringfence-containment"),
    *("--register=no", "--private-users=no", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
    *("--capability=CAP_BPF,CAP_NET_ADMIN,CAP_NET_RAW,CAP_PERFMON,CAP_IPC_LOCK,CAP_SYS_RESOURCE", "--console=pipe"),
    f"--system-call-filter={' '.join(_CALLS)}",
)
_BOOT = ("--boot", "systemd.unit=basic.target", "systemd.show_status=no")


class Machine(Host):
    """The machine, booted; commands run in it as its root would."""

    def __init__(self, network: Network, certs: Path, folder: Path) -> None:
        """Install and boot it.

        Args:
            network: its site is the machine's network.
            certs: `package.certificates`.
            folder: an empty one.

        Raises:
            AssertionError: it did not come up; with what was said.
        """
        self._cgroup = _cgroup()
        keep = ["--keep-unit"] if self._cgroup else []
        command = [*_NSPAWN, *keep, f"--network-namespace-path={network.site.path}", *_BOOT]
        variables = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        super().__init__(certs, folder, command, cgroup=self._cgroup, environment=variables)
        try:
            self._settle()
        except BaseException as error:
            self.close()
            raise AssertionError(f"the machine did not boot: {self.said}") from error

    def journal(self, unit: str) -> str:
        """The last lines of a unit."""
        return self.run("journalctl", "--no-pager", "--output=cat", "--lines=60", f"--unit={unit}")

    @contextlib.contextmanager
    def dropped_in(self, unit: str, text: str) -> Iterator[None]:
        """A drop-in for a while, after every other."""
        file = f"/run/systemd/system/{unit}.d/zz-test.conf"
        self.write(file, text)
        self.run("systemctl", "daemon-reload")
        try:
            yield
        finally:
            self.run("rm", file)
            self.run("systemctl", "daemon-reload")
            self.does("systemctl", "reset-failed", unit)

    def shown(self, unit: str, name: str) -> str:
        """A unit's property."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def close(self) -> None:
        """End it, and every process in it."""
        super().close()
        if self._cgroup:  # `rooted` left somebody who ends it
            until(lambda: not self._cgroup.exists(), "the end of the machine")

    def _settle(self) -> None:
        """Wait for the boot, then finish the installation as docs/deploy.md does."""
        until(lambda: self.leader and self.does("systemctl", "is-active", "--quiet", "basic.target"), "boot", BOOT_S)
        self.run("ldconfig")
        self.run("ringfence", "install")
        self.run("mkdir", "--mode=700", RESULTS)


def _cgroup() -> Path | None:
    """A control group of its own, where nobody else manages them; None where this machine's systemd makes one."""
    if Path("/run/systemd/system").exists():
        return None
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    top = next(Path(line.split()[1]) for line in lines if line.split()[2] == "cgroup2")
    return Path(tempfile.mktemp(prefix="ringfence-containment-", dir=top))
