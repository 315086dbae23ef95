r"""An entry as a syslog message. Pure.

    <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [element name="value" ...] BOM MSG          (RFC 5424, section 6)

The facility is 13, log audit. MSGID is the entry's kind. The element `ringfence@32473` holds what the entry says;
32473 is the enterprise number that RFC 5612 keeps for examples, until this product has one of its own. `meta` and
`origin` are IANA's (sections 7.2 and 7.3). In values ``"``, ``\`` and ``]`` are escaped (section 6.3.3), and control
characters become U+FFFD, so that a message is one line whatever a daemon wrote into a permit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ringfenced.cli.auditing.facts import PRODUCT, Facts
from ringfenced.cli.auditing.record import Record, Severity, sentence, severity
from ringfenced.cli.auditing.times import iso

ELEMENT: Final = "ringfence@32473"
_FACILITY: Final = 13
_SEVERITIES: Final = {Severity.INFORMATIONAL: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3}
"""Informational, notice, warning, error (section 6.2.1)."""
_BOM: Final = "\ufeff"
_NIL: Final = "-"
_SEQUENCE_MAX: Final = 2_147_483_647
"""`sequenceId` counts from 1 to this and begins again (section 7.3.1)."""
_HOSTNAME_CHARS_MAX: Final = 255
_MSGID_CHARS_MAX: Final = 32
_VALUE_CHARS_MAX: Final = 1024
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_GRAPHIC: Final = re.compile(r"[^!-~]")

_TEXTS: Final = ("request_id", "caller", "department", "provider", "model", "region", "outcome")
_NUMBERS: Final = ("bytes_out", "bytes_in", "intent", "on", "cost_microcredits", "cost_microcredits_max", "attempts")
_COUNTS: Final = ("findings", "findings_before")


def message(record: Record, facts: Facts) -> str:
    """The message of an entry, without any framing."""
    meta = f'[meta sequenceId="{record.index % _SEQUENCE_MAX + 1}"]'
    origin = f'[origin software="{PRODUCT}" swVersion="{quoted(facts.version)}"]'
    parameters = "".join(f' {name}="{quoted(value)}"' for name, value in _parameters(record, facts) if value)
    elements = f"[{ELEMENT}{parameters}]{meta}{origin}"
    return f"{header(record, facts)} {elements} {_BOM}{printable(sentence(record))}"


def header(record: Record, facts: Facts) -> str:
    """Everything before the structured data."""
    priority = _FACILITY * 8 + _SEVERITIES[severity(record)]
    host = graphic(facts.host, _HOSTNAME_CHARS_MAX)
    return f"<{priority}>1 {iso(record.time_unix_ms)} {host} {PRODUCT} {_NIL} {graphic(record.kind, _MSGID_CHARS_MAX)}"


def graphic(text: str, chars_max: int) -> str:
    """A name of the header: printable US-ASCII without spaces, at most so long; the nil value for none."""
    return _NOT_GRAPHIC.sub("_", text)[:chars_max] or _NIL


def printable(text: str) -> str:
    """Text that stays on its line."""
    return _CONTROL.sub("\ufffd", text)


def _parameters(record: Record, facts: Facts) -> Iterable[tuple[str, str]]:
    """Names and values of our element; what is empty is left out."""
    yield "log", facts.origin
    yield "index", str(record.index)
    yield "leaf", record.leaf
    yield from ((name, record.text(name)) for name in _TEXTS)
    yield "label", record.label
    yield "label_before", record.level_before
    yield "reasons", ",".join(record.reasons)
    yield from ((name, str(number)) for name in _NUMBERS if (number := record.number(name)) is not None)
    for name in _COUNTS:
        yield name, ",".join(f"{found}={count}" for found, count in record.counts(name).items())


def quoted(text: str) -> str:
    """A parameter's value; long ones are cut, for servers cut messages."""
    return printable(text[:_VALUE_CHARS_MAX]).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
