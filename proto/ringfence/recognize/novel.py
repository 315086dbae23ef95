"""What a view adds: most of what it reads was read before, and what it puts together reaches too far now and then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from ringfence.labels import Label, covers, join
from ringfence.recognize.guesses import UNSPECIFIC
from ringfence.recognize.merge import merge
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
        """Whether `span` (in characters) holds what no finding covers: letters, or digits where digits count."""
        text, is_open = self._text[span.start : span.end], self._open[span.start : span.end]
        rest = [char for char, here in zip(text, is_open, strict=True) if here and char.isalnum()]
        if all(is_open):
            return True
        if span.entity_type not in _IN_DIGITS or not all(char.isalpha() for char in rest):
            return bool(rest)
        # Letters alone: digits in words on the line of what was found, or the next line's label.
        is_most = 2 * len(rest) > sum(map(str.isalnum, text))
        return is_most or any(_is_mixed(*line) for line in _lines(text, is_open))


class Shown:
    """Tells what a view's finding means beyond what is found at its place in the text itself."""

    __slots__ = ("_label_of", "_shown", "_spans")

    def __init__(self, spans: Iterable[Span], label_of: Callable[[str], Label]) -> None:
        """Take what was found in the text, in characters, and what each type means."""
        self._spans = spans
        self._shown: list[Span] | None = None  # made when a view finds something: few do
        self._label_of = label_of

    def raises(self, span: Span) -> bool:
        """Whether what `span` means is more than what is found there means: a guess must not hide a card number.

        A type that gives way to others never does.
        """
        if span.entity_type in UNSPECIFIC:
            return False
        if self._shown is None:
            self._shown = merge(self._spans)
        index = bisect_right(self._shown, span.start, key=_end)
        there = []
        while index < len(self._shown) and self._shown[index].start < span.end:
            there.append(self._label_of(self._shown[index].entity_type))
            index += 1
        return not covers(join(there), self._label_of(span.entity_type))


def _end(span: Span) -> int:
    return span.end


def _lines(text: str, is_open: bytearray) -> Iterable[tuple[str, bytearray]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield line, is_open[at : at + len(line)]
        at += len(line)


def _is_mixed(line: str, is_open: bytearray) -> bool:
    """Whether letters or digits of `line` are covered and others are not."""
    return len({bool(here) for char, here in zip(line, is_open, strict=True) if char.isalnum()}) > 1
