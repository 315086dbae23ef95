"""Second looks at quasi-identifiers: ages below 90, sex, kinship, countries, nationalities, years.

Nobody is known by one of these alone; they raise a label and stay in the text (see `policy`). Which words count is
the triggers' affair (see `table_quasi`); here their neighbours decide.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from ringfence.recognize.bytesets import DIGITS, WORD
from ringfence.recognize.durations import goes_on, is_duration
from ringfence.recognize.span import NONE, Look, Span, Spans
from ringfence.recognize.vocabulary import UNITS

_AGE_MAX = 89
"""The last year that 45 CFR 164.514(b)(2)(i)(C) lets stand."""
_NUMBER = re.compile(rb"\d{1,3}")
_OF_AGE = re.compile(rb"(?:[ -]old|[ -](?:of age|de edad|de vida|d'age|alten?r?))", re.IGNORECASE)
_AND_MORE = re.compile(
    rb"(?: y (?:medio|media|(?:\d{1,2}|[a-z]{2,6}) (?:mes(?:es)?|dias|semanas))| and a half| et demi|,? (?:and "
    rb")?\d{1,2} months)"
    rb"(?: de edad| old)?(?![A-Za-z])",
    re.IGNORECASE,
)
_FIRST_OF_TWO = re.compile(
    rb"(?<![0-9A-Za-z.,/])(?:\d{1,2}|dos|tres|cuatro|cinco|seis|siete|ocho) (?:y|and|et|und) $", re.IGNORECASE
)
_PARTS = re.compile(
    rb"(?:\d{1,2}|[a-z]{2,12}) (?:meses|mes|dias|semanas|months?|weeks?|days?|mois|monate?n?)$", re.IGNORECASE
)
_NOT_KIN = re.compile(
    rb"(?:antecedentes|historia|medico de|medica de|medicos y|personales (?:ni|y|o)|lactancia|leche|edad) $",
    re.IGNORECASE,
)
_NOT_KIN_AFTER = re.compile(
    rb"[ -](?:pugh|history|practice|physician|medicine|planning|doctor|class|de virus|[a-c]\b)", re.IGNORECASE
)
_YEAR_BEFORE = re.compile(
    rb"[$#\d.,:/=<>+_-]$|\b(?:no|nr|n|eur|usd|version|v|art|section|rfc|iso|page|p|pp)[. ]{1,2}$", re.IGNORECASE
)
_YEAR_AFTER = re.compile(rb"[\d/:%_=]|[.,]\d| ?-? ?" + UNITS + rb"(?![A-Za-z])|-\d(?!\d{3}\b)|-[A-Za-z]", re.IGNORECASE)
_YEAR_WORD = re.compile(rb"\b(?:ano|annee|year|jahr) $", re.IGNORECASE)


def age(buf: bytes, start: int, end: int) -> Spans:
    """An age up to 89 with its unit; not a duration (``for 3 years``, ``hace 10 anos``)."""
    number = _NUMBER.search(buf, start, end)
    of_age = _OF_AGE.match(buf, end, end + 12)
    stop = of_age.end() if of_age is not None else end
    is_years = b"y" in buf[start:end].lower() or b"a" in buf[start:end].lower()
    if is_years and number is not None and int(number.group()) > _AGE_MAX:
        return NONE
    if start and buf[start - 1] in b".,-/0123456789":
        return NONE
    is_sure = of_age is not None or b"old" in buf[start:end].lower()
    if not is_sure and is_duration(buf, start, end):
        return NONE
    more = _AND_MORE.match(buf, stop, stop + 24)
    fewer = _FIRST_OF_TWO.search(buf, max(0, start - 12), start)
    return (
        Span(
            start if fewer is None else fewer.start(),
            stop if more is None else more.end(),
            "AGE_UNDER_90",
            0.8,
            "pattern:age",
        ),
    )


def labelled_age(buf: bytes, start: int, end: int) -> Spans:
    """A number up to 89 after ``aged``, ``Edad:``, ``turned``; the number alone."""
    number = next(reversed(list(_NUMBER.finditer(buf, start, end))), None)
    if number is None or int(number.group()) > _AGE_MAX or (end < len(buf) and buf[end] in b"0123456789%/-"):
        return NONE
    if buf[end : end + 1] in (b".", b",") and buf[end + 1 : end + 2].isdigit():
        return NONE
    return (Span(number.start(), end, "AGE_UNDER_90", 0.7, "label:age"),)


def capital(look: Look) -> Look:
    """`look`, for words that begin with a capital only: ``polish`` and ``turkey`` are others."""

    def only(buf: bytes, start: int, end: int) -> Spans:
        return tuple(span for span in look(buf, start, end) if buf[span.start : span.start + 1].isupper())

    return only


def word(entity_type: str, score: float) -> Look:
    """A look that takes the words themselves as an `entity_type`."""
    recogniser = f"word:{entity_type.lower()}"

    def look(buf: bytes, start: int, end: int) -> Spans:
        if (start and (buf[start - 1] in WORD or buf[start - 1] in b"-")) or (end < len(buf) and buf[end] in WORD):
            return NONE
        return (Span(start, end, entity_type, score, recogniser),)

    return look


def listed(entity_type: str, names: AbstractSet[bytes]) -> Look:
    """A look for the longest of `names` (lower case) that ends at the hit.

    Looked at from the end: hyperscan needs 2 MB for the starts of a thousand names.
    """
    recogniser = f"list:{entity_type.lower()}"
    longest = max(map(len, names))

    def look(buf: bytes, _start: int, end: int) -> Spans:
        if end < len(buf) and buf[end] in WORD:
            return NONE
        window = buf[max(0, end - longest - 1) : end]
        low = window.lower()
        for place in range(len(window)):
            if low[place:] in names and (place == 0 or window[place - 1] not in WORD):
                if place == 0 and end - len(window) > 0:
                    continue
                return (Span(end - len(window) + place, end, entity_type, 0.7, recogniser),)
        return NONE

    return look


PREFIX_BYTES = 6
"""How much of a long name the trigger of `begun` knows: with whole names hyperscan takes seconds to compile."""


def begun(entity_type: str, names: AbstractSet[bytes]) -> Look:
    """A look for the longest of `names` (lower case) whose first `PREFIX_BYTES` end at the hit."""
    recogniser = f"list:{entity_type.lower()}"
    by_prefix: dict[bytes, list[bytes]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_prefix.setdefault(name[:PREFIX_BYTES], []).append(name)

    def look(buf: bytes, _start: int, end: int) -> Spans:
        start = end - PREFIX_BYTES
        low = buf[start : start + 64].lower()
        for name in by_prefix.get(low[:PREFIX_BYTES], ()):
            stop = start + len(name)
            if low.startswith(name) and (stop >= len(buf) or buf[stop] not in WORD):
                return (Span(start, stop, entity_type, 0.7, recogniser),)
        return NONE

    return look


def kin(buf: bytes, start: int, end: int) -> Spans:
    """A word of kinship; not ``family history``, ``Child-Pugh``, ``lactancia materna``."""
    if (start and buf[start - 1] in WORD) or (end < len(buf) and buf[end] in WORD):
        return NONE
    if _NOT_KIN.search(buf, max(0, start - 20), start) or _NOT_KIN_AFTER.match(buf, end, end + 14):
        return NONE
    return (Span(start, end, "KINSHIP", 0.6, "word:kinship"),)


def parts(buf: bytes, _start: int, end: int) -> Spans:
    """An age in months, weeks or days behind the words that make it one: ``varon de 25 meses``, ``a los 7 meses``."""
    number = _PARTS.search(buf, max(0, end - 24), end)
    if number is None or goes_on(buf, end):
        return NONE
    return (Span(number.start(), end, "AGE_UNDER_90", 0.7, "context:age"),)


def sex_letter(buf: bytes, _start: int, end: int) -> Spans:
    """The letter after ``Sexo:`` or ``Gender:``."""
    if end < len(buf) and buf[end] in WORD:
        return NONE
    return (Span(end - 1, end, "SEX", 0.9, "label:sex"),)


def year(buf: bytes, start: int, end: int) -> Spans:
    """A year of living memory that nothing makes a quantity or a part of a number."""
    if _YEAR_BEFORE.search(buf, max(0, start - 9), start) or _YEAR_AFTER.match(buf, end, end + 12):
        return NONE
    if end < len(buf) and (buf[end] in DIGITS or buf[end] in WORD):
        return NONE
    told = _YEAR_WORD.search(buf, max(0, start - 7), start)
    return (Span(told.start() if told is not None else start, end, "YEAR", 0.6, "pattern:year"),)
