"""What only a running machine needs: users, the folders of sockets, and a systemd that knows of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringfenced.cli.installing.leaving import GROUPS, USERS
from ringfenced.cli.installing.shipped import UNITS

Command = tuple[str, ...]
"""A program of the machine with its arguments."""

ARRIVING: Final[tuple[Command, ...]] = (
    ("systemd-sysusers", "ringfence.conf"),
    ("systemd-tmpfiles", "--create", "ringfence.conf"),
    ("systemctl", "daemon-reload"),
)
"""After the files are there."""

LEAVING: Final[tuple[Command, ...]] = (("systemctl", "disable", "--now", *UNITS),)
"""Before the files go."""

LEFT: Final[tuple[Command, ...]] = (
    ("systemctl", "daemon-reload"),
    *(("userdel", user) for user in USERS),
    *(("groupdel", group) for group in GROUPS),
)
"""After they went."""

_SECONDS_MAX: Final = 120
"""How long a program may take: a daemon that stops lets requests end first."""


def run(commands: Iterable[Command]) -> tuple[str, ...]:
    """Run each, in order, whatever becomes of the one before.

    Args:
        commands: programs with their arguments.

    Returns:
        What was left out or failed, a line each.
    """
    return tuple(problem for command in commands if (problem := _run(command)))


def has_systemd() -> bool:
    """Whether this machine was started by systemd (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def _run(command: Command) -> str:
    """What went wrong; nothing where all went well."""
    if command[0] == "systemctl" and not has_systemd():
        return f"{' '.join(command)}: left out, this machine was not started by systemd"
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not on this machine"
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False)  # noqa: S603
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return f"{' '.join(command)}: {said[-1] if said else f'exit status {done.returncode}'}"


def to_root(paths: Iterable[Path]) -> None:
    """Give what stays to root alone: its users go, and their numbers may be given to others."""
    for path in paths:
        if not path.exists():
            continue
        inner = path.rglob("*") if path.is_dir() else ()
        for each in (path, *inner):
            os.chown(each, 0, 0, follow_symlinks=False)
            if not each.is_symlink():
                each.chmod(0o700 if each.is_dir() else 0o600)
