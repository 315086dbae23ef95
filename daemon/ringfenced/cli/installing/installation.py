"""What `ringfence install` does, whoever shows it: planned first, told, and then done.

Nothing here is imported from outside the standard library, so that an environment with the agent's own set, which has
no library for command lines, installs its units too (`plain`).
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing import system
from ringfenced.cli.installing.plan import digest, steps
from ringfenced.cli.installing.root import Root
from ringfenced.cli.installing.shipped import PROGRAMS, files, folder

Row = tuple[str, str, str]
"""What is done, to what, and why."""

NEXT: Final = (
    "next: certificates into /etc/ringfence/pki, private keys into /etc/ringfence/keys (root's alone);",
    "names of your site into /etc/ringfence/*.toml, then",
    "  ringfenced --config /etc/ringfence/ringfenced.toml --check-config",
    "  systemctl edit ringfence-agent      # the way out: /usr/share/ringfence/drop-ins/providers.conf",
    "  systemctl enable --now ringfence-agent ringfenced ringfenced-proxy.socket",
    "  ringfence doctor",
)
"""What to do after an installation on a machine."""

_AGAIN: Final = ("mend it, then run the same again",)


class Installation:
    """Units, users, folders and templates, put where systemd looks for them."""

    def __init__(self, root: Path | None, *, links: bool | None) -> None:
        """Plan it; nothing is done yet.

        Args:
            root: the folder that becomes a machine's root; None for this machine.
            links: links in /usr/bin to the programs beside this Python; None: on this machine, and in no folder.

        Raises:
            Failure: the record of the last installation cannot be used, or a link leads out of the root.
        """
        self._place = Root(root or Path("/"))
        self._shipped = files(folder())
        before = self._place.record()
        found = self._place.found({*before, *(each.path for each in self._shipped)})
        self._steps = steps(self._shipped, found, before)
        self._programs = _programs() if (self.is_machine if links is None else links) else {}
        self._commands = system.ARRIVING if self.is_machine else ()

    @property
    def is_machine(self) -> bool:
        """It is for this machine, and for no folder."""
        return self._place.is_machine

    def rows(self) -> list[Row]:
        """What it does, in order."""
        told: list[Row] = [(step.deed, f"/{step.path}", step.why) for step in self._steps]
        told += [("link", f"/{path}", f"to {target}") for path, target in self._programs.items()]
        return told + [("run", " ".join(command), "") for command in self._commands]

    def doubt(self) -> str:
        """What is probably not meant; empty for nothing."""
        outside = next((each for each in self._programs.values() if not each.is_relative_to("/usr")), None)
        if outside is None:
            return ""
        return f"the units execute nothing outside /usr: a drop-in with ExecPaths={outside.parents[1]} must allow this"

    def carry_out(self) -> tuple[str, ...]:
        """Do it.

        Returns:
            What was left out or failed of what the machine's own programs were to do.

        Raises:
            Failure: somebody else than root asks, or a file cannot be written.
        """
        demand_root(self._place)
        try:
            for path, target in self._programs.items():  # first: one that is in the way ends it before anything is done
                self._place.link(path, target)
            self._place.make_folders()
            self._place.carry_out(self._steps)
            self._place.keep_record(version("ringfence"), {each.path: digest(each.data) for each in self._shipped})
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}", advice=_AGAIN) from None
        return system.run(self._commands)


def _programs() -> dict[str, Path]:
    """Links to make, where the programs are not in /usr/bin already."""
    here = Path(sys.executable).parent
    if here in {Path("/usr/bin"), Path("/bin")}:
        return {}
    return {f"usr/bin/{name}": here / name for name in PROGRAMS if (here / name).is_file()}


def demand_root(place: Root) -> None:
    """Pass if this machine is not meant, or root asks.

    Raises:
        Failure: somebody else asks.
    """
    if place.is_machine and os.geteuid() != 0:
        raise Failure("this takes root: sudo ringfence ...", code=ExitCode.FORBIDDEN)
