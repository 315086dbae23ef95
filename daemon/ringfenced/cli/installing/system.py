"""What only a running machine needs: users, the folders of sockets, and a systemd that knows of it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringfenced.cli.installing.leaving import GROUPS, USERS
from ringfenced.cli.installing.shipped import UNITS
from ringfenced.cli.plainfile import UNFOLLOWED, held, names

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

_ENDED: Final = frozenset({"inactive", "failed", "unknown"})
"""States of a unit of which no process is left (`systemctl is-active`)."""

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


def running() -> tuple[str, ...]:
    """Units of ours that run yet, as systemd has it: all where it does not say, none where there is no systemd."""
    if not has_systemd():
        return ()
    command = ("systemctl", "is-active", *UNITS)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return UNITS
    states = done.stdout.split()
    if len(states) != len(UNITS):
        return UNITS
    return tuple(unit for unit, state in zip(UNITS, states, strict=True) if state not in _ENDED)


def _run(command: Command) -> str:
    """What went wrong; nothing where all went well."""
    if command[0] == "systemctl" and not has_systemd():
        return f"{' '.join(command)}: left out, this machine was not started by systemd"
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not on this machine"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)}: no end within {_SECONDS_MAX} s"
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return f"{' '.join(command)}: {said[-1] if said else f'exit status {done.returncode}'}"


def to_root(paths: Iterable[Path]) -> None:
    """Give what stays to root alone: its users go, and their numbers may be given to others.

    Folders get the mode 0700, files 0600, wherever the configuration put them. Links are given to root and not
    followed; a file that is root's and has another name elsewhere is left as it is.

    Args:
        paths: files and folders, with all that is in them; those that are not there are left out.

    Raises:
        OSError: something cannot be given.
    """
    for path in paths:
        if os.path.lexists(path):
            with held(path.parent) as folder:
                _give(folder, path)


def _give(folder: int, path: Path) -> None:
    try:
        given = os.open(path.name, os.O_RDONLY | UNFOLLOWED, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        os.chown(path.name, 0, 0, dir_fd=folder, follow_symlinks=False)  # a link, or a socket: nobody opens it by mode
        return
    try:
        status = os.fstat(given)
        is_folder = stat.S_ISDIR(status.st_mode)
        if status.st_uid == 0 and status.st_nlink > 1 and not is_folder:
            return
        os.fchown(given, 0, 0)
        os.fchmod(given, 0o700 if is_folder else 0o600)
    finally:
        os.close(given)
    if is_folder:
        with held(path, folder) as inner:
            for name in names(inner):
                _give(inner, path / name)
