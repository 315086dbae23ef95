"""Which policy a corpus is measured under, and which of its annotations are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from deid_parts.generate import OPTIONAL
from deid_parts.score import Row

HOSPITAL_US, HOSPITAL_EU, BANK_US, BANK_EU = "hospital-us", "hospital-eu", "bank-us", "bank-eu"
NAMED_GROUPS = frozenset({"PERSON", "LOC", "ORG"})
NAMED_TYPES = frozenset(
    {"PERSON", "PLACE", "ADDRESS", "ORGANISATION", "COUNTRY", "NATIONALITY", "LOCATION", "ORGANIZATION", "NRP", "GPE"}
)
"""What recognisers, ours and others, call what `NAMED_GROUPS` hold."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a corpus is measured."""

    policy: str | None
    """The policy's name; None for one by each row's language."""
    only_named: bool = False
    """A corpus of general names annotates persons, places and organisations alone: nothing else is asked for, and a
    finding of another type, which may well be right, is left aside."""
    own: bool = False
    """One of our own, where quasi-identifiers need not be found: findings of their types are left aside."""

    def judges(self, entity_type: str) -> bool:
        """Whether a finding of `entity_type` counts for precision and false alarms."""
        if self.only_named:
            return entity_type in NAMED_TYPES
        return not (self.own and entity_type in OPTIONAL)

    def policy_of(self, lang: str) -> str:
        """The policy for a row in `lang`."""
        return self.policy or (HOSPITAL_US if lang == "en" else HOSPITAL_EU)


PROFILES = (
    (re.compile(r"asq"), Profile(HOSPITAL_US)),
    (re.compile(r"clean_"), Profile(HOSPITAL_US, own=True)),
    (re.compile(r"meddocan|echr"), Profile(HOSPITAL_EU)),
    (re.compile(r"presidio"), Profile(BANK_EU)),
    (re.compile(r"generated_bank"), Profile(BANK_EU, own=True)),
    (re.compile(r"generated_"), Profile(None, own=True)),
    (re.compile(r"(?:wikigold|gum|wnut|re3d|sec)(?:[_-]|$)"), Profile(BANK_EU, only_named=True)),
)
"""The beginning of a file's name, and its profile; the first that fits."""
BY_LANGUAGE = Profile(None)
"""What fits every other file."""


def profile_of(stem: str, override: str | None = None) -> Profile:
    """How the file of that name is measured; `override` names a policy for all of them."""
    found = next((profile for pattern, profile in PROFILES if pattern.match(stem.lower())), BY_LANGUAGE)
    return replace(found, policy=override) if override else found


def asked_for(row: Row, profile: Profile) -> Row:
    """`row` with what `profile` does not ask for as optional."""
    if not profile.only_named:
        return row
    asked = tuple(entity for entity in row.gold if entity.group in NAMED_GROUPS)
    rest = tuple((entity.start, entity.end) for entity in row.gold if entity.group not in NAMED_GROUPS)
    return replace(row, gold=asked, optional=row.optional + rest)


SAFE_HARBOR_LETS_STAND = re.compile(r"SEX|SEXO|FAMILIARES|PROFES|NATIONALITY|PAIS|COUNTRY|NRP|TITLE|QUANTITY|CURRENCY")
"""Labels, or parts of them, of what 45 CFR 164.514(b)(2)(i) does not name."""
NOBODY = re.compile(r"TITLE|QUANTITY|CURRENCY|LEGAL_PROFESSIONAL")
"""The same for the other policies: titles, amounts and offices identify nobody."""


def not_identifying(labels: Iterable[str], policy: str) -> list[str]:
    """Those of a corpus's `labels` that `policy` does not count as identifiers; recall counts them all the same."""
    pattern = SAFE_HARBOR_LETS_STAND if policy.endswith("-us") else NOBODY
    return sorted(label for label in labels if pattern.search(label.upper()))
