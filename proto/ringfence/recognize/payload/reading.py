"""What a text is, and what of it identifies somebody by its schema.

1. sniff    a few searches for marks that no schema is without; plain text ends here
2. read     each format where its marks stand, as far as it goes
3. sort     walls in order, for `cut`
"""

from __future__ import annotations

from typing import NamedTuple

from ringfence.recognize.payload.csv_text import read_csv
from ringfence.recognize.payload.hl7 import read_hl7
from ringfence.recognize.payload.iso20022 import read_iso20022
from ringfence.recognize.payload.json_text import read_json
from ringfence.recognize.payload.sink import Sink
from ringfence.recognize.payload.x12 import read_x12
from ringfence.recognize.span import Span


class Payload(NamedTuple):
    """What is structured in a text."""

    spans: list[Span]
    """Identifying fields; positions in characters; not sorted."""
    walls: list[tuple[int, int]]
    """Delimiters, sorted: start and end of each. None of them lies in a field's value."""


def read_payload(text: str) -> Payload:
    """The structure of `text`. Never raises on any str; linear in its length; may be called from several threads."""
    sink = Sink(text)
    read_hl7(sink)
    read_x12(sink)
    read_json(sink)
    read_iso20022(sink)
    read_csv(sink)
    return Payload(sink.spans, sorted(sink.walls))


def payload_reading(text: str) -> list[Span]:
    """The identifying fields of `text`: a `ringfence.recognize.recogniser.Reading`."""
    return read_payload(text).spans
