"""What a text is, and what of it identifies somebody by its schema.

1. sniff    a few searches for marks that no schema is without; plain text ends here
2. read     each format where its marks stand, as far as it goes
3. sort     walls in order, for `cut`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ringfence.recognize.payload.csv_text import read_csv
from ringfence.recognize.payload.hl7 import read_hl7
from ringfence.recognize.payload.iso20022 import read_iso20022
from ringfence.recognize.payload.json_text import read_json
from ringfence.recognize.payload.sink import PLAIN, Escapes, Sink
from ringfence.recognize.payload.x12 import read_x12
from ringfence.recognize.span import Span


class Payload(NamedTuple):
    """What is structured in a text."""

    spans: list[Span]
    """Identifying fields; positions in characters; not sorted."""
    walls: list[tuple[int, int]]
    """Delimiters, sorted: start and end of each. None of them lies in a field's value."""


_JSON = Escapes(re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL), lambda written: written[-1].isalnum())
"""RFC 8259, 7. One that ends with a letter, as that of a new line, would make one word with what follows."""
_MARKS = frozenset({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
_XML = Escapes(re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,8});"), lambda written: written not in _MARKS)
"""XML 1.0, 4.1 and 4.6."""
_HL7 = Escapes(
    re.compile(r"\\(?:[EFHNPRST]|\.(?:br|ce|fi|in|nf|sk|sp|ti)[ +-]?[0-9]{0,3}|[CMXZ][^\\\r\n]{0,32})\\"),
    lambda written: written[1] in "CMXZ",
)
"""HL7 2.5.1, 2.7 (P: 2.7, 2.5.5.2): C, M and X write characters of other sets, Z is a site's own. What else stands
between two backslashes is no escape but what somebody wrote, as a domain and a user name."""

_READERS: tuple[tuple[Escapes, Callable[[Sink], None]], ...] = (
    (_HL7, read_hl7),
    (PLAIN, read_x12),
    (_JSON, read_json),
    (_XML, read_iso20022),
    (PLAIN, read_csv),
)
"""Each format with its escapes."""


def read_payload(text: str) -> Payload:
    """The structure of `text`. Never raises on any str; linear in its length; may be called from several threads."""
    sink = Sink(text)
    for escapes, read in _READERS:
        sink.escapes = escapes
        read(sink)
    return Payload(sink.spans, sorted(sink.walls))


def payload_reading(text: str) -> list[Span]:
    """The identifying fields of `text`: a `ringfence.recognize.recogniser.Reading`."""
    return read_payload(text).spans
