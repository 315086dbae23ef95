"""Second looks at numbers that nothing labels: SSNs by their groups, and any long number."""

from __future__ import annotations

import re

from ringfence.recognize import validators
from ringfence.recognize.bytesets import NO_DIGITS, digits_of, is_bounded
from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import UNITS

_UNIT_AFTER = re.compile(rb"[ ]?" + UNITS + rb"(?![A-Za-z])", re.IGNORECASE)
_NOT_ID_WORDS = frozenset(
    b"pzn lpp pmid pmc pmcid nct doi isbn isbn-10 isbn-13 issn ean upc ndc cpt hcpcs snomed sctid loinc rxcui "
    b"rxnorm icd icd-9 icd-10 icd-11 cas rfc iso umls mesh eudract isrctn actrn omim go rs eur usd gbp chf "
    b"$ population of approximately about over n v version build ed edition commit release normal range "
    b"rango valores reference referencia interval titer titre".split()
)
"""A word before a number that makes it a citation, a code, an amount or a laboratory's interval."""
_BETWEEN = frozenset((b"ct", b"no", b"code", b"id", b"number", b"range", b"interval"))
"""What may stand between such a word and its number."""
_MARKS = b" :.=#(/-"
_NOT_ID_PREFIX = (
    b"NCT", b"PMC", b"ISBN", b"ISSN", b"RFC", b"ISO", b"ICD", b"CVE", b"EUR", b"USD", b"GBP", b"CHF", b"DOI", b"ISRCTN",
    b"ACTRN", b"EUDRACT", b"RS", b"COVID", b"SARS", b"CWE", b"KB", b"UTF", b"IEC", b"EN-", b"DIN", b"ASTM", b"IEEE",
    # Research codes of medicines: makers' prefixes.
    b"GSK", b"GSE", b"GSM", b"PRJ", b"SRR", b"ENSG",
    b"PF-", b"PF0", b"BMS", b"LY-", b"LY2", b"LY3", b"MK-", b"AZD", b"ABT", b"JNJ",
    b"RO-", b"RO4", b"RO5",
    b"RO7", b"TAK", b"BAY", b"SAR", b"MEDI", b"INCB", b"AMG", b"ONO", b"CHIR", b"UCB", b"SCH", b"NVP", b"EMD",
    b"SB-",
)  # fmt: skip
"""What begins a code that is published, and so is nobody's."""
_REFERENCE_BEFORE = re.compile(rb"(?:/ ?(?:l|dl|ml|ul|mm3|h|24h|kg|min|hpf)|\d|%|\bui?) ?[(\[]$", re.IGNORECASE)
"""What stands before the reference interval of a laboratory value: ``166 pmol/L (298-2350)``."""
_MIN = 7
"""Shorter numbers without a label are too often something else."""


def ssn(buf: bytes, start: int, end: int) -> Spans:
    """A number grouped 3-2-4; areas that are never issued count too, with less confidence."""
    if not is_bounded(buf, start, end) or (start and buf[start - 1] in b"-/") or buf[end : end + 1] in (b"-", b"/"):
        return NONE
    score = 0.95 if validators.is_issuable_ssn(digits_of(buf[start:end])) else 0.6
    at = start - (buf[start - 1 : start] == b"#")
    return (Span(at, end, "SSN", score, "pattern:ssn"),)


def long_number(buf: bytes, start: int, end: int) -> Spans:
    """Seven or more digits, alone, grouped by hyphens or behind letters, that nothing marks as a quantity or a code."""
    raw = buf[start:end]
    digits = raw.translate(None, NO_DIGITS)
    if len(digits) < (_MIN - 1 if raw[:1].isalpha() else _MIN) or not _stands_alone(buf, start, end):
        return NONE
    if raw.upper().startswith(_NOT_ID_PREFIX) or _is_said_otherwise(buf, start, end):
        return NONE
    if validators.is_isbn13(digits.decode("ascii")) or _is_round(digits) or _is_range(raw):
        return NONE
    at = start - (buf[start - 1 : start] == b"#")
    return (Span(at, end, "ID", 0.4, "pattern:long-number"),)


def mixed(buf: bytes, start: int, end: int) -> Spans:
    """Five digits behind letters, letters between digits, or three pairs that are neither a date nor a row."""
    raw = buf[start:end]
    if (
        not _stands_alone(buf, start, end)
        or raw.upper().startswith(_NOT_ID_PREFIX)
        or _is_said_otherwise(buf, start, end)
    ):
        return NONE
    if raw[2:3] == b"-":
        pairs = raw.split(b"-")
        if pairs in (sorted(pairs), sorted(pairs, reverse=True)) or (pairs[0] <= b"31" and pairs[1] <= b"31"):
            return NONE
    return (Span(start, end, "ID", 0.4, "pattern:long-number"),)


def is_code(buf: bytes, start: int) -> bool:
    """Whether the word before `start` says that a code, a citation or an amount follows."""
    return _word_before(buf, start) in _NOT_ID_WORDS


def is_reference_interval(buf: bytes, start: int) -> bool:
    """Whether what stands before `start` says that a laboratory's reference interval follows."""
    return buf[start - 1] in b"([" and _REFERENCE_BEFORE.search(buf, max(0, start - 12), start) is not None


def _stands_alone(buf: bytes, start: int, end: int) -> bool:
    if start and buf[start - 1] in b"-/$+_=":
        return False
    after = buf[end : end + 2]
    if after[:1] == b"%" or (after[:1] in (b"-", b"/", b"_") and after[1:].isalnum()):
        return False
    return is_bounded(buf, start, end)


def _is_said_otherwise(buf: bytes, start: int, end: int) -> bool:
    """Whether a unit behind or a word before says that this counts or cites something."""
    if end < len(buf) and _UNIT_AFTER.match(buf, end, end + 12):
        return True
    if not start:
        return False
    if is_reference_interval(buf, start):
        return True
    run = buf[max(0, start - 60) : start]
    run = run[run.rfind(b" ") + 1 :].lower()
    if run and (b"10." in run or b"doi" in run or b"pmid" in run or b"isbn" in run or b"issn" in run):
        return True
    return _word_before(buf, start) in _NOT_ID_WORDS


def _word_before(buf: bytes, start: int) -> bytes:
    """The word before a number, in lower case, bare; the one before it where that is ``no``, ``code`` or so."""
    words = buf[max(0, start - 24) : start].rstrip(_MARKS).lower().replace(b"(", b" ").split(b" ")
    word = words.pop()
    if word in _BETWEEN and words:
        word = words.pop()
    return word.strip(_MARKS)


def _is_round(digits: bytes) -> bool:
    """Whether `digits` are a counted amount: 10000000."""
    return len(digits) - len(digits.rstrip(b"0")) >= 5  # noqa: PLR2004 - hundreds of thousands


def _is_range(raw: bytes) -> bool:
    """Whether `raw` is two years, two round numbers, or a row of rising ones: 2014-2019, 4000-11000."""
    parts = raw.split(b"-")
    if len(parts) > 3 and all(len(part) == 2 for part in parts) and parts == sorted(parts):  # noqa: PLR2004
        return True  # an audiogram: 20-25-40-60
    first, _, second = raw.partition(b"-")
    if not (first.isdigit() and second.isdigit()) or int(first) > int(second):
        return False
    is_years = len(first) == len(second) == 4 and b"15" <= first[:2] <= second[:2] <= b"20"  # noqa: PLR2004
    return is_years or (first.endswith(b"00") and second.endswith(b"00"))
