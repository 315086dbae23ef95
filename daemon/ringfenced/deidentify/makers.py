"""One candidate from the reserved space of each type whose identifiers are numbers or marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ringfence.recognize import unassigned, validators
from ringfence.recognize.generic import AGE_GENERIC, fold_word
from ringfence.recognize.reserved import DOMAINS, ID_DIGITS, IPV4_BLOCKS, IPV6_BLOCK, LATITUDE, LONGITUDE
from ringfenced.deidentify.keyed import Keyed, fill, scramble

Maker = Callable[[str, Keyed, int], str | None]
"""Makes a candidate from original, keyed function and attempt; None where the space has nothing for it."""
ATTEMPTS_MAX = 64
"""Draws before the literal ``[TYPE-999...]`` stands in; only texts full of surrogates come so far."""
_DIGITS_MIN = 5
"""Shorter surrogate numbers would be read for others in an answer: ``99`` for a percentage."""
_DEGREE = re.compile(r"([+\u2212-]?)(\d{1,3})((?:[.,]\d+)?)")
_EXTENSION = re.compile(r"(?i)\s?(?:ext\.?|x|extension)\s?\d+$")


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def number(original: str, keyed: Keyed, attempt: int) -> str:
    """The same shape in its scheme's unassigned space, or the first digits 999; every eighth attempt a digit longer."""
    drawn = keyed.number("ID", original, attempt)
    scheme = unassigned.scheme_of(original) if attempt < ATTEMPTS_MAX // 2 else None
    if scheme is not None:
        return unassigned.draw(scheme, original, drawn)
    missing = max(0, _DIGITS_MIN - len(_digits(original)))
    return scramble(original + "0" * (missing + attempt // 8), drawn, ID_DIGITS)


def _age(original: str, _keyed: Keyed, attempt: int) -> str | None:
    written = ("90", "90+", "over 90")
    if attempt >= len(written) or any(
        fold_word(word) not in AGE_GENERIC for word in re.findall(r"[^\W\d_]+", original)
    ):
        return None
    return re.sub(r"\d+", written[attempt], original, count=1)


def _phone(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("PHONE", original, attempt)
    area, line = 200 + drawn // 100 % 800, f"55501{drawn % 100:02d}"
    shape = _EXTENSION.sub("", original)
    count = len(_digits(shape))
    if count == 7 and attempt < ATTEMPTS_MAX // 2 and not shape.startswith("+"):  # noqa: PLR2004 - without an area code
        return fill(shape, line)
    if count == 10 and not shape.startswith("+"):  # noqa: PLR2004
        return fill(shape, f"{area}{line}")
    if count == 11 and _digits(shape).startswith("1"):  # noqa: PLR2004 - with the NANP's country code
        return fill(shape, f"1{area}{line}")
    return f"+1 {area} 555 {line[3:]}"


def _email(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("EMAIL", original.casefold(), attempt)
    return f"user{drawn // 3 % 10**6:06d}@{DOMAINS[drawn % 3]}"


def _username(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("USERNAME", original.casefold(), attempt)
    return f"{'@' if original.startswith('@') else ''}user{drawn % 10**6:06d}"


def _url(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("URL", original, attempt)
    path = f"{drawn // 3 % 36**8:08x}"[-8:]
    return f"{'' if original[:3].lower() == 'www' else 'https://'}www.{DOMAINS[drawn % 3]}/x/{path}"


def _ip(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("IP", original, attempt)
    if ":" in original:
        return f"{IPV6_BLOCK}:{drawn % 65535 + 1:x}:{drawn // 65536 % 65535 + 1:x}"
    return f"{IPV4_BLOCKS[drawn % 3]}{drawn // 3 % 254 + 1}"


def _mac(original: str, keyed: Keyed, attempt: int) -> str:
    separator = "-" if "-" in original else ":"
    return separator.join(("00", "00", "5E", "00", "53", f"{keyed.number('MAC', original, attempt) % 256:02X}"))


def _coordinates(original: str, keyed: Keyed, attempt: int) -> str:
    """In the degree of Point Nemo, with as many decimals; the first number is a latitude unless it cannot be."""
    drawn = keyed.number("COORDINATES", original, attempt)
    decimals = [part for _, _, part in _DEGREE.findall(original) if part]
    mark = decimals[0][0] if decimals else "."
    count = min(max((len(part) - 1 for part in decimals), default=4), 9)
    south = f"-{LATITUDE}{mark}{drawn % 10**count:0{count}d}"
    west = f"-{LONGITUDE}{mark}{drawn // 10**9 % 10**count:0{count}d}"
    wholes = [int(whole) for _, whole, _ in _DEGREE.findall(original)]
    if len(wholes) == 1:
        return west if wholes[0] > 90 else south  # noqa: PLR2004 - the pole
    return f"{south}{';' if mark == ',' else ','} {west}"


def _ssn(original: str, keyed: Keyed, attempt: int) -> str:
    drawn = keyed.number("SSN", original, attempt)
    if len(_digits(original)) != 9:  # noqa: PLR2004 - another country's, in its own scheme
        return number(original, keyed, attempt)
    return fill(original, f"666{drawn % 99 + 1:02d}{drawn // 99 % 9999 + 1:04d}")


def _npi(original: str, keyed: Keyed, attempt: int) -> str:
    body = f"9{keyed.number('NPI', original, attempt) % 10**8:08d}"
    return fill(original, body + validators.luhn_digit("80840" + body))


def _pan(original: str, keyed: Keyed, attempt: int) -> str:
    count = len(_digits(original))
    body = f"9999{keyed.number('PAN', original, attempt) % 10 ** (count - 5):0{count - 5}d}"
    return fill(original, body + validators.luhn_digit(body))


def _iban(original: str, keyed: Keyed, attempt: int) -> str | None:
    compact = original.replace(" ", "").upper()
    if not validators.IBAN_LENGTH_MIN <= len(compact) <= validators.IBAN_LENGTH_MAX:
        return None
    drawn = keyed.number("IBAN", compact, attempt)
    country = ("XX", "ZZ")[drawn % 2]
    national = scramble(compact[4:], drawn, "")
    made = country + validators.iban_check_digits(country, national) + national
    following = iter(made)
    return (
        "".join(char if char.isspace() else next(following) for char in original) if validators.is_iban(made) else None
    )


def _bic(original: str, keyed: Keyed, attempt: int) -> str:
    """Bank and place of four letters, country ZZ; a zero in the eighth place marks a test code (ISO 9362)."""
    made = scramble("AAAA", keyed.number("BIC", original, attempt), "") + "ZZ" + "Q0" + "XXX"
    return made[: 11 if len(original) > 8 else 8]  # noqa: PLR2004 - with or without a branch


def _literal_only(_original: str, _keyed: Keyed, _attempt: int) -> str | None:
    return None


FITS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "IBAN": re.compile(r"[A-Za-z0-9 ]{15,50}"),
        "BIC": re.compile(r"[A-Za-z0-9]{8}(?:[A-Za-z0-9]{3})?"),
        "PAN": re.compile(r"(?:\d[ -]?){11,18}\d"),
        "SSN": re.compile(r"[A-Za-z]?(?:[\dA-Za-z][ .-]{0,3}){8,15}"),
        "NPI": re.compile(r"(?:\d[ -]?){9}\d"),
        "MAC": re.compile(r"[0-9A-Fa-f:-]{17}"),
        "IP": re.compile(r"[0-9A-Fa-f:.]{3,45}"),
        "AGE": re.compile(r"[^\W\d]*\W{0,4}(?:[^\W\d]+ )?\d{2,3}\W{0,3}[\w/ -]{0,24}"),
        "PHONE": re.compile(r"[\d()+./ x-]{6,40}"),
    }
)
"""What a maker can imitate; longer spans, in which findings of several types were merged, get a literal."""
MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "AGE": _age,
        "PHONE": _phone,
        "EMAIL": _email,
        "USERNAME": _username,
        "URL": _url,
        "IP": _ip,
        "MAC": _mac,
        "COORDINATES": _coordinates,
        "SSN": _ssn,
        "NPI": _npi,
        "PAN": _pan,
        "CARD_TRACK": _literal_only,
        "CARD_CODE": _literal_only,
        "IBAN": _iban,
        "BIC": _bic,
    }
)
"""By type; every other type is a `number`. PCI DSS 3.3.1 forbids to keep card codes and tracks, so nothing imitates
them."""
