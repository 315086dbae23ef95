"""Who can read and write our files, and whether there is room. Pure."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning

FREE_BYTES_MIN: Final = 64 * 1024 * 1024
"""Below this the daemon itself says that its disk is full (`ringfenced.site.node`)."""
FREE_BYTES_LOW: Final = 2 * 1024**3
"""Below this somebody should see to it: some days of a busy egress log."""

Kind = Literal["secret", "private folder", "public"]
"""What may be done with a file: read by its owner alone; entered by its owner alone; written by its owner alone."""

_FORBIDDEN: Final[dict[Kind, int]] = {
    "secret": stat.S_IRWXG | stat.S_IRWXO,
    "private folder": stat.S_IRWXG | stat.S_IRWXO,
    "public": stat.S_IWGRP | stat.S_IWOTH,
}
_MODES: Final[dict[Kind, str]] = {"secret": "0400", "private folder": "0700", "public": "go-w"}


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """One file or folder."""

    path: str
    """Where it is."""
    kind: Kind
    """What it is to us."""
    mode: int | None
    """Its permissions; None where it cannot be looked at."""
    problem: str = ""
    """Why it cannot."""


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """The disk under one folder."""

    path: str
    """The folder."""
    what: str
    """What is written there, for people."""
    free_bytes: int | None
    """What is left for its owner; None where it cannot be seen."""
    free_inodes: int | None = None
    """How many files more it takes; None where the file system has no such limit."""


def permissions(facts: Iterable[PlaceFacts]) -> tuple[Finding, ...]:
    """One finding for each that is wrong, or one for all."""
    all_facts = tuple(facts)
    wrong = [_wrong(each) for each in all_facts]
    found = tuple(each for each in wrong if each is not None)
    return found or (ok("permissions", f"{len(all_facts)} files and folders as they should be"),)


def room(facts: Iterable[RoomFacts]) -> tuple[Finding, ...]:
    """Whether each disk has room."""
    return tuple(_room(each) for each in facts)


def _wrong(each: PlaceFacts) -> Finding | None:
    check = f"permissions of {each.path}"
    if each.mode is None:
        return unseen(check, each.problem)
    if not each.mode & _FORBIDDEN[each.kind]:
        return None
    told = f"mode {stat.S_IMODE(each.mode):04o} for a {each.kind if each.kind != 'public' else 'file of ours'}"
    return error(check, told, f"chmod {_MODES[each.kind]} {each.path}")


def _room(each: RoomFacts) -> Finding:
    check = f"disk of {each.what}"
    if each.free_bytes is None:
        return unseen(check, f"{each.path} cannot be looked at")
    told = f"{each.free_bytes / 2**30:,.1f} GiB free under {each.path}"
    advice = "free some, or enlarge it; the egress log grows for ever, and nothing leaves without room for it"
    if each.free_bytes < FREE_BYTES_MIN or each.free_inodes == 0:
        return error(check, told if each.free_inodes != 0 else f"no file more fits under {each.path}", advice)
    return warning(check, told, advice) if each.free_bytes < FREE_BYTES_LOW else ok(check, told)
