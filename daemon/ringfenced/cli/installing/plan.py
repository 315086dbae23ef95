"""What is there and what ships → what to do about each file. Pure.

A file that a site edits follows the rules of Debian's conffiles: what nobody has touched is brought up to date; what
somebody edited or removed stays so, and where the template has changed since, the new one is laid beside it as
`NAME.new`. A file of the package's own is brought up to date whatever stands in it: changes belong in drop-ins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ringfenced.cli.installing.shipped import Shipped

Deed = Literal["write", "remove", "keep", "same"]
"""What is done: `keep` says that something stays as somebody wants it, `same` that there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about one file."""

    deed: Deed
    """What."""
    path: str
    """To which file, from the root, without a leading slash."""
    why: str = ""
    """Why, for people; empty where it goes without saying."""
    data: bytes = b""
    """What to write."""


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


def steps(shipped: Sequence[Shipped], found: Mapping[str, str], before: Mapping[str, str]) -> tuple[Step, ...]:
    """What to do, in order.

    Args:
        shipped: what ships now.
        found: SHA-256 of each file that is there, by path; only those that ship now or did before are looked at.
        before: SHA-256 of each file as it was installed last, by path.
    """
    now = {each.path for each in shipped}
    planned = [step for each in shipped for step in _about(each, found.get(each.path), before.get(each.path))]
    gone = [path for path in before if path not in now and path in found]
    return (*planned, *(_no_longer(path, edited=found[path] != before[path]) for path in gone))


def _about(each: Shipped, found: str | None, before: str | None) -> tuple[Step, ...]:
    new = digest(each.data)
    if found == new:
        return (Step("same", each.path),)
    if found is None and (before is None or not each.edited):
        return (Step("write", each.path, data=each.data),)
    if not each.edited:
        why = "of another version" if found == before else "edited; drop-ins are the place for changes"
        return (Step("write", each.path, why, each.data),)
    if found is not None and found == before:
        return (Step("write", each.path, "of another version, and not edited", each.data),)
    kept = Step("keep", each.path, "removed by somebody" if found is None else "edited")
    if found is None or before == new:
        return (kept,)
    return (kept, Step("write", f"{each.path}.new", "the template of this version, to compare", each.data))


def _no_longer(path: str, *, edited: bool) -> Step:
    if edited and path.startswith("etc/"):
        return Step("keep", path, "edited; this version has no use for it")
    return Step("remove", path, "this version has no use for it")
