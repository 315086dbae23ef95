"""Whether what an answer quotes, counts and refers to stands in the source that the prompt gave.

The source is every readable part of the prompt. Looked for are quoted passages of three words or more, numbers of two
digits or more (or with decimals), references in brackets, web addresses and DOIs. Letters' case, white space, marks and
the ways to write a number do not count. That a passage is there does not show that it supports what is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from ringfenced.evaluate.case import FLAWLESS, Case, Opinion

CLAIMS_MAX = 500
"""Quotes of an answer that are looked for, and as many numbers and references; further ones are not."""
CHARS_MAX = 500_000
"""Longest question and answer together that are judged, in code points: more than most contexts hold. They take the
thread, which judges for everybody, a second or two (one core of a cloud server, 2026)."""
QUOTE_WORDS_MIN = 3
"""Words of a passage that counts as quoted; shorter ones are names and irony."""
PIECE_CHARS = 512
"""Code points that are normalised at a time: marks that pile up on a letter take time with the square of their number,
and hold the interpreter meanwhile (some 0.2 ms for so many)."""
MARKS_MAX = 30
"""Marks on one letter that are kept with it (Unicode Standard Annex 15, Stream-Safe Text Format)."""

_QUOTE = re.compile(r"[\"“„«]([^\"“”„«»\n]{8,600})[\"”“»]")
_REFERENCE = re.compile(r"\[(\d{1,4}(?:[ ,;–-]{1,2}\d{1,4}){0,9}|[A-Z][\w.&, -]{2,60}?,? \d{4}[a-z]?)\]")  # noqa: RUF001
_ADDRESS = re.compile(r"\b(?:https?://[^\s)\]>\"]{4,300}|10\.\d{4,9}/[^\s)\]>\"]{2,200})")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,'\u00a0\u202f]{0,30}(?![\w])")
_ORDINAL = re.compile(r"^[ \t]{0,8}(?:\d{1,3}[.)]|step \d{1,3}\b)", re.IGNORECASE | re.MULTILINE)
_LABEL = re.compile(
    r"[\[(](\d{1,4})[\])]|^[ \t]{0,8}(\d{1,4})[.):]"
    r"|(?:source|document|doc|quelle|dokument|section|page)[ #]{1,2}(\d{1,4})\b",
    re.IGNORECASE | re.MULTILINE,
)
"""How a source labels its parts: ``[2]``, ``(2)``, ``2.``, ``Source 2``."""
_LETTERS = re.compile(r"[^\w]+", re.UNICODE)


def evaluate(case: Case) -> Opinion | None:
    """The share of quotes, numbers and references that the source has; nothing to say where there are none.

    Nor of what is longer than `CHARS_MAX`: a source that is read in part would miss what its other part says.

    Numbers that follow from numbers of the source, such as a sum, are not in it: for calculations ask `sums`.
    """
    if case.chars > CHARS_MAX:
        return None
    text = case.answer.text
    source = "\n".join(case.texts())
    words, numbers = _folded(source), {form for token in _numbers(source) for form in _readings(token)}
    labels = {label for match in _LABEL.finditer(source) for label in match.groups() if label}
    found = [quote in words for quote in islice(_quotes(text), CLAIMS_MAX)]
    found += [not numbers.isdisjoint(_readings(token)) for token in islice(_claimed_numbers(text), CLAIMS_MAX)]
    found += [
        one in labels if one.isdigit() else _folded(one) in words for one in islice(_references(text), CLAIMS_MAX)
    ]
    if not found:
        return None
    missing = found.count(False)
    if not missing:
        return FLAWLESS
    return Opinion(
        1 - missing / len(found), f"{missing} of {len(found)} quotes, numbers and references are not in the source"
    )


def _quotes(text: str) -> Iterator[str]:
    for match in _QUOTE.finditer(text):
        quote = _folded(match.group(1))
        if quote.count(" ") >= QUOTE_WORDS_MIN + 1:  # a space at either end
            yield quote


def _references(text: str) -> Iterator[str]:
    for match in _ADDRESS.finditer(text):
        yield match.group().rstrip(".,;:")
    for match in _REFERENCE.finditer(text):
        inner = match.group(1)
        yield from re.findall(r"\d+", inner) if inner[0].isdigit() else (inner,)


def _claimed_numbers(text: str) -> Iterator[str]:
    """Numbers that say something: not single digits, not the numbers of a list, not those inside references."""
    bare = _ORDINAL.sub("", _ADDRESS.sub(" ", _REFERENCE.sub(" ", text)))
    return (token for token in _numbers(bare) if len(re.sub(r"\D", "", token)) > 1)


def _numbers(text: str) -> Iterator[str]:
    return (match.group().rstrip(".,'") for match in _NUMBER.finditer(text))


def _readings(token: str) -> frozenset[str]:
    """Every number that a token may be: ``1.234`` is a thousand in German and one and a bit in English."""
    plain = re.sub(r"['\u00a0\u202f]", "", token)
    forms = {plain.replace(",", ""), plain.replace(".", "").replace(",", ".")}
    return frozenset(_trimmed(form) for form in forms if form.count(".") <= 1) or frozenset({plain})


def _trimmed(number: str) -> str:
    """The same for equal numbers: ``007.50`` is ``7.5``."""
    whole, _, decimals = number.partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "")


def _folded(text: str) -> str:
    """Words alone, in one case, with one space around each."""
    return f" {_LETTERS.sub(' ', _normalized(text).casefold()).strip()} "


def _normalized(text: str) -> str:
    """In compatible composed form (NFKC), as far as that takes time linear in the text."""
    if text.isascii():
        return text
    pieces, start = [], 0
    while start < len(text):
        end = start + PIECE_CHARS
        most = end + MARKS_MAX
        while end < most and unicodedata.combining(text[end : end + 1] or " "):  # a mark stays with its letter
            end += 1
        pieces.append(unicodedata.normalize("NFKC", text[start:end]))
        start = end
    return "".join(pieces)
