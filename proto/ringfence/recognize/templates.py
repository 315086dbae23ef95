"""What a finding means to a kind of site: the shipped tables, one a template, each row with its source.

What identifies somebody stands in `entities.ENTITIES`; a template adds to these labels, says what quasi-identifiers
mean, and names rules over several findings (`together.Together`). Tables are data: `policy.Policy` reads them,
`settings` lets a site narrow them.

Sources that the rows below name: HIPAA is 45 CFR 160 and 164; GLBA is, for banks, 12 CFR 1016 (privacy) and the
interagency guidelines that FFIEC's examiners go by (12 CFR 30 appendix B, supplement A); GDPR is
Regulation (EU) 2016/679; PSD2 is Directive (EU) 2015/2366; PCI DSS is version 4.0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringfence.labels import Category, Label, Level, join
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.together import Together

QUASI_IDENTIFIERS: Final = frozenset({"AGE_UNDER_90", "SEX", "KINSHIP", "PROFESSION", "NATIONALITY", "COUNTRY", "YEAR"})
"""Nobody is known by one of these alone (GDPR, recital 26: "all the means reasonably likely to be used")."""

BUILT_IN: Final = frozenset({"SECRET", "OPAQUE", "PAN", "CARD_TRACK", "CARD_CODE", "SSN"})
"""Types that every template finds as RESTRICTED, and that no configuration turns off or lowers: what opens an account
or a system, and the number that opens credit in somebody's name. PCI DSS 3.3 (never stored) and 3.5 (unreadable
wherever stored); 12 CFR 30 appendix B, supplement A, III.A.1 (sensitive customer information)."""

_PHI: Final = Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
_PII: Final = Label(Level.CONFIDENTIAL, frozenset({Category.PII}))


@dataclass(frozen=True, slots=True)
class Template:
    """One table."""

    name: str
    """What a site's configuration calls it."""
    rules: Mapping[str, Label]
    """Entity type to the label that a finding of it implies; types that are left out are not looked for."""
    together: tuple[Together, ...]
    """Rules over several findings."""
    optional: frozenset[str]
    """Types that a site may turn off or lower, and rules of `together` whose threshold it may raise; it may do neither
    with any other."""
    locales: frozenset[str]
    """Countries whose national numbers are looked for without a label beside them, unless the site names others."""


def _with(table: Mapping[str, Label], added: Mapping[str, Label]) -> Mapping[str, Label]:
    """`table`, each label joined with what `added` has for it."""
    return MappingProxyType({name: join((label, added.get(name, label))) for name, label in table.items()})


def _without(table: Mapping[str, Label], left_out: frozenset[str]) -> Mapping[str, Label]:
    return MappingProxyType({name: label for name, label in table.items() if name not in left_out})


_WHOSE_ALONE: Final = ("PERSON", "SSN", "MRN", "INSURANCE_ID", "PAN", "IBAN", "ACCOUNT", "EMAIL", "PHONE")
"""Types of which each person has a few at most: many of one type are many people."""


def _many(source: str) -> Together:
    """A list of people is worth more than its entries."""
    return Together(
        name="many-people",
        types=frozenset(_WHOSE_ALONE),
        count_min=500,
        label=Label(Level.RESTRICTED),
        source=source,
    )


_OF_A_PERSON: Final = QUASI_IDENTIFIERS - {"YEAR"}
"""The year of an event stands in nearly every note, and says nothing of a person."""
_SEVERAL_QUASI: Final = Together(
    name="several-quasi-identifiers",
    types=_OF_A_PERSON,
    kinds_min=3,
    label=_PII,
    source="GDPR, recital 26 (singling out); Article 29 Working Party, Opinion 05/2014 (WP 216), 2.2; "
    "L. Sweeney, k-anonymity, 2002: few attributes that are harmless alone single people out together",
)
_SENSITIVE_CUSTOMER: Final = Together(
    name="sensitive-customer-information",
    types=frozenset({"PERSON", "ADDRESS", "PHONE"}),
    beside=frozenset({"SSN", "DOCUMENT_ID", "ACCOUNT", "IBAN", "PAN", "CARD_TRACK", "CARD_CODE", "SECRET"}),
    label=Label(Level.RESTRICTED, frozenset({Category.PII, Category.FINANCIAL})),
    source="12 CFR 30 appendix B, supplement A, III.A.1: name, address or telephone number together with a social "
    "security, driver's licence, account or card number, or a PIN or password",
)
_HEALTH_RECORD: Final = Together(
    name="health-record",
    types=frozenset(ENTITIES) - QUASI_IDENTIFIERS,
    formats=frozenset({"fhir", "hl7", "x12"}),
    label=_PHI,
    source="45 CFR 160.103: what identifies somebody in a record of care or of its payment is PHI, a name too (X12 837 "
    "and 835 are such records by 45 CFR 162.1102 and 162.1602); GDPR art. 4(15)",
)
_PAYMENT_MESSAGE: Final = Together(
    name="payment-message",
    types=frozenset(ENTITIES) - QUASI_IDENTIFIERS,
    formats=frozenset({"iso20022"}),
    label=Label(Level.CONFIDENTIAL, frozenset({Category.FINANCIAL})),
    source="12 CFR 1016.3(q)(1): information about a transaction identifies a customer; PSD2 art. 94(2)",
)

