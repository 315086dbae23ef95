"""What a field's or column's name says of its content.

However it is written: ``PatientName``, ``patient_name``, ``Patient-Name``, ``NOMBRE PACIENTE``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from ringfence.recognize.payload.names_table import BIRTHS, LISTS, PEOPLE

NAME_CHARS_MAX = 48
"""A longer text names no field."""
_WORD = re.compile(r"[a-z]+|\d+")

_ROLES: Mapping[str, str] = MappingProxyType(
    {name: entity_type for entity_type, names in LISTS.items() for name in names.split()}
)
_IN_COMPANY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("name", "names", "nom", "contact", "provider", "owner"), "PERSON"),
        **dict.fromkeys(("user", "userid", "login", "usuario", "utilisateur", "benutzer"), "USERNAME"),
        **dict.fromkeys(("facility", "school", "centro"), "ORGANISATION"),
        "id": "ID",
        "url": "URL",
    }
)
"""Names that mean a person only where other fields beside them, or the field above, speak of one."""
_ABOVE = frozenset(PEOPLE.split())
_BIRTHS = frozenset(BIRTHS.split())
_PERSONAL = frozenset(
    {"PERSON", "AGE", "SEX", "PHONE", "EMAIL", "ADDRESS", "SSN", "MRN", "INSURANCE_ID", "DOCUMENT_ID"}
)
"""Fields beside which a ``name`` is somebody's."""
WEAK = frozenset(
    {"DATE", "AGE", "SEX", "PLACE", "COUNTRY", "ORGANISATION", "ADDRESS", "IP", "MAC", "CASE_ID", "ACCOUNT"}
)
"""What a single column's name does not prove: tables of other things have such columns too."""


def _plain(name: str) -> str:
    """A name without case, accents, blanks and marks."""
    name = name.lower()
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
        name = "".join(char for char in decomposed if not unicodedata.combining(char))
    return "".join(_WORD.findall(name))


def role(name: str) -> str | None:
    """The entity type of a field called `name`; None where the name alone tells nothing."""
    if not name or len(name) > NAME_CHARS_MAX:
        return None
    plain = _plain(name)
    found = _ROLES.get(plain)
    if found is None:  # phone1, address_2, emails
        found = _ROLES.get(plain.rstrip("0123456789s"))
    return found


def is_personal(name: str) -> bool:
    """Whether a field called `name` is one of a person's."""
    return role(name) in _PERSONAL or (len(name) <= NAME_CHARS_MAX and _plain(name) in _BIRTHS)


def role_in_company(name: str) -> str | None:
    """The entity type of a field called `name` that stands beside fields of a person or below one."""
    return _IN_COMPANY.get(_plain(name)) if name and len(name) <= NAME_CHARS_MAX else None


def is_person_field(name: str) -> bool:
    """Whether a field called `name` holds what belongs to a person."""
    if not name or len(name) > NAME_CHARS_MAX:
        return False
    plain = _plain(name)
    return plain in _ABOVE or (plain.endswith("s") and plain[:-1] in _ABOVE)


_PARTS = MappingProxyType(
    {
        "PERSON": frozenset(
            {"first", "last", "middle", "given", "family", "full", "text", "value", "maiden", "display"}
        ),
        "PHONE": frozenset({"value", "number", "home", "work", "mobile", "cell", "primary", "secondary", "main"}),
        "EMAIL": frozenset({"value", "home", "work", "primary", "secondary", "address"}),
        "ADDRESS": frozenset(
            {"line", "line1", "line2", "line3", "text", "value", "number", "unit", "zip", "full", "house"}
        ),
    }
)


def part_role(above: str | None, name: str) -> str | None:
    """The entity type of a field called `name` inside a field that holds an `above`: ``name.first``, ``phone.home``."""
    if above is None or not name or len(name) > NAME_CHARS_MAX:
        return None
    return above if _plain(name) in _PARTS.get(above, ()) else None


def age_role(value: str) -> str:
    """AGE for what must not stand (over 89, 45 CFR 164.514(b)(2)(i)(C)) or is no number of years, else AGE_UNDER_90."""
    digits = value.strip()
    return "AGE_UNDER_90" if digits.isdecimal() and len(digits) <= 3 and int(digits) < 90 else "AGE"  # noqa: PLR2004
