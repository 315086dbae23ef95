"""Whether this node's clock can be believed."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from wanted import AuthorityError

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far apart two clocks of a cluster may be. A certificate begins to hold as long before now, for those behind."""


def demand_agreement(now: datetime, date: str) -> None:
    """That the cluster's API and this node say the same time: by a clock that is ahead, everything has ended.

    Where both are one machine this proves nothing; what such a clock made is recognised later (`Issuer.is_begun`).

    Args:
        now: what this node's clock says, with a time zone.
        date: the Date of an answer (RFC 9110, 6.6.1), in the form that a server must send (5.6.7).

    Raises:
        AuthorityError: they are more than CLOCK_SKEW apart, or `date` is no such time.
    """
    try:
        theirs = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        raise AuthorityError(
            "the cluster's API does not say the time (Date, RFC 9110): let no proxy between take it away"
        ) from None
    if abs(theirs - now) > CLOCK_SKEW:
        raise AuthorityError(
            f"this node's clock says {now:%Y-%m-%d %H:%M} and the cluster's API {theirs:%Y-%m-%d %H:%M} (UTC); nothing "
            "was written: set the wrong one right, and the job begins anew"
        )
