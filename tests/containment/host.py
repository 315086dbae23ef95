"""What the two kinds of machine share: an overlay of this machine's root, with Ringfence installed on it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from containment import package
from containment.namespaces import DIE_WITH_US, checked

_ROOTED = Path(__file__).with_name("rooted.py")
ROOT = "=ROOT"
"""In a command line of `Host`: where the overlay is, once it is made."""


class Host:
    """Processes with a root of their own, below one that ends with this process; commands run among them as root."""

    def __init__(
        self,
        certs: Path,
        folder: Path,
        command: Sequence[str],
        *,
        before: Sequence[str] = (),
        cgroup: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Install Ringfence on the overlay, and start the command on it.

        Args:
            certs: `package.certificates`.
            folder: an empty one; what the machine writes is in memory.
            command: becomes the parent of the machine's first process; `ROOT` stands for the overlay.
            before: a command that runs what follows it, in the site's network for example.
            cgroup: a control group to be made, and to live in.
            environment: variables of `command`.
        """
        tree, base = folder / "tree", folder / "memory"
        tree.mkdir()
        base.mkdir()
        self._said = folder / "said.log"
        self._base = base
        plan = {
            "base": str(base),
            "tree": str(tree),
            "binds": package.build(tree, certs),
            "cgroup": str(cgroup or ""),
            "environment": dict(environment or {}),
            "command": list(command),
        }
        rooted = ["unshare", "--mount", "--propagation=private", sys.executable, str(_ROOTED), json.dumps(plan)]
        with self._said.open("wb") as said:
            whole = [*DIE_WITH_US, *before, *rooted]
            self._process = subprocess.Popen(whole, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def said(self) -> str:
        """What was said while it came up."""
        return self._said.read_text(errors="replace")

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

    @property
    def written(self) -> Path:
        """All that the machine wrote to its disk since it was made, with what was installed: a folder like its root."""
        return Path(f"/proc/{self._process.pid}/root") / str(self._base / "upper").lstrip("/")

    def entering(self, *command: str) -> list[str]:
        """The command line that runs `command` as the machine's root, with nothing of our environment."""
        return [
            "nsenter",
            f"--target={self.leader}",
            "--all",
            "--root",
            "--wd",
            "--",
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin",
            *command,
        ]

    def run(self, *command: str, stdin: str | None = None, seconds_max: float = 60) -> str:
        """Run a command that must work; what it prints."""
        return checked(self.entering(*command), stdin=stdin, seconds_max=seconds_max)

    def does(self, *command: str) -> bool:
        """Whether a command works."""
        return subprocess.run(self.entering(*command), capture_output=True, timeout=300, check=False).returncode == 0

    def write(self, name: str, content: str) -> None:
        """Write a file of root's, which everybody can read."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod 644 "$1"', "sh", name, stdin=content)

    def close(self) -> None:
        """End it, and every process in it."""
        self._process.kill()
        self._process.wait()
