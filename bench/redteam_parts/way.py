"""A way: what a rogue daemon asks for, one request or several, and what must not arrive of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request."""

    payload: bytes = field(repr=False)
    """The bytes handed over."""
    statement: Mapping[str, object] = field(default_factory=dict)
    """Fields of the permit that differ from an honest one; by their names in the contract."""
    bend: str = ""
    """What is done to the permit once it is signed; a name in `permits.BENDS`."""
    permit_of: int | None = None
    """Take the permit of this attempt of the same way instead of a new one."""
    unsigned: bool = False
    """The statement's changes are made after signing, so that the signature does not fit."""


@dataclass(frozen=True, slots=True)
class Way:
    """What is tried."""

    family: str
    """What kind of a way it is."""
    name: str
    """What exactly."""
    canaries: tuple[str, ...]
    """What must not arrive."""
    attempts: tuple[Attempt, ...]
    """The requests, one after the other."""
    written: str = ""
    """The canary as it is disguised; it must not arrive so either."""
    in_log: tuple[str, ...] = ()
    """What must not stand in the log either."""
    may_pass: tuple[int, ...] = ()
    """Attempts that are honest and must be sent, so that the way is one."""
