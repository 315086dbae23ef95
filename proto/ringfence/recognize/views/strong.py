"""Shapes that speak for themselves, or stand after a label: what a reading must show before pieces are put together.

Joining what stands apart makes numbers out of any table, so a joined text counts only where one of these shapes runs
across the joint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ringfence.recognize import validators

_LABEL = (
    r"(?:ssn|social security(?: number)?|soc sec|mrn|npi|dea|iban|phone|telephone|tel|mobile|cell|fax|call|card|pan|"
    r"account|acct|konto|cuenta|compte|passport|licen[cs]e|member|policy|patient id|id|number|no|nr|telefono|telefon|"
    r"nhc|dni|nif|nie|nhs|dob|born|date of birth)"
)
LABEL_BEFORE = re.compile(
    _LABEL + r"[\"'*_)]{0,3}(?: ?(?:no|nr|number|is|was|#)\b\.?)?[ \t]{0,3}[:=#|>-]?[ \t]{0,3}[\"'#*_(]{0,3}$",
    re.IGNORECASE,
)
"""A label that ends right before a value."""
LABEL_BEFORE_CHARS = 48
"""How far before a value its label may begin."""

_DIGITS = r"(?<![A-Za-z0-9])(?<![.,]\d)"
_END = r"(?![A-Za-z0-9])(?![.,]\d)"
_SHAPES = (
    ("ssn", re.compile(_DIGITS + r"(?<![-/+$])\d{3}([- ])\d{2}\1\d{4}(?![-/])" + _END)),
    ("pan", re.compile(_DIGITS + r"\d(?:[ -]?\d){12,18}" + _END)),
    (
        "phone",
        re.compile(r"(?<![A-Za-z0-9+])(?:\+?1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}" + _END),
    ),
    ("phone", re.compile(r"(?<![A-Za-z0-9])\+\d{1,3}[ -]?\d(?:[ ()./-]?\d){6,13}" + _END)),
    ("iban", re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{1,4}){3,10}" + _END)),
    ("email", re.compile(r"[A-Za-z0-9_%+.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![A-Za-z0-9])")),
    (
        "key",
        re.compile(
            r"(?<![A-Za-z0-9])(?:AKIA|ASIA|gh[pousr]_|github_pat_|xox[abprs]-|sk-|[sr]k_live_|sk_test_|AIza|glpat-|hf_|npm_|eyJ)[A-Za-z0-9_.-]{12,200}"
        ),
    ),
    ("date", re.compile(_DIGITS + r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])" + _END)),
    ("date", re.compile(_DIGITS + r"(?:0?[1-9]|[12]\d|3[01])([/.])(?:0?[1-9]|[12]\d|3[01])\1(?:19|20)\d{2}" + _END)),
)
_LABELLED = re.compile(
    rf"(?<![A-Za-z]){_LABEL}(?: ?(?:no|nr|number)\b\.?)?[ ]{{0,2}}(?:[:=#]|is)[ ]{{0,2}}#?"
    rf"([A-Za-z]{{0,4}}[- ]?\d[\d -]{{3,20}}\d){_END}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?<![A-Za-z])(?i:(?:patient|name|customer|client|member|paciente|nombre|kunde|nom)[ ]?:[ ]?|"
    r"(?:mr|mrs|ms|dr|herr|frau)\.? )([A-Z][a-z'-]{0,24}(?: [A-Z][a-z'-]{0,24}){0,3})"
)
_NOT_ALNUM = re.compile(r"[^A-Za-z0-9]+")


def shapes(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of each strong shape in `text`, a short one: some joined pieces."""
    for kind, pattern in _SHAPES:
        for match in pattern.finditer(text):
            if is_valid(kind, match.group()):
                yield match.start(), match.end(), kind
    for match in _LABELLED.finditer(text):
        yield match.start(1), match.end(1), "labelled"
    for match in _NAMED.finditer(text):
        yield match.start(1), match.end(1), "named"


def crosses(text: str, cut: int) -> bool:
    """Whether a strong shape in `text` has characters on both sides of `cut`."""
    return any(start < cut < end for start, end, _ in shapes(text))


def is_valid(kind: str, raw: str) -> bool:
    """Whether check digits and ranges of `raw`, which has the shape of a `kind`, are right."""
    compact = _NOT_ALNUM.sub("", raw)
    if kind == "pan":
        return is_card(compact)
    if kind == "ssn":
        return validators.is_issuable_ssn(compact)
    if kind == "iban":
        return is_iban_prefix(compact.upper())
    return True


def is_card(digits: str) -> bool:
    """Whether `digits` are a card number: length, network's range, Luhn digit, no ISBN."""
    return (
        13 <= len(digits) <= 19  # noqa: PLR2004 - ISO/IEC 7812
        and validators.is_card_range(digits)
        and validators.is_luhn(digits)
        and not validators.is_isbn13(digits)
    )


def is_iban_prefix(compact: str) -> bool:
    """Whether `compact` begins with an IBAN: a run may go on with the words that follow it."""
    length = validators.IBAN_LENGTHS.get(compact[:2])
    return length is not None and len(compact) >= length and validators.is_iban(compact[:length])


def is_labelled(text: str, start: int) -> bool:
    """Whether a label of an identifier stands right before `start`."""
    return LABEL_BEFORE.search(text, max(0, start - LABEL_BEFORE_CHARS), start) is not None


def is_plain_series(digits: str) -> bool:
    """Whether `digits` are what nobody is known by: a count up or down, or the same two digits all over."""
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    return len(set(digits)) <= 2 or steps <= {1, -9} or steps <= {-1, 9} or len(steps) == 1  # noqa: PLR2004 - zeros and ones
