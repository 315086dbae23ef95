"""From runs of tokens to spans: where an entity begins and ends, and what is none after all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ringfence.recognize.fold import UPPER
from ringfence.recognize.gazetteer import (
    CITY,
    COMMON,
    COUNTRY,
    EPONYM,
    FACILITY_WORD,
    GIVEN,
    MEDICAL,
    ORG_WORD,
    REGION,
    SURNAME,
)
from ringfence.recognize.span import Span
from ringfence.recognize.tagger.bounds import trimmed
from ringfence.recognize.tagger.public import STATES, is_public
from ringfence.recognize.tagger.runs import Run
from ringfence.recognize.tagger.text import Text
from ringfence.recognize.tagger.tokens import DIGIT, LETTER
from ringfence.recognize.tagger.words import CODE_SYSTEMS, TIME_WORDS

_LOWER_CASE_MIN = 0.9
"""What a name without a capital needs in a text that has some, and so does a single word that mostly names nobody."""
_NEVER = 2.0
_ACRONYM_BYTES_MAX, _ACRONYM_MIN = 6, 0.9
"""A few capitals are a test, a disease or a drug more often than a firm."""
_CALLED_MIN = 0.9
"""From which probability a word that is a country or a state is a person all the same: Chad, Georgia, Jordan, Virginia.
A country that is taken for one only becomes a surrogate."""
_BODY_BYTES_MAX = 48
"""How far a public body's name may reach beyond what was found of it."""
_NAMES = frozenset({"PERSON", "PLACE", "ORGANISATION"})
_NOBODY = COMMON | MEDICAL | EPONYM
_SOMEBODY = GIVEN | SURNAME | CITY | REGION | COUNTRY
_KINDS = COMMON | MEDICAL | ORG_WORD | FACILITY_WORD
_ENTITY_TYPES = {"AGE": "AGE_UNDER_90", "TITLE": "SEX"}
"""Types of the network that findings call otherwise. A title tells no more than a sex."""
_AGE_MIN = 0.7
_AGES_OVER_89 = range(90, 131)
"""45 CFR 164.514(b)(2)(i)(C): over 89 is an identifier."""
_NINETY = (b"ninety", b"noventa", b"neunzig")
_WORDS_BEFORE = 3
"""How many tokens before its end an age in words may begin: ninety-two, noventa y dos."""
_YEAR_BYTES = 4
_ID_DIGITS_MIN = 4
"""Fewer digits are a dose, a level or a score."""
_PHONE_DIGITS_MIN = 6
_DATE_DIGITS_MIN = 5
"""Fewer are a score or a year with something before it, unless a month or a day of the week stands there."""
_CAPITALS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" + UPPER.encode("latin-1"))
_WORDS = re.compile(rb"[a-z\xe0]+")
_LETTER = re.compile(rb"[A-Za-z\xc0\xe0]")
_DIGIT = re.compile(rb"[0-9]")


def spans(text: Text, found: Iterable[Run]) -> Iterator[Span]:
    """The entities of `found`, in its order.

    Of the runs of one type within one word, however long, one is told: it is widened over the whole of it.
    """
    told = ("", -1)
    for run in found:
        if told[0] == run.name and text.word_lasts[run.last] <= told[1]:
            continue
        span = _entity(text, run)
        if span is not None and text.is_cased and run.score < _needed(text, run):
            continue
        told = (run.name, text.word_lasts[run.last])
        if span is not None and span.entity_type in _NAMES:
            span = _somebody(text, run, span)
        if span is not None:
            yield span
        if run.name == "AGE" and run.score >= _AGE_MIN:
            yield from _ages(text, run)


def _entity(text: Text, run: Run) -> Span | None:
    """The entity of a run, without what only stands beside it; None where nothing is left."""
    between = trimmed(text, run)
    if between is None:
        return None
    first, last = between
    start, stop = text.starts[text.word_firsts[first]], text.ends[text.word_lasts[last]]
    written = text.raw[start:stop]
    name = run.name
    if name == "DATE" and written.isdigit():
        if len(written) != _YEAR_BYTES:
            return None
        name = "YEAR"
    if not _is_plausible(name, written) or (name == "ID" and _is_code(text, first, written)):
        return None
    return Span(start, stop, _entity_type(name, written), round(run.score, 2), f"tagger:{name.lower()}")


