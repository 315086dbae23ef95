"""One answer of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """It works, and somebody should see to it; also what could not be looked at."""
    ERROR = "error"
    """Something does not work, or a wall is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    check: str
    """What was looked at, in a word or three."""
    state: State
    """How it stands."""
    told: str
    """What was seen; no content of a request, no secret."""
    advice: str = ""
    """What to do; empty where all is well."""


def ok(check: str, told: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, told)


def warning(check: str, told: str, advice: str) -> Finding:
    """Somebody should see to it."""
    return Finding(check, State.WARNING, told, advice)


def error(check: str, told: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check, State.ERROR, told, advice)


def unseen(check: str, told: str, advice: str = "run this as root on the node") -> Finding:
    """It could not be looked at, which is no proof that it is well."""
    return Finding(check, State.WARNING, told, advice)
