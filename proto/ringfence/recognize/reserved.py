"""The spaces that surrogates come from: reserved, so that none is ever anyone's identifier.

Defined once, for both sides: the daemon draws surrogates from these spaces, and the agent, which has no mapping, tells
a surrogate from a real identifier by them. A span is judged word by word: every word of it must be a surrogate's or one
that identifies nobody beside it (a title, "Hospital", "Street", "de"; see `generic`), and one at least a surrogate's.

    PERSON        words of `pools`' closed list of invented names; initials beside them do not count
    PLACE, ORGANISATION, ADDRESS
                  words of `pools`' places; up to three numbers of at most four digits; ZIPs below 00500 (USPS assigns
                  none below 00501, and no PLZ, code postal or codigo postal is below 01000); postcodes of area ZZ
    DATE          the year is 2100 to 2299 (MIMIC-III, Johnson et al. 2016, shifts to 2100-2200; a second century leaves
                  the secret offset room although one text spans a lifetime). What names no day, month or year
                  ("last Monday", "two weeks ago") stands: an offset of whole weeks does not change it
    AGE           90: "90 or over" is what 45 CFR 164.514(b)(2)(i)(C) lets stand
    PHONE         NANP line 555-0100 to 555-0199 (ATIS-0300115), or 999 first (no area code, no country code: E.164)
    EMAIL         user000000@ example.com, .org or .net (RFC 2606)
    USERNAME      user000000
    URL           a host under the same, and the path ``/x/`` with eight letters and digits
    IP            192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737); 2001:db8::/32 (RFC 3849)
    MAC           00-00-5E-00-53-00 to -FF (RFC 7042, 2.1.2)
    COORDINATES   latitude -48, longitude -123: the degree of Point Nemo, 2,688 km from land (Lukatela 1992)
    SSN           area 666 or 000, never issued (SSA, 2011)
    NPI           begins with 9 (issued ones begin with 1 or 2), right Luhn digit
    PAN           begins with 9999 (ISO/IEC 7812-1 leaves 9 to national use), right Luhn digit
    IBAN, BIC     country XX or ZZ (ISO 3166-1 user-assigned), right check digits
    others        an unassigned space of their own (see `unassigned`), or: the first three digits are 999, all letters
                  Q, X, Z or J. By chance a real number is so: 1 in 1,000 with digits alone; it would pass the agent's
                  scan, not the daemon's
    any           the literal ``[TYPE-999...]``, for what no space fits

SECRET and OPAQUE have none: neither is ever replaced, what holds them stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ringfence.recognize import validators
from ringfence.recognize.generic import (
    AGE_GENERIC,
    DATE_GENERIC,
    DATE_WORDS,
    FACILITY_WORDS,
    PLACE_GENERIC,
    TITLE_WORDS,
    fold_word,
    is_letter,
    is_particle,
    is_state,
)
from ringfence.recognize.pools import PERSON_WORDS, PLACE_WORDS
from ringfence.recognize.unassigned import is_unassigned

NEVER_REPLACED = frozenset({"SECRET", "OPAQUE"})
"""A secret, and what cannot be read."""
YEAR_FIRST, YEAR_LAST = 2100, 2299
"""Years of surrogate dates."""
ID_DIGITS = "999"
"""First digits of a surrogate number."""
ID_LETTERS = "QXZJ"
"""Letters of surrogate numbers: no USPS state, no country of the IBAN registry and no label is made of them."""
ZIP_LAST = "00499"
"""Highest reserved ZIP: 00501 is the lowest that USPS assigns."""
IPV4_BLOCKS = ("192.0.2.", "198.51.100.", "203.0.113.")
"""RFC 5737."""
IPV6_BLOCK = "2001:db8:"
"""RFC 3849."""
MAC_BLOCK = "00005e0053"
"""RFC 7042."""
DOMAINS = ("example.com", "example.org", "example.net")
"""RFC 2606."""
LATITUDE, LONGITUDE = 48, 123
"""Whole degrees south and west of surrogate coordinates."""

TIME = re.compile(
    r"\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
"""A time of day, with its zone: no part of a date."""

COMPACT_DATE = re.compile(
    r"(\d{4})(\d{2})(\d{2})"
    r"(?:(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\.\d{1,4})?)?(?:[+-](?:0\d|1[0-4])(?:00|15|30|45))?)?"
)
"""Year, month and day, and a time with its zone that no other number passes for: a personal number may begin with the
day of birth, and its end would stay."""

LONG_NUMBER = re.compile(r"\+?\d(?:[ .()/-]{0,2}\d){7,14}(?![\w-])")
"""A number that is longer than any of an address, as a telephone's that stands behind it."""

