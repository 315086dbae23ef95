"""Certificates: when they end, and whether their keys fit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning

_DAY_S: Final = 86_400

LEFT_S_MIN: Final = 14 * _DAY_S
"""Less than two weeks is told early enough for people to act, in seconds."""
LEFT_SHARE_MIN: Final = 0.2
"""Of a short-lived certificate (SPIFFE's live for hours) only the last fifth is told: something renews it before."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One file of certificates."""

    setting: str
    """The setting that names it, for example ``listen.tls.cert``."""
    path: str
    """The file."""
    problem: str = ""
    """Why it cannot be read; empty where it can."""
    starts_unix_s: float = 0.0
    """The latest beginning of those in the file."""
    ends_unix_s: float = 0.0
    """The earliest end of those in the file."""
    is_key_fitting: bool | None = None
    """Whether the private key beside it is its own; None where there is none, or it cannot be read."""


def judge(facts: Iterable[CertificateFacts], now_unix_s: float) -> tuple[Finding, ...]:
    """A finding for each file.

    Args:
        facts: what was read.
        now_unix_s: the clock.
    """
    return tuple(_judge(each, now_unix_s) for each in facts)


def _judge(each: CertificateFacts, now_unix_s: float) -> Finding:
    check, left_s = f"certificate {each.setting}", each.ends_unix_s - now_unix_s
    renew = f"renew {each.path}: write the new pair beside it, then rename; it is taken at the next connection"
    if each.problem:
        return unseen(check, f"{each.path}: {each.problem}", "see that the file is there, and run this as root")
    if left_s <= 0:
        return error(check, f"ended {_span(-left_s)} ago", renew)
    if each.starts_unix_s > now_unix_s:
        told = f"begins only in {_span(each.starts_unix_s - now_unix_s)}"
        return error(check, told, "set the clock, or issue it anew")
    if each.is_key_fitting is False:
        return error(check, "the private key is another certificate's", f"put the key of {each.path} in its place")
    if left_s < min(LEFT_S_MIN, LEFT_SHARE_MIN * (each.ends_unix_s - each.starts_unix_s)):
        return warning(check, f"ends in {_span(left_s)}", renew)
    return ok(check, f"ends in {_span(left_s)}")


def _span(seconds: float) -> str:
    """A span of time for people."""
    if seconds >= 2 * _DAY_S:
        return f"{seconds / _DAY_S:.0f} days"
    return f"{seconds / 3600:.1f} hours"
