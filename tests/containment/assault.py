"""One process tries every way out, and the outside counts: what was tried, what came of it, what arrived."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from containment.network import (
    DISCARD_PORT,
    METADATA4,
    METADATA6,
    PROVIDER_PORT,
    STRANGER4,
    STRANGER6,
    Arrivals,
)

ACCOMPLICE = "/run/accomplice"
"""Folder of the sockets of somebody who helps, on the machine."""
ACCOMPLICE_NAME = "ringfence-accomplice"
"""Their abstract name begins so: both machines are in one network, and so are such names."""
DONE = "done"
"""`inside`'s last line."""
TRIED_MIN = 40
"""So many attempts must have been possible, or the result says little."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt."""

    name: str
    """As `ringfence.confine.attempts` calls it."""
    outcome: str
    """``blocked``, ``escaped``, ``unclear`` or ``not here``."""
    detail: str
    """What was in the way, what was got, or why it was not tried."""


@dataclass(frozen=True, slots=True)
class Assault:
    """All attempts of one process."""

    who: str
    """Which process, under what."""
    tried: tuple[Tried, ...]
    """Every attempt, in order."""
    arrivals: Arrivals
    """What reached the outside meanwhile."""
    standing: tuple[str, ...] = field(default=())
    """Attempts that may work, because what they get is what the process is for; see the test."""

    def named(self, outcome: str) -> dict[str, str]:
        """Name and detail of the attempts that came out so."""
        return {each.name: each.detail for each in self.tried if each.outcome == outcome}

    @property
    def counts(self) -> dict[str, int]:
        """How many came out how."""
        return dict(Counter(each.outcome for each in self.tried))

    def nothing_worked(self, but: Collection[str] = ()) -> None:
        """Enough was tried, and nothing worked but what is named; what is named did."""
        nothing = self.named("not here") | self.named("unclear")
        assert len(self.tried) - len(nothing) >= TRIED_MIN, nothing
        escaped = self.named("escaped")
        assert set(escaped) == set(but), {name: escaped.get(name, "did not work") for name in set(escaped) ^ set(but)}


def parsed(text: str) -> tuple[Tried, ...]:
    """What ``attempts --json`` printed, and `inside` after it."""
    lines = [json.loads(line) for line in text.splitlines() if line != DONE]
    return tuple(Tried(line["name"], line["outcome"], line["detail"]) for line in lines)


def arguments(host: str, *, writable: Sequence[str] = (), handed: bool = True) -> list[str]:
    """The command line of the attempts, for addresses at which somebody answers.

    Args:
        host: on which machine, ``units`` or ``processes``.
        writable: folders that the process may write to.
        handed: whether somebody hands a socket over too.
    """
    return [
        *("--json", "--answered", "--wait-s", "1", "--address4", STRANGER4, "--address6", STRANGER6),
        *("--port", str(PROVIDER_PORT), "--udp-port", str(DISCARD_PORT), "--name", "canary.stranger.example"),
        *("--metadata", METADATA4, "--metadata", METADATA6),
        *("--abstract", f"{ACCOMPLICE_NAME}-{host}", "--unix", f"{ACCOMPLICE}/open.sock"),
        *(("--helper", f"{ACCOMPLICE}/handing.sock") if handed else ()),
        *(word for folder in writable for word in ("--writable", folder)),
    ]
