"""National and industry numbers that are written and checked like real ones, in spaces that no register assigns.

    NHS       999 000 0000 to 999 999 9999: kept for tests (NHS Data Dictionary, NHS NUMBER)
    NINO      prefix QQ (HMRC, National Insurance Manual, NIM39110: Q is in no prefix)
    MBI       letter Z (CMS: S, L, O, I, B and Z are not used)
    Steuer-ID first digits 0989 (Section 139b AO; BZSt: none begins with 0), check digit ISO 7064 mod 11,10
    NIR       first digit 9 (INSEE: 1 and 2, 3 and 4, 7 and 8 are), key 97 - number mod 97
    DEA       first letter Q (21 CFR 1301; no registrant type has it)
    EIN       first digits 00999 (IRS, valid EIN prefixes: 00 is none)
    ABA       first digits 999 (ABA: 00 to 12, 21 to 32, 61 to 72, 80)
    VIN       first character 0 (ISO 3780 gives regions 1 to 9 and A to Z), check digit 49 CFR 565.15
    IMEI      first digits 00999 (reporting body 00 is for tests: GSMA TS.06), Luhn digit
    DNI, NIE  999 first. Neither register publishes a space that it never assigns; numbers so high are not known to be.

Pure; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ringfence.recognize.validators import luhn_digit

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


class Scheme(NamedTuple):
    """One kind of number; all its parts read it without separators, in upper case."""

    name: str
    """What it is called."""
    shape: re.Pattern[str]
    """What one looks like."""
    check: Callable[[str], str]
    """The whole number that a number's free part stands for: itself, where the check digits are right."""
    free: re.Pattern[str]
    """What an unassigned one looks like."""
    draw: Callable[[int], str]
    """An unassigned one for a large number, check digits not yet right."""
    separators: re.Pattern[str] | None = None
    """How it is written, where its digits alone say too little."""


def _digits(number: int, count: int) -> str:
    return f"{number % 10**count:0{count}d}"


def _dni(text: str) -> str:
    digits = text[:-1].translate({88: "0", 89: "1", 90: "2"})
    return text[:-1] + _DNI_LETTERS[int(digits) % 23]


def _nhs(text: str) -> str:
    check = -sum(int(digit) * (10 - place) for place, digit in enumerate(text[:9])) % 11
    return text[:9] + (str(check) if check < 10 else "X")  # noqa: PLR2004 - no number has the eleventh check digit


def _steuer_id(text: str) -> str:
    product = 10
    for digit in text[:10]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return text[:10] + str((11 - product) % 10)


def _draw_steuer_id(number: int) -> str:
    """9 stands twice, one other digit not at all, the others once: so the rule asks."""
    left = list("1234567")
    written = "0989"
    while len(left) > 1:
        number, place = divmod(number, len(left))
        written += left.pop(place)
    return f"{written}0"


def _nir(text: str) -> str:
    digits = text[:13].replace("2A", "19").replace("2B", "18")
    return f"{text[:13]}{97 - int(digits) % 97:02d}" if digits.isdigit() else ""


def _dea(text: str) -> str:
    digits = [int(digit) for digit in text[2:8]]
    return f"{text[:8]}{(sum(digits[::2]) + 2 * sum(digits[1::2])) % 10}"


def _aba(text: str) -> str:
    check = -sum(int(digit) * (3, 7, 1)[place % 3] for place, digit in enumerate(text[:8])) % 10
    return f"{text[:8]}{check}"


def _vin(text: str) -> str:
    total = sum(
        weight * (int(char) if char.isdigit() else int(_VIN_VALUES[char]))
        for weight, char in zip(_VIN_WEIGHTS, text, strict=True)
    )
    return f"{text[:8]}{'X' if total % 11 == 10 else total % 11}{text[9:]}"  # noqa: PLR2004 - 49 CFR 565.15(c)


def _same(text: str) -> str:
    return text


