"""National numbers: a shape, the country it is of, and the check that `python-stdnum` or the issuer's rule gives.

A checksum alone proves nothing: random digits of six to twelve places pass one of stdnum's 213 national validators
every time. So a number without a label counts only where its shape is strong (letters in fixed places, or as many
digits as only one kind has) *and* its check digits are right *and* the site deals with the country. All others need
their label (see `vocabulary.ID_LABELS`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stdnum.de import idnr
from stdnum.es import cif, dni, nie, referenciacatastral
from stdnum.eu import vat
from stdnum.fr import nir, siret
from stdnum.us import itin

from ringfence.recognize import validators


class National(NamedTuple):
    """One kind of number."""

    name: str
    """Country and kind."""
    country: str
    """ISO 3166-1 alpha-2, lower case."""
    entity_type: str
    """What it is found as."""
    expression: str
    """Hyperscan's syntax; its shape."""
    is_valid: Callable[[str], bool]
    """Whether the bare upper-case letters and digits pass the check."""


def _is_nino(text: str) -> bool:
    """HMRC NIM39110: prefixes that are not given out."""
    return text[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def _is_kvnr(text: str) -> bool:
    """Luhn over the letter's place in two digits and eight digits (SGB V section 290; GKV-Spitzenverband)."""
    digits = f"{ord(text[0]) - 64:02d}{text[1:9]}"
    total = 0
    for place, digit in enumerate(digits):
        product = int(digit) * (1, 2)[place % 2]
        total += product // 10 + product % 10
    return len(text) == 10 and total % 10 == int(text[9])  # noqa: PLR2004 - the length that the rule names


def _is_rvnr(text: str) -> bool:
    """Deutsche Rentenversicherung, VKVV section 4: weighted digit sums of area, birthday, letter, serial."""
    if len(text) != 12 or not 1 <= int(text[2:4]) <= 81 or not 1 <= int(text[4:6]) <= 12:  # noqa: PLR2004
        return False
    digits = f"{text[:8]}{ord(text[8]) - 64:02d}{text[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=True))
    return total % 10 == int(text[11])


def _is_spanish_social(digits: str) -> bool:
    """Twelve digits, a province's first, the last two the rest of the others by 97 (TGSS, Orden TAS/2865/2003)."""
    if len(digits) != 12 or not 1 <= int(digits[:2]) <= 53:  # noqa: PLR2004 - the length, the provinces
        return False
    province, serial = int(digits[:2]), int(digits[2:10])
    number = province * 10_000_000 + serial if serial < 10_000_000 else int(digits[:10])  # noqa: PLR2004
    return number % 97 == int(digits[10:])


def _is_province(_digits: str) -> bool:
    """Two, eight and two digits parted by blanks are written so nowhere else: right check digits are not asked for."""
    return True


NATIONALS = (
    National("us-itin", "us", "TAX_ID", r"\b9\d{2}[- ][5-9]\d[- ]\d{4}\b", itin.is_valid),
    National("us-routing", "us", "ACCOUNT", r"\b[0-3678]\d{3}-\d{4}-\d\b", validators.is_routing),
    National("gb-nhs", "gb", "INSURANCE_ID", r"\b[1-9]\d{2}[ -]\d{3}[ -]\d{4}\b", validators.is_nhs),
    National(
        "gb-nino",
        "gb",
        "TAX_ID",
        r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
        _is_nino,
    ),
    National("es-dni", "es", "TAX_ID", r"\b\d{2}\.?\d{3}\.?\d{3} ?-?[A-HJ-NP-TV-Z]\b", dni.is_valid),
    National("es-nie", "es", "TAX_ID", r"\b[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]\b", nie.is_valid),
    National("es-cif", "es", "TAX_ID", r"\b[ABCDEFGHJNPQRSUVW]-?\d{7}-?[0-9A-J]\b", cif.is_valid),
    National("es-social", "es", "INSURANCE_ID", r"\b\d{2}[ /-]?\d{8}[ /-]?\d{2}\b", _is_spanish_social),
    National("es-social-groups", "es", "INSURANCE_ID", r"\b\d{2} \d{8} \d{2}\b", _is_province),
    National(
        "es-catastral", "es", "DOCUMENT_ID",
        r"\b[0-9A-Z]{7} ?[0-9A-Z]{7} ?\d{4} ?[A-Z]{2}\b", referenciacatastral.is_valid
    ),
    National(
        "fr-nir",
        "fr",
        "SSN",
        r"\b[1278] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b",
        nir.is_valid,
    ),
    National("fr-siret", "fr", "TAX_ID", r"\b\d{3} \d{3} \d{3} \d{5}\b", siret.is_valid),
    National("de-idnr", "de", "TAX_ID", r"\b[1-9]\d \d{3} \d{3} \d{3}\b", idnr.is_valid),
    National("de-kvnr", "de", "INSURANCE_ID", r"\b[A-Z]\d{9}\b", _is_kvnr),
    National("de-rvnr", "de", "SSN", r"\b\d{2} ?[0-8]\d[01]\d{3} ?[A-Z] ?\d{3}\b", _is_rvnr),
    *(
        National(
            f"{country}-vat",
            country,
            "TAX_ID",
            rf"\b{country.upper()} ?[A-Z0-9]{{2}}[ .]?\d{{3}}[ .]?\d{{3}}[ .]?[A-Z0-9]{{1,3}}\b",
            vat.is_valid
        )
        for country in ("es", "fr", "de")
    ),
)  # fmt: skip
"""By country, the kinds whose shape is strong enough without a label."""
