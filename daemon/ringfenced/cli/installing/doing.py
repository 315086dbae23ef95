"""What `ringfence install` and `ringfence uninstall` do, whoever shows it: planned first, told, and then done.

Nothing here is imported from outside the standard library, so that an environment with the agent's own set, which has no
library for command lines, installs its units too (`plain`).
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing import system
from ringfenced.cli.installing.leaving import AGENT_STATE, Leaving, leaving
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

QUESTION: Final = "Keys and wallets cannot be brought back. Remove all this?"
"""What is asked before a removal."""

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
        _demand_root(self._place)
        try:
            for path, target in self._programs.items():  # first: one that is in the way ends it before anything is done
                self._place.link(path, target)
            self._place.make_folders()
            self._place.carry_out(self._steps)
            self._place.keep_record(version("ringfence"), {each.path: digest(each.data) for each in self._shipped})
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}", advice=_AGAIN) from None
        return system.run(self._commands)


class Removal:
    """Everything but the egress log, taken away."""

    def __init__(self, root: Path | None) -> None:
        """Plan it, by the configuration that is there; nothing is done yet.

        Args:
            root: as for `Installation`.

        Raises:
            Failure: nobody knows where the egress log is.
        """
        self._place = Root(root or Path("/"))
        self._plan = _leaving(self._place)

    def rows(self) -> list[Row]:
        """What it does, in order."""
        place, plan = self._place, self._plan
        told: list[Row] = [("run", " ".join(command), "") for command in system.LEAVING if place.is_machine]
        told += [("copy", f"/{path}", f"to /{to}") for path, to in plan.copied if self._is_copied(path)]
        there = (path for path in (*plan.going, *self._links()) if os.path.lexists(place.at(path)))
        told += [("remove", f"/{path}", "") for path in there]
        staying = (path for path in sorted(plan.staying) if place.at(path).exists())
        told += [("keep", f"/{path}", "") for path in staying]
        told += [("keep", path, "not in a folder of ours") for path in plan.elsewhere]
        return told + [("run", " ".join(command), "") for command in system.LEFT if place.is_machine]

    def demand_root(self) -> None:
        """Pass if this may be done at all, before somebody is asked whether it should.

        Raises:
            Failure: somebody else than root asks.
        """
        _demand_root(self._place)

    def carry_out(self) -> tuple[str, ...]:
        """Do it; what comes back, and what is raised, as for `Installation.carry_out`."""
        self.demand_root()
        told = system.run(system.LEAVING) if self._place.is_machine else ()
        try:
            for path, to in self._plan.copied:
                if self._is_copied(path):
                    self._place.copy(path, to)
            for path in (*self._links(), *self._plan.going):
                self._place.clear(path, self._plan.staying)
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}", advice=_AGAIN) from None
        if self._place.is_machine:
            system.to_root(self._place.at(path) for path in (AGENT_STATE, *self._plan.staying))
            told += system.run(system.LEFT)
        return told

    def _links(self) -> tuple[str, ...]:
        """Names of programs that are links: a file of that name is a package's own."""
        return tuple(path for path in self._plan.links if self._place.at(path).is_symlink())

    def _is_copied(self, path: str) -> bool:
        """Whether there is something to copy, and a log to lay it beside."""
        return self._place.at(path).is_file() and self._place.at(self._plan.log).is_dir()


def _programs() -> dict[str, Path]:
    """Links to make, where the programs are not in /usr/bin already."""
    here = Path(sys.executable).parent
    if here in {Path("/usr/bin"), Path("/bin")}:
        return {}
    return {f"usr/bin/{name}": here / name for name in PROGRAMS if (here / name).is_file()}


def _demand_root(place: Root) -> None:
    if place.is_machine and os.geteuid() != 0:
        raise Failure("this takes root: sudo ringfence ...", code=ExitCode.FORBIDDEN)


def _leaving(place: Root) -> Leaving:
    """The plan, by the configuration that is there."""
    texts = []
    for name in ("ringfenced.toml", "ringfence-agent.toml"):
        file = place.at(f"etc/ringfence/{name}")
        texts.append(file.read_bytes() if file.is_file() else None)
    try:
        return leaving(*texts)
    except ValueError as error:
        advice = ("it says where the egress log is: mend it, or remove it if the log is in its usual place",)
        raise Failure(f"a configuration in /etc/ringfence is no TOML: {error}", advice=advice) from None
