"""The forms in which entries leave for a SIEM, by name. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.auditing import cef, ocsf, rfc5424
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.record import Record

Format = Callable[[Record, Facts], bytes]
"""One entry in one form: a line without its end."""


def ndjson(record: Record, _facts: Facts) -> bytes:
    """The entry itself, byte for byte, with its place and its leaf's hash: a reader can verify it again.

    One that is no JSON stands there as base64.
    """
    head = f'{{"index":{record.index},"leaf":"{record.leaf}",'.encode()
    if record.fields and b"\n" not in record.entry:
        return head + b'"entry":' + record.entry + b"}"
    return head + b'"entry":null,"base64":"' + base64.b64encode(record.entry) + b'"}'


FORMATS: Final[Mapping[str, Format]] = {
    "ocsf": lambda record, facts: json.dumps(ocsf.event(record, facts), separators=(",", ":")).encode(),
    "cef": lambda record, facts: cef.line(record, facts).encode(),
    "rfc5424": lambda record, facts: rfc5424.message(record, facts).encode(),
    "ndjson": ndjson,
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a record: nothing in a file, a syslog header on the way to a syslog server."""

    form: Format
    """The record's own form."""
    syslog: bool
    """Whether what is no syslog message of its own becomes the text of one (RFC 5424, section 6)."""

    def __call__(self, record: Record, facts: Facts) -> bytes:
        """The whole of it."""
        body = self.form(record, facts)
        if not self.syslog or self.form is FORMATS["rfc5424"]:
            return body
        return rfc5424.header(record, facts).encode() + b" - " + body
