"""Check digits and number ranges. Each function takes the bare characters, without separators, and never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from stdnum import luhn
from stdnum.gb import nhs
from stdnum.iso7064 import mod_97_10

from ringfence.recognize.countries import COUNTRIES

_COUNTRIES_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_LENGTHS: Mapping[str, int] = MappingProxyType(
    {country: length for length, countries in _COUNTRIES_BY_LENGTH.items() for country in countries.split()}
)
"""Length of an IBAN by country (SWIFT IBAN Registry, release 99)."""

IBAN_RESERVED = frozenset({"XX", "ZZ"})
"""ISO 3166-1 leaves both to users; no bank has them. Ours alone carry them."""

IBAN_LENGTH_MIN, IBAN_LENGTH_MAX = 15, 34
"""ISO 13616: at most 34; the shortest in use has 15."""


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    return digits.isascii() and digits.isdigit() and luhn.checksum(digits) == 0


def is_npi(digits: str) -> bool:
    """Whether ten digits are a National Provider Identifier: Luhn over 80840 and the digits (45 CFR 162.406).

    The first digit is not checked: issued ones begin with 1 or 2.
    """
    return len(digits) == 10 and is_luhn("80840" + digits)  # noqa: PLR2004 - the length that the rule names


def is_iban(text: str) -> bool:
    """Whether upper-case `text` has the length of its country and right check digits (ISO 7064 mod 97-10)."""
    length = IBAN_LENGTHS.get(text[:2])
    if length is None:
        if text[:2] not in IBAN_RESERVED or not IBAN_LENGTH_MIN <= len(text) <= IBAN_LENGTH_MAX:
            return False
    elif len(text) != length:
        return False
    if not (text.isascii() and text.isalnum() and text.isupper()):
        return False
    return bool(mod_97_10.checksum(text[4:] + text[:4]) == 1)


def is_issuable_ssn(digits: str) -> bool:
    """Whether nine digits can be an issued SSN: area not 000, 666 or 9xx, group not 00, serial not 0000 (SSA, 2011)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_card_range(digits: str) -> bool:
    """Whether the first digits are of a card network's range (ISO/IEC 7812 lists), or 9999, which are only ours.

    Ranges: 4 Visa; 51-55 and 2221-2720 Mastercard; 34, 37 American Express; 30, 36, 38, 39 Diners; 35 JCB; 60-65
    Discover, UnionPay, RuPay, Maestro; 50 and 56-59 Maestro.
    """
    first = digits[0]
    if first in "456":
        return True
    if first == "3":
        return digits[1] in "0456789"
    if first == "2":
        return "2221" <= digits[:4] <= "2720"
    return digits.startswith("9999")


def is_isbn13(digits: str) -> bool:
    """Whether thirteen digits are an ISBN (978 or 979 first, EAN-13 check digit): a false friend of card numbers."""
    if len(digits) != 13 or not digits.startswith(("978", "979")):  # noqa: PLR2004 - the length that ISO 2108 names
        return False
    return sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10 == 0


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` followed by it pass `is_luhn`."""
    return str(luhn.calc_check_digit(digits))


def iban_check_digits(country: str, national: str) -> str:
    """The two check digits of an IBAN of `country` and upper-case `national` part (ISO 7064 mod 97-10)."""
    return f"{98 - mod_97_10.checksum(national + country + '00'):02d}"


def is_bic(text: str) -> bool:
    """Whether upper-case `text` is shaped as a BIC of a country there is: ISO 9362's 4 + 2 + 2 (+ 3)."""
    return len(text) in (8, 11) and text.isascii() and text.isalnum() and text[:6].isalpha() and text[4:6] in COUNTRIES


def is_routing(digits: str) -> bool:
    """Whether nine digits are an ABA routing number: weights 3, 7, 1, and a Federal Reserve prefix (ABA, 2023)."""
    if len(digits) != 9 or not _is_digits(digits):  # noqa: PLR2004 - the length that the rule names
        return False
    prefix = int(digits[:2])
    known = prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80  # noqa: PLR2004 - the districts
    return known and sum(int(digit) * (3, 7, 1)[place % 3] for place, digit in enumerate(digits)) % 10 == 0


def is_dea(text: str) -> bool:
    """Whether upper-case `text` is a DEA registration number: two letters, six digits, a check digit (21 CFR 1301)."""
    digits = text[2:]
    if len(text) != 9 or text[0] not in "ABCDEFGHJKLMPRSTUX" or not _is_digits(digits):  # noqa: PLR2004 - the length
        return False
    if text[1] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ9":
        return False
    odd, even = sum(map(int, digits[0:6:2])), sum(map(int, digits[1:6:2]))
    return (odd + 2 * even) % 10 == int(digits[6])


def is_vin(text: str) -> bool:
    """Whether 17 upper-case characters have the check digit that 49 CFR 565.15 puts in the ninth place."""
    if len(text) != 17 or any(char not in _VIN for char in text):  # noqa: PLR2004 - the length that the rule names
        return False
    rest = sum(_VIN[char] * weight for char, weight in zip(text, _VIN_WEIGHTS, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))  # noqa: PLR2004


def has_vin_places(text: str) -> bool:
    """Whether 17 upper-case characters are written as a European VIN, which has no check digit (ISO 3779).

    Letters and digits, none of I, O, Q, the last four digits.
    """
    digits = sum(map(str.isdigit, text))
    return len(text) == 17 and 5 <= digits <= 14 and _is_digits(text[13:]) and all(char in _VIN for char in text)  # noqa: PLR2004


def is_nhs(digits: str) -> bool:
    """Whether ten digits are an NHS number (NHS Data Dictionary: modulus 11, weights 10 to 2)."""
    return len(digits) == 10 and _is_digits(digits) and bool(nhs.is_valid(digits))  # noqa: PLR2004


def is_mbi(text: str) -> bool:
    """Whether upper-case `text` has the places of a Medicare Beneficiary Identifier (CMS, 2017); it has no check."""
    return _MBI.fullmatch(text) is not None


def is_imei(digits: str) -> bool:
    """Whether fifteen digits are an IMEI (3GPP TS 23.003: Luhn); the first two name the body that issued it."""
    return len(digits) == 15 and digits[:2] in _IMEI_BODIES and is_luhn(digits)  # noqa: PLR2004


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


_VIN = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ", (*range(10), *range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True
    )
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_MBI_LETTER = "[AC-HJKMNP-RT-Y]"
_MBI = re.compile(
    rf"[1-9]{_MBI_LETTER}(?:\d|{_MBI_LETTER})\d{_MBI_LETTER}(?:\d|{_MBI_LETTER})\d{_MBI_LETTER}{{2}}\d\d", re.ASCII
)
_IMEI_BODIES = frozenset(["01", "33", "35", "44", "45", "49", "50", "51", "52", "53", "54", "86", "91", "98", "99"])
"""Reporting body identifiers (GSMA TS.06)."""