SCHEMES = (
    Scheme(
        "NHS",
        re.compile(r"\d{10}"),
        _nhs,
        re.compile(r"999\d{7}"),
        lambda number: f"999{_digits(number, 6)}0",
    ),
    Scheme(
        "NINO",
        re.compile(r"[A-Z]{2}\d{6}[A-D]"),
        _same,
        re.compile(r"QQ\d{6}[A-D]"),
        lambda number: f"QQ{_digits(number, 6)}{'ABCD'[number // 10**6 % 4]}",
    ),
    Scheme(
        "MBI",
        re.compile(r"[1-9][A-Z][A-Z\d]\d[A-Z][A-Z\d]\d[A-Z]{2}\d{2}"),
        _same,
        re.compile(r"9Z99Z9\dZZ\d\d"),
        lambda number: f"9Z99Z9{number % 10}ZZ{_digits(number // 10, 2)}",
    ),
    Scheme(
        "Steuer-ID",
        re.compile(r"\d{11}"),
        _steuer_id,
        re.compile(r"0989\d{7}"),
        _draw_steuer_id,
    ),
    Scheme(
        "NIR",
        re.compile(r"\d{6}[\dAB]\d{8}"),
        _nir,
        re.compile(r"999\d{12}"),
        lambda number: f"999{_digits(number, 10)}00",
    ),
    Scheme(
        "DEA",
        re.compile(r"[A-Z][A-Z9]\d{7}"),
        _dea,
        re.compile(r"Q[QXZJ]\d{7}"),
        lambda number: f"Q{'QXZJ'[number % 4]}{_digits(number // 4, 6)}0",
    ),
    Scheme(
        "EIN",
        re.compile(r"\d{9}"),
        _same,
        re.compile(r"00999\d{4}"),
        lambda number: f"00999{_digits(number, 4)}",
        re.compile(r"\d{2}-\d{7}"),
    ),
    Scheme(
        "ABA",
        re.compile(r"\d{9}"),
        _aba,
        re.compile(r"999\d{6}"),
        lambda number: f"999{_digits(number, 5)}0",
    ),
    Scheme(
        "VIN",
        re.compile(r"[A-HJ-NPR-Z\d]{17}"),
        _vin,
        re.compile(r"0ZZZX\d{3}[\dX][XZJ]X\d{6}"),
        lambda number: f"0ZZZX{_digits(number, 3)}0{'XZJ'[number // 1000 % 3]}X{_digits(number // 3000, 6)}",
    ),
    Scheme(
        "IMEI",
        re.compile(r"\d{15}"),
        lambda text: text[:14] + luhn_digit(text[:14]),
        re.compile(r"00999\d{10}"),
        lambda number: f"00999{_digits(number, 9)}0",
    ),
    Scheme(
        "DNI",
        re.compile(r"(?:\d{8}|[XYZ]\d{7})[A-Z]"),
        _dni,
        re.compile(r"(?:999\d{5}|Z999\d{4})[A-Z]"),
        lambda number: f"999{_digits(number, 5)}A",
    ),
)
"""Those whose check digits or unassigned space differ from the plain rule, first three digits 999."""
_NIE = re.compile(r"[XYZ]")
_SEPARATORS = re.compile(r"[ ./-]+")


def _compact(text: str) -> str:
    return _SEPARATORS.sub("", text).upper() if text.isascii() else ""


def scheme_of(text: str) -> Scheme | None:
    """The first scheme that `text` is written in, with right check digits; None for none."""
    return next(_schemes(text), None)


def _schemes(text: str) -> Iterator[Scheme]:
    compact = _compact(text)
    for scheme in SCHEMES:
        is_written = scheme.separators is None or scheme.separators.fullmatch(text)
        if is_written and scheme.shape.fullmatch(compact) and scheme.check(compact) == compact:
            yield scheme


def draw(scheme: Scheme, like: str, number: int) -> str:
    """An unassigned number of `scheme` for `number`, in the writing (separators, case) of `like`.

    Args:
        scheme: what `scheme_of` says `like` is.
        like: an original.
        number: large and secret.
    """
    body = scheme.draw(number)
    if scheme.name == "DNI" and _NIE.match(_compact(like)):
        body = f"Z999{_digits(number, 4)}A"
    made = scheme.check(body)
    if scheme.shape.fullmatch(made) is None:  # the NHS number's eleventh check digit
        return draw(scheme, like, number + 1)
    following = iter(made)
    written = "".join(next(following, "") if char.isalnum() else char for char in like)
    return written.lower() if like.islower() else written


def is_unassigned(text: str) -> bool:
    """Whether `text` lies in a scheme's unassigned space, check digits right."""
    compact = _compact(text)
    return any(scheme.free.fullmatch(compact) for scheme in _schemes(text))
