"""The section ``[confine]`` of both configuration files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo

from ringfence.configfile import Section
from ringfence.confine.walls import joined


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder = info.context if isinstance(info.context, Path) else Path.cwd()
    return folder / path


Place = Annotated[Path, AfterValidator(_beside)]

Address = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[0-9]+(\.[0-9]+){3}):[0-9]{1,5}$")]


class Confine(Section):
    """How the process shuts itself in before it serves; units and charts do the same from outside."""

    apply: bool = True
    """Shut the process in: Landlock, a filter of system calls, no capabilities, no core dumps. False only to find out
    whether this is what is in the way of something."""
    required: bool = False
    """Refuse to serve where the kernel lacks any of it; otherwise log and ``ringfence status`` say what it lacks."""
    self_test: Literal["enforce", "warn", "off"] = "warn"
    """Try to get out before anything is served. Where an attempt succeeds, ``enforce`` refuses to serve (exit status
    77), ``warn`` says so in the log and in ``ringfence status``."""
    unreachable: tuple[Address, ...] = Field(default=(), max_length=16)
    """Addresses that answer on TCP and that this process must not reach, for example the cluster's API server: the
    self-test tries them, and so sees whether a NetworkPolicy or a firewall is in force already."""
    connect: frozenset[int] = frozenset()
    """Further TCP ports on the site that it, or an engine of the site's own, may connect to: those of what this file
    names are open in any case."""
    read: tuple[Place, ...] = ()
    """Further files and folders that the process, and what it starts, may read: those that this file names it may read
    in any case."""
    write: tuple[Place, ...] = ()
    """Further folders in which it may write."""
    run: tuple[Place, ...] = ()
    """Further programs, or folders of programs, that it may start."""


def named(settings: BaseModel) -> tuple[str, ...]:
    """The folder of every file that a configuration names, and every folder; links are followed."""
    both = [one for path in _paths(settings) for one in (path.absolute(), path.resolve())]
    return joined([str(one if one.is_dir() else one.parent) for one in both])


def _paths(value: object) -> list[Path]:
    if isinstance(value, Path):
        return [value]
    if isinstance(value, BaseModel):
        return [path for inner in vars(value).values() for path in _paths(inner)]
    if isinstance(value, dict):
        return [path for inner in value.values() for path in _paths(inner)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [path for inner in value for path in _paths(inner)]
    return []