_LITERAL = re.compile(r"\[?([A-Z_]{2,16})-999\d{3,9}\]?")
_WORDS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMERIC_DATE = re.compile(r"[\d/.-]{6,10}")
_URL = re.compile(r"(?:https?://)?(?:www\.)?example\.(?:com|org|net)/x/[a-z0-9]{8}", re.IGNORECASE)
_EMAIL = re.compile(r"user\d{6}@example\.(?:com|org|net)", re.IGNORECASE)
_USERNAME = re.compile(r"@?user\d{6}", re.IGNORECASE)
_PHONE = re.compile(r"[\d()+./ \u00a0-]{3,40}")
_IPV6 = re.compile(r"2001:db8:[0-9a-f:]{1,32}(?:/\d{1,3})?", re.IGNORECASE)
_IPV4 = re.compile(r"[\d.]{9,15}(?:[/:]\d{1,5})?")
_MAC_MARKS = re.compile(r"[:.-]")
_NUMBERS = re.compile(r"([+\u2212-]?)\s?(\d{1,3})([.,]\d+)?")
_SOUTH = re.compile(r"(?<![A-Za-z])[Ss](?![A-Za-z])")
_WEST = re.compile(r"(?<![A-Za-z])[WwOo](?![A-Za-z])")
"""A hemisphere's letter: no part of "GPS" or "lon"."""
_BIC = re.compile(r"[A-Z]{4}(?:ZZ|XX)[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_CHUNKS = re.compile(r"[^\s,;]+")
_EDGES = ".:()[]{}<>\"'*_`!?#|/\\-"
_AREA_ZZ = re.compile(r"zz[\dqxzj]{0,12}")
_ZIP_4 = re.compile(r"\d{5}-\d{4}")
_HOUSE = re.compile(r"\d{1,4}[a-z]?")
_HOUSE_NUMBERS_MAX, _ZIP_DIGITS = 3, 5
_CHUNKS_MAX = 64


NAME_WORDS = PERSON_WORDS | PLACE_WORDS
"""Every word of a surrogate name: a town may be called as a person is, and then both have one surrogate."""


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _beside_person(word: str, folded: str) -> bool:
    return is_letter(word) or folded in TITLE_WORDS or folded in FACILITY_WORDS or is_particle(word)


def _person(text: str) -> bool:
    ours = False
    if any(char.isnumeric() for char in text):
        return False
    for word in _LETTERS.findall(text):
        folded = fold_word(word)
        if folded in NAME_WORDS:
            ours = True
        elif not _beside_person(word, folded):
            return False
    return ours


def _place(text: str) -> bool:
    ours, numbers = False, 0
    text = _EMAIL.sub(" ", text)
    if not all(map(_is_long_reserved, LONG_NUMBER.findall(text))):
        return False
    text = LONG_NUMBER.sub(lambda match: match.group() if _ZIP_4.fullmatch(match.group()) else " ", text)
    for word in _WORDS.findall(text):
        folded = fold_word(word)
        if folded in NAME_WORDS or _AREA_ZZ.fullmatch(folded):
            ours = True
        elif folded[0].isdigit():
            is_ours = _postcode(folded)
            ours |= is_ours
            numbers += not is_ours
            if not is_ours and _HOUSE.fullmatch(folded) is None:
                return False
        elif not (is_letter(word) or folded in PLACE_GENERIC or is_state(word)):
            return False
    return ours and numbers <= _HOUSE_NUMBERS_MAX


def _is_long_reserved(number: str) -> bool:
    """A telephone's digits behind an address, or ZIP+4."""
    return _digits(number).startswith(ID_DIGITS) or (_ZIP_4.fullmatch(number) is not None and number[:5] <= ZIP_LAST)


def _postcode(word: str) -> bool:
    if len(word) == _ZIP_DIGITS and word.isdecimal():
        return word <= ZIP_LAST
    return word == "9zz" or (len(word) > _ZIP_DIGITS and word.isdecimal() and word.startswith(ID_DIGITS))


def _date(text: str) -> bool:
    compact = COMPACT_DATE.fullmatch(text)
    if compact is not None:
        year, month, day = map(int, compact.groups())
        return YEAR_FIRST <= year <= YEAR_LAST and 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004
    if _WORDS.search(text) is None:  # nothing that can be read: what was found stands in a view, in characters unseen
        return False
    years, others, names_month = 0, 0, False
    for word in _WORDS.findall(TIME.sub(" ", text)):
        if word.isdecimal():
            if len(word) > 2:  # noqa: PLR2004 - days and months have two digits at most
                if len(word) != 4 or not YEAR_FIRST <= int(word) <= YEAR_LAST:  # noqa: PLR2004
                    return False
                years += 1
            else:
                others += 1
        else:
            folded = fold_word(word.lstrip("0123456789"))
            others += word[0].isdigit()
            names_month |= folded in DATE_WORDS
            if folded not in DATE_WORDS and folded not in DATE_GENERIC:
                return False
    if years == 0:
        return not names_month and not others
    return years == 1 and others <= 3  # noqa: PLR2004 - two days and a month


def _age(text: str) -> bool:
    return _digits(text) == "90" and all(fold_word(word) in AGE_GENERIC for word in _LETTERS.findall(text))


def _phone(text: str) -> bool:
    if _PHONE.fullmatch(text) is None:
        return False
    digits = _digits(text)
    if len(digits) == 11 and digits[0] == "1":  # noqa: PLR2004 - the NANP's country code
        digits = digits[1:]
    return digits.startswith(ID_DIGITS) or (len(digits) in (7, 10) and digits[-7:-2] == "55501")


def _ip(text: str) -> bool:
    return (text.startswith(IPV4_BLOCKS) and _IPV4.fullmatch(text) is not None) or _IPV6.fullmatch(text) is not None


def _mac(text: str) -> bool:
    bare = _MAC_MARKS.sub("", text).lower()
    return len(bare) == 12 and bare.startswith(MAC_BLOCK)  # noqa: PLR2004 - six pairs


def _coordinates(text: str) -> bool:
    """Every number but minutes, seconds and decimals is a whole degree of ours, south or west."""
    if any(char.isalpha() and char not in "NSEWOnsewogpslatdeigtu" for char in text):
        return False
    found = _NUMBERS.findall(text)
    degrees = [(sign, int(whole)) for sign, whole, _ in found if int(whole) >= 60 or sign or int(whole) == LATITUDE]  # noqa: PLR2004 - minutes and seconds are below
    wholes = {whole for _, whole in degrees}
    if sum(fraction != "" for _, _, fraction in found) > 1 and wholes != {LATITUDE, LONGITUDE}:
        return False  # two numbers with decimals: one of them is a degree below 60 of somewhere else
    south, west = _SOUTH.search(text) is not None, _WEST.search(text) is not None
    return bool(degrees) and all(
        (whole == LATITUDE and (sign != "" or south)) or (whole == LONGITUDE and (sign != "" or west))
        for sign, whole in degrees
    )


def _number(text: str) -> bool:
    """The first three digits are 999, all letters `ID_LETTERS`; or an unassigned space."""
    digits = _digits(text)
    if not digits or not text.isascii():
        return False
    plain = digits[:3] == ID_DIGITS[: len(digits)] and all(
        letter in ID_LETTERS for letter in text.upper() if letter.isalpha()
    )
    return plain or is_unassigned(text)


def _ssn(digits: str) -> bool:
    """Every nine digits are one: two that stand side by side may be one finding."""
    return bool(digits) and all(digits[at : at + 3] in ("666", "000") for at in range(0, len(digits), 9))


def _custom(text: str) -> bool:
    return _number(text) if any(map(str.isdigit, text)) else _name(text)


def _name(text: str) -> bool:
    return _person(text) or _place(text)


_RULES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "PERSON": _person,
        "PLACE": _place,
        "ORGANISATION": _place,
        "ADDRESS": _place,
        "CUSTOM": _custom,
        "DATE": _date,
        "AGE": _age,
        "PHONE": _phone,
        "EMAIL": lambda text: _EMAIL.fullmatch(text) is not None,
        "USERNAME": lambda text: _USERNAME.fullmatch(text) is not None,
        "URL": lambda text: _URL.fullmatch(text) is not None,
        "IP": _ip,
        "MAC": _mac,
        "COORDINATES": _coordinates,
        "SSN": lambda text: _ssn(_digits(text)) or is_unassigned(text),
        "NPI": lambda text: _digits(text)[:1] == "9" and validators.is_npi(_digits(text)),
        "PAN": lambda text: _digits(text)[:4] == "9999" and validators.is_luhn(_digits(text)),
        "IBAN": lambda text: (
            text[:2].upper() in validators.IBAN_RESERVED and validators.is_iban("".join(text.split()).upper())
        ),
        "BIC": lambda text: _BIC.fullmatch(text.upper()) is not None,
    }
)


