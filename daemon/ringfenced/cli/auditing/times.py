"""Times as auditors write them. Pure: the clock is an argument. Everything is UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure

_AGO: Final = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MONTH_DAYS_MAX: Final = 31
_DAY_MS: Final = 86_400_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MAX_UNIX_MS: Final = 253_402_300_799_999
"""The last moment of the year 9999, which is as far as RFC 3339 goes."""


def moment(text: str, now_unix_ms: int) -> int:
    """A moment in Unix milliseconds.

    Args:
        text: how long ago (``90s``, ``15m``, ``24h``, ``7d``, ``2w``), or a date or time of ISO 8601; one without an
            offset is UTC, a date is its first moment.
        now_unix_ms: the clock.

    Raises:
        Failure: it is neither, or lies before 1970.
    """
    if ago := _AGO.fullmatch(text):
        return max(0, now_unix_ms - _ms(timedelta(**{_UNITS[ago[2]]: int(ago[1])})))
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return _since_epoch(time)
    except (ValueError, OverflowError):
        raise Failure(
            f"{text!r} is no time",
            code=ExitCode.USAGE,
            advice=("write how long ago (90s, 15m, 24h, 7d, 2w), or a date or time: 2026-11-03, 2026-11-03T14:00:00Z",),
        ) from None


def month(text: str) -> tuple[int, int]:
    """The first moment of a month (``2026-11``) and of the next, in Unix milliseconds.

    Raises:
        Failure: it is none.
    """
    try:
        first = datetime.fromisoformat(f"{text}-01T00:00:00+00:00")
        following = (first + timedelta(days=_MONTH_DAYS_MAX)).replace(day=1)
        return _since_epoch(first), _since_epoch(following)
    except (ValueError, OverflowError):
        raise Failure(f"{text!r} is no month", code=ExitCode.USAGE, advice=("write it as 2026-11",)) from None


def iso(unix_ms: int) -> str:
    """A moment from 1970 to `TIME_MAX_UNIX_MS`, as RFC 3339 writes it: ``2026-11-03T14:00:00.123Z``."""
    time = EPOCH + timedelta(milliseconds=unix_ms)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


def day(unix_ms: int) -> str:
    """The day of a moment: ``2026-11-03``."""
    return _day(unix_ms // _DAY_MS)


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    """The day so many days after the first of 1970; entries come in order, so that few are asked for at a time."""
    return iso(number * _DAY_MS)[:10]


def _since_epoch(time: datetime) -> int:
    """Unix milliseconds; ValueError before 1970."""
    milliseconds = _ms(time - EPOCH)
    if milliseconds < 0:
        raise ValueError("before 1970")
    return milliseconds


def _ms(span: timedelta) -> int:
    """Milliseconds, rounded down."""
    return span // timedelta(milliseconds=1)
