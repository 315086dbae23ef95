"""What is done to a site, and when: drawn from a seed, the same for the same seed. Pure.

    wild      60 %   everything: engines, agent and daemon killed, both disks filled, certificates renewed
    steady    40 %   daemon, agent and the oldest engine live on, so that their memory can be judged; all else goes on
    settling         nothing more at the very end: what was broken must mend by itself

Each kind of event has its mean distance; its time is cut into so many equal pieces, and one moment is drawn in each.
So every kind happens in every run, however short, and no two disks of a kind or renewals overlap.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum, StrEnum

WILD_SHARE = 0.6
SETTLING_SHARE, SETTLING_S_MAX = 0.1, 20.0
"""The end without events is a tenth of the run, at most 20 s."""
HALF = 0.5
"""What lasts takes at most half of the distance to the next of its kind."""


class What(StrEnum):
    """Something that happens."""

    KILL_ENGINE = "engine killed"
    KILL_YOUNGEST = "youngest engine killed"
    KILL_AGENT = "agent killed"
    KILL_DAEMON = "daemon killed"
    FILL_LOG = "log's disk filled"
    FREE_LOG = "log's disk freed"
    FILL_STATE = "state's disk filled"
    FREE_STATE = "state's disk freed"
    RENEW = "certificates renewed"
    LULL = "load held back"
    """Until nothing runs: then nothing may be held."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One of them."""

    at_s: float
    """Seconds from the beginning of the run."""
    what: What
    lasting_s: float = 0.0
    """Of a renewal: its period (`rotation_parts.renewing`)."""


class When(Enum):
    """The part of a run in which a kind happens: where it begins and ends, of all that has events."""

    ALWAYS = (0.0, 1.0)
    WILD = (0.0, WILD_SHARE)
    """It would end the daemon's life, or the agent's."""
    STEADY = (WILD_SHARE, 1.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """How often something happens."""

    what: What
    apart_s: float
    """Mean distance of two, in seconds."""
    when: When = When.ALWAYS
    lasting_s: float = 0.0
    """How long it takes, in seconds, or until `ending`."""
    ending: What | None = None
    """What ends it, where something must."""


KINDS = (
    Kind(What.KILL_ENGINE, 25.0, When.WILD),
    Kind(What.KILL_YOUNGEST, 25.0, When.STEADY),
    Kind(What.KILL_AGENT, 60.0, When.WILD),
    Kind(What.KILL_DAEMON, 80.0, When.WILD),
    Kind(What.FILL_LOG, 150.0, When.WILD, lasting_s=10.0, ending=What.FREE_LOG),
    Kind(What.FILL_STATE, 150.0, lasting_s=10.0, ending=What.FREE_STATE),
    Kind(What.RENEW, 45.0, lasting_s=20.0),
    Kind(What.LULL, 120.0),
)
"""A freed log wants a new agent (docs/egress-log.md), so that its disk counts as the agent's end. Engines die less than
five times a minute, or they would be left alone (docs/models-lifecycle.md)."""


def schedule(seconds: float, seed: int, kinds: tuple[Kind, ...] = KINDS) -> tuple[Event, ...]:
    """Everything that happens in a run of so many seconds, in order."""
    chance = random.Random(seed)
    with_events_s = seconds - settling_s(seconds)
    events: list[Event] = []
    for kind in kinds:
        begins_s, ends_s = (share * with_events_s for share in kind.when.value)
        pieces = max(1, round((ends_s - begins_s) / kind.apart_s))
        piece_s = (ends_s - begins_s) / pieces
        lasting_s = min(kind.lasting_s, piece_s * HALF)
        for number in range(pieces):
            at_s = begins_s + number * piece_s + chance.uniform(0.0, piece_s - lasting_s)
            events.append(Event(at_s, kind.what, 0.0 if kind.ending else lasting_s))
            if kind.ending is not None:
                events.append(Event(at_s + lasting_s, kind.ending))
    return tuple(sorted(events))


def settling_s(seconds: float) -> float:
    """How long the end without events is."""
    return min(SETTLING_S_MAX, seconds * SETTLING_SHARE)