def _composed(text: str) -> bool:
    """Whether `text`, of whatever type, is made of surrogates of any type and of titles, and nothing else."""
    if _phone(text) or (_NUMERIC_DATE.fullmatch(text) and _date(text)):
        return True
    chunks = _CHUNKS.findall(text)
    if len(chunks) > _CHUNKS_MAX:
        return False
    ours = False
    for chunk in chunks:
        bare = chunk.strip(_EDGES)
        if not bare or fold_word(bare) in TITLE_WORDS or not any(map(str.isalnum, bare)):
            continue
        if not (
            _LITERAL.fullmatch(bare)
            or _person(bare)
            or (_place(bare) and not bare[0].isdigit())
            or _EMAIL.fullmatch(bare)
            or _URL.fullmatch(bare)
            or _USERNAME.fullmatch(bare)
            or (_phone(bare) and len(_digits(bare)) >= 7)  # noqa: PLR2004 - a local number
            or _ip(bare)
            or (_number(bare) and len(_digits(bare)) > 3)  # noqa: PLR2004 - fewer digits say nothing
        ):
            return False
        ours = True
    return ours


def is_reserved(entity_type: str, text: str) -> bool:
    """Whether `text`, found as an `entity_type`, lies in that type's reserved space and so can be nobody's.

    Reads `text` alone; whether it really is a surrogate of ours only the mapping knows. Never raises. A type without a
    rule of its own is a number; what is never replaced is never reserved.
    """
    if entity_type in NEVER_REPLACED:
        return False
    return _LITERAL.fullmatch(text) is not None or _RULES.get(entity_type, _number)(text) or _composed(text)


def identifying(entity_type: str, text: str) -> list[tuple[int, int]]:
    """Where the words of `text` stand that identify somebody when it is found as an `entity_type`.

    The others are generic: titles in every type, kinds of facilities in places, times and weekdays in dates.
    """
    if entity_type == "DATE":
        text = TIME.sub(lambda match: " " * len(match.group()), text)
    is_generic = _GENERIC.get(entity_type, _is_title)
    return [match.span() for match in _WORDS.finditer(text) if not is_generic(match.group())]


def _is_title(word: str) -> bool:
    return fold_word(word) in TITLE_WORDS


_GENERIC: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "PERSON": lambda word: _beside_person(word, fold_word(word)),
        **dict.fromkeys(
            ("PLACE", "ORGANISATION", "ADDRESS"),
            lambda word: is_letter(word) or is_state(word) or _is_title(word) or fold_word(word) in PLACE_GENERIC,
        ),
        "DATE": lambda word: fold_word(word) in DATE_GENERIC,
        "AGE": lambda word: word == "90" or fold_word(word) in AGE_GENERIC,
    }
)
