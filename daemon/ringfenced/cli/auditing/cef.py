r"""An entry in ArcSight's Common Event Format. Pure.

    CEF:0|vendor|product|version|event class|name|severity|key=value key=value ...

Keys and lengths are those of the dictionary in "Implementing ArcSight Common Event Format", version 0. In the header
``\`` and ``|`` are escaped; in values ``\``, ``=`` and line ends. Other control characters become U+FFFD: entries hold
strings that a daemon chose, and a line that it begins must not pass for one of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfenced.cli.auditing.facts import PRODUCT, VENDOR, Facts
from ringfenced.cli.auditing.record import Record, Severity, sentence, severity
from ringfenced.cli.auditing.rfc5424 import printable

SEVERITIES: Final = {Severity.INFORMATIONAL: 2, Severity.LOW: 3, Severity.MEDIUM: 6, Severity.HIGH: 8}
"""0 to 3 is low there, 4 to 6 medium, 7 and 8 high, 9 and 10 very high."""

NAMES: Final = {
    "intent": "Payload released to a provider",
    "outcome": "Provider call ended",
    "refusal": "Payload refused",
    "lockdown": "Egress stopped or allowed",
    "key": "Provider key read anew",
    "start": "Agent started",
}
_HEADER_CHARS_MAX: Final = 512
_SHORT_CHARS_MAX: Final = 63
_TEXT_CHARS_MAX: Final = 1023
_CUSTOM_CHARS_MAX: Final = 4000
_INTEGER_MAX: Final = 2**31 - 1
"""The dictionary's Integer has 32 bits."""


def line(record: Record, facts: Facts) -> str:
    """The event of an entry, on one line."""
    name = NAMES.get(record.kind, "Egress log entry")
    head = (VENDOR, PRODUCT, facts.version, record.kind, name, str(SEVERITIES[severity(record)]))
    extension = " ".join(f"{key}={_value(value)}" for key, value in _extension(record, facts) if value)
    return f"CEF:0|{'|'.join(_header(each) for each in head)}|{extension}"


def _extension(record: Record, facts: Facts) -> Iterable[tuple[str, str]]:
    """Keys and values; what is empty is left out."""
    yield "rt", str(record.time_unix_ms)
    yield "cat", record.kind
    yield "externalId", str(record.index)
    yield "dvchost", facts.host
    yield "act", {"intent": "allowed", "refusal": "refused"}.get(record.kind, "")
    yield "outcome", record.text("outcome")[:_SHORT_CHARS_MAX]
    yield "reason", ", ".join(record.reasons)[:_TEXT_CHARS_MAX]
    yield "suid", record.text("caller")[:_TEXT_CHARS_MAX]
    yield "destinationServiceName", record.text("provider")[:_TEXT_CHARS_MAX]
    yield "out", _integer(record.number("bytes_out"))
    yield "in", _integer(record.number("bytes_in"))
    custom = (
        ("department", record.text("department")),
        ("model", record.text("model")),
        ("label", record.label),
        ("region", record.text("region")),
        ("requestId", record.text("request_id")),
        ("leafHash", record.leaf),
    )
    for number, (label, value) in enumerate(custom, 1):
        if value:
            yield f"cs{number}Label", label
            yield f"cs{number}", value[:_CUSTOM_CHARS_MAX]
    for number, name in enumerate(("cost_microcredits", "intent", "on"), 1):
        if record.number(name) is not None:
            yield f"cn{number}Label", name
            yield f"cn{number}", str(record.number(name))
    if findings := record.counts("findings"):
        yield "flexString1Label", "findings"
        yield "flexString1", ", ".join(f"{name} {count}" for name, count in findings.items())[:_TEXT_CHARS_MAX]
    yield "msg", sentence(record)[:_TEXT_CHARS_MAX]


def _header(text: str) -> str:
    """A field of the header."""
    return printable(text[:_HEADER_CHARS_MAX]).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    """A value of the extension."""
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return printable(escaped.replace("\r", "\\r").replace("\n", "\\n"))


def _integer(value: int | None) -> str:
    """A number that fits the dictionary's Integer; empty where there is none."""
    return "" if value is None else str(min(value, _INTEGER_MAX))
