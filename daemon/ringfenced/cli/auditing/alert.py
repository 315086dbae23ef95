"""An alert, and the forms in which it is told. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ringfenced.cli.auditing.facts import PRODUCT, Facts
from ringfenced.cli.auditing.rfc5424 import graphic, printable, quoted
from ringfenced.cli.auditing.times import iso

ELEMENT: Final = "ringfence-alert@32473"
"""As `rfc5424.ELEMENT`."""
_FACILITY: Final = 13
_SEVERITIES: Final = {"low": 5, "medium": 4, "high": 2}
"""Notice, warning, critical (RFC 5424, section 6.2.1)."""
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should look at."""

    rule: str
    """Which rule."""
    severity: str
    """low, medium or high."""
    said: str
    """What happened, in one sentence, without content of a request or an answer."""
    time_unix_ms: int
    """When, by the entry's clock, or by ours where there is no entry."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """Whom or what it is about, for example a department."""
    index: int | None = None
    """The entry that set it off; None where none did."""
    held_back: int = 0
    """How many alerts like this were held back since the last one."""
    actions: tuple[str, ...] = ()
    """What it sets off."""
    lockdown: bool = False
    """Whether it stops egress."""

    @property
    def id(self) -> str:
        """The same whenever the same thing is told again, so that who hears it twice can tell."""
        what = json.dumps([self.rule, self.time_unix_ms, dict(self.subject), self.index], sort_keys=True)
        return hashlib.sha256(what.encode()).hexdigest()[:32]

    def fields(self) -> dict[str, Any]:
        """As JSON tells it."""
        told = {"id": self.id, **asdict(self), "time": iso(self.time_unix_ms)}
        return {name: told[name] for name in told if told[name] is not None}

    def json(self) -> bytes:
        """The same as bytes."""
        return json.dumps(self.fields(), separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Alert:
        """The alert of `fields`.

        Raises:
            TypeError: it is none.
        """
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        return cls(**(known | {"actions": tuple(known.get("actions", ()))}))


def syslog(alert: Alert, facts: Facts) -> bytes:
    """An alert as an RFC 5424 message, without framing."""
    priority = _FACILITY * 8 + _SEVERITIES[alert.severity]
    pairs = {
        "id": alert.id,
        "rule": alert.rule,
        "severity": alert.severity,
        "log": facts.origin,
        "index": "" if alert.index is None else str(alert.index),
        "held_back": str(alert.held_back or ""),
        "lockdown": "1" if alert.lockdown else "",
        **alert.subject,
    }
    parameters = "".join(f' {name}="{quoted(text)}"' for name, text in pairs.items() if text)
    head = f"<{priority}>1 {iso(alert.time_unix_ms)} {graphic(facts.host, 255)} {PRODUCT} - alert"
    return f"{head} [{ELEMENT}{parameters}] {_BOM}{printable(alert.said)}".encode()
