"""What is left when Ringfence goes: the log and what it takes to read it. Runs last: the machine is bare afterwards."""

import stat

import pytest

from containment.machine import RESULTS
from containment.package import HOME
from containment.served import Served

pytestmark = pytest.mark.containment

STATE = "/var/lib/ringfence-agent"
EVIDENCE = {f"{STATE}/salt.key", f"{STATE}/log.pub", f"{STATE}/witnessed.checkpoint"}
ENABLED = ("ringfence-agent", "ringfenced", "ringfenced-proxy.socket", "ringfence-export", "ringfence-watch")
OURS = "ringfence"
OTHERS = (f"{HOME}/", f"{RESULTS}/", "/etc/ld.so.conf.d/")
"""The programs; what these tests left; where the linker finds a Python that is not the system's."""


def is_gone(path):
    """Whether it stands for a file of the lower root that was removed (Documentation/filesystems/overlayfs.rst)."""
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def named(disk):
    """Every file, link and folder with our name in its path, but for the programs: who brought them removes them."""
    paths = (f"/{path.relative_to(disk)}" for path in disk.rglob("*") if not is_gone(path))
    return {path for path in paths if OURS in path and not f"{path}/".startswith(OTHERS)}


def test_nothing_is_left_but_the_log(machine, seen):
    """Not a unit, a user, a key, a wallet or a link; the log can still be verified, by root alone.

    And what the agent linked to stays as it is.
    """
    served = Served(machine)
    machine.run("systemctl", "enable", *ENABLED)
    served.start()
    assert served.asks("--label", "public", "--model", "assistant", "Which organ pumps blood?")
    assert len(named(machine.written)) > 50
    machine.run("ln", "-s", "/etc/machine-id", f"{STATE}/witnessed.checkpoint")  # as an agent that was taken over might
    machine.run("chown", "-h", "ringfence-agent", f"{STATE}/witnessed.checkpoint")
    others = machine.run("cat", "/etc/machine-id")
    said = machine.run("ringfence", "uninstall", "--yes", seconds_max=200)
    assert machine.run("cat", "/etc/machine-id") == others
    left = named(machine.written)
    log = {path for path in left if path.startswith(f"{STATE}/log/")}
    assert any(path.startswith(f"{STATE}/log/entries-") for path in log)
    assert left - log == {STATE, f"{STATE}/log", *EVIDENCE}, said
    for name in ("passwd", "group", "shadow", "gshadow"):
        assert OURS not in machine.path(f"/etc/{name}").read_text()
    assert machine.run("find", STATE, "!", "-user", "root") == ""
    assert machine.run("find", STATE, "-perm", "/077") == ""
    assert OURS not in machine.run("systemctl", "list-units", "--all", "--no-legend", "ringfence*")
    command = (f"{HOME}/bin/ringfence", "audit", "verify", "--log", f"{STATE}/log", "--key", f"{STATE}/log.pub")
    assert "the log is whole" in machine.run(*command)
