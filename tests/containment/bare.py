"""A machine without an init: our processes as root starts them by hand, each as a user of its own, nothing around them.

They are in the site's network, with its route to the outside, a view of processes of their own and the overlay of
`rooted` as their root. What keeps them in is what they do themselves.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from containment import package
from containment.host import ROOT, Host
from containment.namespaces import until
from containment.network import Network

_GROUPS = {"callers": 64101, "link": 64102}
USERS = {"daemon": 64103, "agent": 64104, "plain": 64105}
"""Ids that no distribution gives away; each has a group of the same number."""

_HANDED_OVER = {
    "daemon": ("ringfenced", {"daemon.key": "daemon.key", "permit.key": "permit.key"}),
    "agent": (
        "ringfence-agent",
        {"agent.key": "agent.key", "log.key": "log.key", "provider_example": "providers/example"},
    ),
}
"""Where systemd would hand keys over, and which: credential to file."""

_READY = "/run/ready"
_INIT = f"""
mount -t sysfs -o ro sysfs /sys && mount -t tmpfs -o mode=755 tmpfs /dev && mkdir /dev/pts /dev/shm
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    mknod -m 666 "/dev/${{node%%:*}}" c $(echo "${{node#*:}}" | tr : ' ')
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts && ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/lock
ldconfig
mkdir {_READY}
exec sleep infinity
"""


class Bare(Host):
    """The machine; `as_user` runs a process of ours on it."""

    def __init__(self, network: Network, certs: Path, folder: Path) -> None:
        """Start it, and lay out the folders and keys of daemon and agent as their units and systemd would.

        Args:
            network: its site is the machine's network.
            certs: `package.certificates`.
            folder: an empty one.

        Raises:
            AssertionError: it did not come up; with what was said.
        """
        inner = ["unshare", "--pid", "--fork", "--kill-child=KILL", f"--root{ROOT}", "--mount-proc"]
        super().__init__(certs, folder, [*inner, "sh", "-ec", _INIT], before=network.site.entering())
        try:
            until(lambda: self.leader and self.path(_READY).is_dir(), "the machine")
            self._lay_out()
        except BaseException as error:
            self.close()
            raise AssertionError(f"the machine did not come up: {self.said}") from error

    def as_user(self, who: str, *command: str) -> list[str]:
        """The command line that runs `command` as one of `USERS`, with no capability."""
        user = str(USERS[who])
        groups = f"--groups={_GROUPS['link']}" if who == "daemon" else "--clear-groups"
        return self.entering("setpriv", f"--reuid={user}", f"--regid={user}", groups, "--inh-caps=-all", "--", *command)

    def start(self, who: str, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start such a process, with its keys handed over; what it says is in the machine's file `log`."""
        service = _HANDED_OVER[who][0] if who in _HANDED_OVER else ""
        handed_over = ("/usr/bin/env", f"CREDENTIALS_DIRECTORY=/run/credentials/{service}.service")
        whole = self.as_user(who, *handed_over, *command)
        with self.path(log).open("wb") as said:
            return subprocess.Popen(whole, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def end(self, who: str) -> None:
        """End all that runs as one of `USERS`: a signal to the program that entered the machine would not reach it."""
        user = str(USERS[who])
        self.does("pkill", "--signal=TERM", f"--uid={user}")
        until(lambda: not self.does("pgrep", f"--uid={user}"), f"the end of {who}", 40)

    def _lay_out(self) -> None:
        users = "".join(f"rf-{who}:x:{user}:{user}::/nonexistent:/usr/sbin/nologin\n" for who, user in USERS.items())
        self.run("sh", "-c", "cat >>/etc/passwd", stdin=users)
        for who, (service, keys) in _HANDED_OVER.items():
            mine = (f"--owner={USERS[who]}", f"--group={USERS[who]}")
            credentials = f"/run/credentials/{service}.service"
            self.run("install", "-d", *mine, "--mode=700", credentials, f"/var/lib/{service}", f"/run/{service}")
            for name, source in keys.items():
                self.run("install", *mine, "--mode=400", f"/etc/ringfence/keys/{source}", f"{credentials}/{name}")
        for name, who, group in (("callers", "daemon", "callers"), ("agent", "agent", "link")):
            shared = (f"--owner={USERS[who]}", f"--group={_GROUPS[group]}", "--mode=2710")
            self.run("install", "-d", *shared, f"/run/ringfence/{name}")


def program(name: str) -> tuple[str, ...]:
    """The command line of one of ours, as its unit has it."""
    config = {"ringfenced": "ringfenced.toml", "ringfence-agent": "ringfence-agent.toml"}[name]
    return (package.PYTHON, "-P", f"/usr/bin/{name}", "--config", f"/etc/ringfence/{config}")
