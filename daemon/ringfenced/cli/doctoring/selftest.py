"""Whether each process shut itself in when it started, and found no way out. Pure.

What counts is what the running processes said of themselves when they started, the line ``confined`` of their log:
nobody outside can try a way out for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning

READY: Final = "ready"
"""The event of the log after which a service has said all that it says when it starts."""
_CONFINED: Final = "confined"


@dataclass(frozen=True, slots=True)
class Confined:
    """What one process said of its walls."""

    landlock: int
    """The version of Landlock in force; 0 for none."""
    seccomp: bool
    """Whether its system calls are judged."""
    self_test: str
    """What came of trying to get out: passed, escaped, untried or off."""
    missing: tuple[str, ...] = ()
    """What is not in force and why."""
    escapes: tuple[str, ...] = ()
    """The ways out that worked."""
    tried: int | None = None
    """How many were really tried; None where it did not say."""
    unclear: tuple[str, ...] = ()
    """Ways out of which nobody can tell, and why."""


@dataclass(frozen=True, slots=True)
class SelfTestFacts:
    """What the processes of one service said."""

    unit: str
    """The service."""
    said: tuple[Confined, ...] = ()
    """A value for each process that said it; none where its log begins later, or cannot be read."""


def event(line: str) -> str:
    """The event of a line of a log; empty for a line that has none."""
    return str(_document(line).get("event", ""))


def confined(line: str) -> Confined | None:
    """What a line of a log says of a process's walls; None for every other line."""
    said = _document(line)
    if said.get("event") != _CONFINED:
        return None
    version, tried = said.get("landlock"), said.get("tried")
    return Confined(
        landlock=version if isinstance(version, int) else 0,
        seccomp=said.get("seccomp") is True,
        self_test=str(said.get("self_test", "")),
        missing=_texts(said.get("missing")),
        escapes=_texts(said.get("escapes")),
        tried=tried if isinstance(tried, int) else None,
        unclear=_texts(said.get("unclear")),
    )


def judge(facts: Iterable[SelfTestFacts]) -> tuple[Finding, ...]:
    """How each service is shut in."""
    return tuple(_judge(each) for each in facts)


def _judge(each: SelfTestFacts) -> Finding:
    check, more = f"self-test of {each.unit}", "docs/confinement.md says what to do about each"
    if not each.said:
        advice = "run this as root; where its log of that time is gone, restart it and it tries again"
        return unseen(check, "what it said when it started is not in the journal", advice)
    if ways := _once(way for one in each.said for way in one.escapes):
        return error(check, f"ways out that work: {', '.join(ways)}", more)
    missing = _once(why for one in each.said for why in one.missing)
    if not all(one.landlock and one.seccomp for one in each.said):
        return error(check, "; ".join(missing) or "it is not shut in", more)
    if missing:
        return warning(check, "; ".join(missing), f"the unit stands all the same; {more}")
    if doubt := _doubt(each):
        why, advice = doubt
        return warning(check, why, advice or more)
    version = min(one.landlock for one in each.said)
    told = [one.tried for one in each.said if one.tried is not None]
    of = f" of {min(told)} that were tried" if told else ""
    return ok(check, f"no way out{of} worked; Landlock version {version}, system calls judged")


def _doubt(each: SelfTestFacts) -> tuple[str, str] | None:
    """Why a test that found nothing shows little, and what to do about it; None where it shows what it should."""
    if any(one.self_test == "untried" for one in each.said):
        return "no way out could be tried, which shows nothing", ""
    if any(one.self_test != "passed" for one in each.said):
        return "no way out was tried", 'set confine.self_test = "enforce" in its file, then restart it'
    unclear = _once(why for one in each.said for why in one.unclear)
    return (f"ways out of which nobody can tell: {'; '.join(unclear)}", "") if unclear else None


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _document(line: str) -> dict[str, object]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
