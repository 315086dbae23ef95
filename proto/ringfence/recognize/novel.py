"""What a view adds: most of what it reads was read before, and what it puts together reaches too far now and then."""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.recognize.span import Span

_IN_DIGITS = frozenset(
    {
        *("EMAIL", "URL", "IP", "MAC", "PHONE", "DATE", "AGE", "SSN", "MRN", "INSURANCE_ID", "ACCOUNT", "IBAN", "BIC"),
        *("PAN", "CARD_TRACK", "CARD_CODE", "DOCUMENT_ID", "TAX_ID", "NPI", "VEHICLE_ID", "DEVICE_ID", "CASE_ID", "ID"),
        "COORDINATES",
    }
)
"""Types that identify by digits or marks: a word beside one that was found whole is the next line's."""


class Novel:
    """Tells what of a view's findings the text itself does not show. Linear to make, and in each span's length."""

    __slots__ = ("_open", "_text")

    def __init__(self, text: str, spans: Iterable[Span]) -> None:
        """Take what was found in `text` as it is written; positions in characters."""
        self._text = text
        self._open = bytearray(b"\x01") * len(text)
        for span in spans:
            self._open[span.start : span.end] = bytes(span.end - span.start)

    def adds(self, span: Span) -> bool:
        """Whether `span` (in characters) holds what no finding covers: a letter, or a digit where digits count."""
        rest = [
            char
            for char, is_open in zip(self._text[span.start : span.end], self._open[span.start : span.end], strict=True)
            if is_open
        ]
        if len(rest) == span.end - span.start:
            return True
        if span.entity_type in _IN_DIGITS:
            return any(not char.isalpha() and (char.isalnum() or char == "@") for char in rest)
        return any(char.isalnum() for char in rest)