_US_OPTIONAL: Final = frozenset({"NPI", "BIC", "CUSTOM"})
"""Published numbers of a provider (NPPES data dissemination notice, 72 FR 30011) and of a bank (ISO 9362); neither is a
patient's or a customer's, whom HIPAA and GLBA protect. What a site's own lists find means what the site says."""

_EU_HEALTH: Final = {name: join((_PHI, _PII)) for name in ("MRN", "INSURANCE_ID")}
"""GDPR recital 35: a number assigned to a person to identify them for health purposes is health data, and by art. 4(1)
it is personal data."""
_EU_PAYMENT: Final = dict.fromkeys(("IBAN", "ACCOUNT"), _PII)
"""GDPR art. 4(1): an identification number; a natural person's account is personal data."""
_EU_QUASI: Final = dict.fromkeys(QUASI_IDENTIFIERS, Label(Level.INTERNAL))
"""GDPR recital 26: one alone identifies nobody, so it is no PII yet; several are, by `_SEVERAL_QUASI`."""
_EU_RULES: Final = MappingProxyType({**_with(ENTITIES, {**_EU_HEALTH, **_EU_PAYMENT}), **_EU_QUASI})
_EU_OPTIONAL: Final = QUASI_IDENTIFIERS | {
    "BIC",  # a bank's number, published (ISO 9362); a physician's NPI is personal data here
    "CUSTOM",  # what a site's own lists find means what the site says
    "AGE",  # one of the quasi-identifiers here: ages over 89 are HIPAA's line
    "ORGANISATION",  # GDPR recital 14: legal persons are no data subjects
    _SEVERAL_QUASI.name,  # the number is this project's reading of recital 26; a site knows how rare its people are
}
_EU_LOCALES: Final = frozenset({"gb", "es", "fr", "de"})

HOSPITAL_US: Final = Template(
    "hospital-us",
    # Safe Harbor, 45 CFR 164.514(b)(2)(i): ages under 90, years, states and countries, sex, kinship and professions are
    # none of the 18 identifiers.
    rules=_without(ENTITIES, QUASI_IDENTIFIERS),
    together=(
        _HEALTH_RECORD,
        _many("45 CFR 164.408(b): a breach of 500 individuals or more is told at once"),
    ),
    optional=_US_OPTIONAL,
    locales=frozenset({"us"}),
)
HOSPITAL_EU: Final = Template(
    "hospital-eu",
    rules=_EU_RULES,
    together=(
        _SEVERAL_QUASI,
        _HEALTH_RECORD,
        _many("GDPR art. 35(3)(b), recital 91: large scale; no number is given, this is HIPAA's"),
    ),
    optional=_EU_OPTIONAL,
    locales=_EU_LOCALES,
)
BANK_US: Final = Template(
    "bank-us",
    # GLBA, 12 CFR 1016.3(q)(2)(ii)(B): blind data without account numbers, names or addresses is not covered.
    rules=_without(ENTITIES, QUASI_IDENTIFIERS),
    together=(
        _SENSITIVE_CUSTOMER,
        _PAYMENT_MESSAGE,
        _many("16 CFR 314.4(j): 500 consumers or more are a notification event, for lenders that are no banks"),
    ),
    optional=_US_OPTIONAL
    | {
        "AGE",  # ages over 89 are HIPAA's line
        "ORGANISATION",  # 12 CFR 1016.3(e): a consumer is an individual
    },
    locales=frozenset({"us"}),
)
BANK_EU: Final = Template(
    "bank-eu",
    rules=_EU_RULES,
    together=(
        _SEVERAL_QUASI,
        _PAYMENT_MESSAGE,
        _many("GDPR art. 35(3), recital 91: large scale; no number is given, this is 16 CFR 314.4(j)'s"),
    ),
    optional=_EU_OPTIONAL,
    locales=_EU_LOCALES,
)

TABLES: Final = (HOSPITAL_US, HOSPITAL_EU, BANK_US, BANK_EU)
"""What ships."""
