"""Check digits that a site's pattern may ask for, by name. Each takes letters and digits alone and never raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from stdnum import damm, verhoeff
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_2, mod_37_36, mod_97_10

from ringfence.recognize import validators

Check = Callable[[str], bool]


def is_mod11(text: str) -> bool:
    """Whether the digits, each times its place from the right beginning with 1, add up to a multiple of 11.

    The last may be an X, for 10: ISBN-10 (ISO 2108:1992) and NHS numbers (NHS Data Dictionary) are made so.
    """
    digits, last = text[:-1], text[-1:].upper()
    if not (digits.isascii() and digits.isdigit()) or not (last == "X" or (last.isascii() and last.isdigit())):
        return False
    total = 10 if last == "X" else int(last)
    return (total + sum(int(digit) * place for place, digit in enumerate(reversed(digits), 2))) % 11 == 0


def _quietly(validate: Callable[[str], object]) -> Check:
    """A check of python-stdnum as one that never raises."""

    def check(text: str) -> bool:
        try:
            validate(text)
        except (ValidationError, ValueError, IndexError, KeyError):
            return False
        return True

    return check


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "luhn": validators.is_luhn,  # ISO/IEC 7812-1, annex B
        "mod11": is_mod11,
        "mod11-2": _quietly(mod_11_2.validate),  # ISO/IEC 7064
        "mod11-10": _quietly(mod_11_10.validate),
        "mod37-2": _quietly(mod_37_2.validate),
        "mod37-36": _quietly(mod_37_36.validate),
        "mod97-10": _quietly(mod_97_10.validate),
        "verhoeff": _quietly(verhoeff.validate),  # Verhoeff 1969
        "damm": _quietly(damm.validate),  # Damm 2004
        "iban": validators.is_iban,
        "npi": validators.is_npi,
    }
)
"""Name to check."""