def _ages(text: Text, run: Run) -> Iterator[Span]:
    """The ages over 89 in `run`: each number by itself, so that the sex beside it stays, or what is said in words."""
    for index in range(run.first, run.last + 1):
        start, end = text.starts[index], text.ends[index]
        if text.kinds[index] != DIGIT or end - start > 3 or text.raw[start - 1 : start] in (b"/", b".", b","):  # noqa: PLR2004 - 130 at most
            continue
        if int(text.raw[start:end]) in _AGES_OVER_89:
            yield Span(start, end, "AGE", round(run.score, 2), "tagger:age")
    for index in range(max(0, run.first - _WORDS_BEFORE), run.last + 1):
        if text.token(index).lower().rpartition(b"und")[2].startswith(_NINETY):
            last = max(index, run.last)
            yield Span(text.starts[index], text.ends[last], "AGE", round(run.score, 2), "tagger:age")
            return


def _entity_type(name: str, written: bytes) -> str:
    if name != "CONTACT":
        return _ENTITY_TYPES.get(name, name)
    if b"@" in written:
        return "EMAIL"
    return "URL" if b"www" in written or b"/" in written or written[:1].isalpha() else "PHONE"


def _needed(text: Text, run: Run) -> float:
    """What a name, place, firm or street needs in a text with capitals; more than 1 for what is none of them."""
    if run.name not in _NAMES and run.name != "ADDRESS":
        return 0
    letters = [index for index in range(run.first, run.last + 1) if text.kinds[index] == LETTER]
    capital = [text.bits[index] for index in letters if text.raw[text.starts[index]] in _CAPITALS]
    if not capital:
        flags = [text.bits[index] for index in letters]
        is_kind = run.name != "PERSON" and all(flag & _KINDS for flag in flags)  # "a university hospital"
        return _LOWER_CASE_MIN if not is_kind and any(flag & _SOMEBODY for flag in flags) else _NEVER
    is_plain = len(capital) == 1 and (capital[0] & _NOBODY or not capital[0] & _SOMEBODY)
    return _LOWER_CASE_MIN if is_plain else 0


def _somebody(text: Text, run: Run, span: Span) -> Span | None:
    """`span`, unless it names nobody: countries and states are told apart, public bodies are nothing.

    45 CFR 164.514(b)(2)(i)(B) begins below the state.
    """
    is_person = span.entity_type == "PERSON"
    if is_person and run.score >= _CALLED_MIN:
        return span
    name = text.raw[span.start : span.end]
    flags = [text.bits[index] for index in range(run.first, run.last + 1) if text.kinds[index] == LETTER]
    if (flags and all((flag | flag >> 16) & COUNTRY for flag in flags)) or name.lower() in STATES:
        return span._replace(entity_type="COUNTRY")
    if is_person:
        return span
    is_short = len(name) <= _ACRONYM_BYTES_MAX and name.isupper() and span.score < _ACRONYM_MIN
    if is_short and span.entity_type == "ORGANISATION":
        return None
    around = text.raw[max(0, span.start - _BODY_BYTES_MAX) : span.end + _BODY_BYTES_MAX].lower()
    return None if is_public(name.lower(), around) else span


def _is_code(text: Text, first: int, written: bytes) -> bool:
    """Whether `written` is a code of a public system, which stands in it or before it: LOINC 2345-7, DRG 291."""
    if first and text.token(first - 1).lower() in CODE_SYSTEMS:
        return True
    return not CODE_SYSTEMS.isdisjoint(_WORDS.findall(written.lower()))


def _is_plausible(name: str, written: bytes) -> bool:
    """Whether `written` can be a `name` at all: a name has letters, an identifier more digits than a measurement."""
    if name in _NAMES:
        return _LETTER.search(written) is not None
    digits = len(_DIGIT.findall(written))
    if name == "ID":
        return digits >= _ID_DIGITS_MIN
    if name == "DATE":
        return digits >= _DATE_DIGITS_MIN or not TIME_WORDS.isdisjoint(_WORDS.findall(written.lower()))
    if name == "CONTACT":
        has_mark = b"@" in written or b"/" in written or b"." in written
        return digits >= _PHONE_DIGITS_MIN or has_mark
    return name != "ADDRESS" or digits != len(written) or digits >= _ID_DIGITS_MIN
