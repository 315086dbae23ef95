"""What the authority is asked for and what it finds: plain values."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Data = Mapping[str, bytes]
"""What a Secret holds, by key."""


class AuthorityError(Exception):
    """It cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Leaf:
    """A certificate that is wanted."""

    secret: str
    """Name of its Secret."""
    uri: str
    """Who it is for: its one URI (X.509-SVID, section 2)."""
    names: tuple[str, ...]
    """Its DNS names; none for what is a client alone."""


@dataclass(frozen=True)
class Wanted:
    """All that is wanted."""

    authority: str
    """Name of the authority's Secret."""
    authority_hours: int
    """How long an authority holds, in hours."""
    authority_since: datetime | None
    """The day that an authority must not be older than; none where only its end counts."""
    overlap_hours: int
    """How long a new authority is trusted before it signs anything, in hours."""
    hours: int
    """How long a certificate holds, in hours."""
    renew_hours: int
    """How long before its end a certificate is made anew, in hours."""
    leaves: tuple[Leaf, ...]
    """Whose certificates."""
    daemon_keys: str
    """Name of the Secret of permit.key and log.pub; empty where there is no agent."""
    agent_keys: str
    """Name of the Secret of log.key and permit.pub; empty likewise."""
    labels: Mapping[str, str]
    """Labels of what is made."""

    @staticmethod
    def of(document: Mapping[str, Any]) -> Wanted:
        """The value that the chart wrote as JSON.

        Raises:
            AuthorityError: a day that no calendar has.
        """
        leaves = tuple(Leaf(one["secret"], one["uri"], tuple(one["names"])) for one in document["leaves"])
        return Wanted(**{**document, "leaves": leaves, "authority_since": _day(document["authority_since"])})

    def secrets(self) -> tuple[str, ...]:
        """The names of all Secrets."""
        keys = (self.daemon_keys, self.agent_keys) if self.daemon_keys else ()
        return (self.authority, *(leaf.secret for leaf in self.leaves), *keys)


@dataclass(frozen=True)
class Held:
    """A Secret that is there."""

    data: Data = field(repr=False)
    """What it holds."""
    is_ours: bool
    """Whether it was made here."""


def _day(text: str) -> datetime | None:
    """The beginning of a day, by UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise AuthorityError(f"tls.chart.authoritySince is {text}, which is no day; write one as 2027-01-31") from None
