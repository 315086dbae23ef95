"""What can be found, and the label that each implies.

Sources: 45 CFR 164.514(b)(2)(i) names the 18 identifiers of HIPAA's Safe Harbor; 45 CFR 160.103 defines PHI; GDPR
art. 4(1) defines personal data; PCI DSS v4.0.1, requirement 3, asks that a PAN never leaves unprotected; NIST
SP 800-122 ranks a social security number as highly sensitive. A site's policy will be able to replace this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ringfence.labels import Category, Label, Level, join
from ringfence.recognize.finding import Finding

_PII = Label(Level.CONFIDENTIAL, frozenset({Category.PII}))
_PHI = Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
_FINANCIAL = Label(Level.CONFIDENTIAL, frozenset({Category.FINANCIAL}))

ENTITIES: Mapping[str, Label] = MappingProxyType(
    {
        "PERSON": _PII,  # 164.514(b)(2)(i)(A)
        "ADDRESS": _PII,  # (B), ZIP codes and everything smaller than a state
        "DATE": _PII,  # (C), all elements but the year
        "AGE": _PII,  # (C), ages over 89
        "PHONE": _PII,  # (D), (E)
        "EMAIL": _PII,  # (F)
        "SSN": Label(Level.RESTRICTED, frozenset({Category.PII})),  # (G)
        "MRN": _PHI,  # (H)
        "INSURANCE_ID": _PHI,  # (I), health plan beneficiary numbers
        "ACCOUNT": _FINANCIAL,  # (J)
        "IBAN": _FINANCIAL,  # (J)
        "PAN": Label(Level.RESTRICTED, frozenset({Category.PCI})),  # (J); PCI DSS 3.4, 3.5
        "DOCUMENT_ID": _PII,  # (K), certificate and licence numbers
        "TAX_ID": _PII,  # (K)
        "NPI": _PII,  # (K)
        "DEVICE_ID": _PII,  # (L), (M)
        "MAC": _PII,  # (M)
        "URL": _PII,  # (N)
        "IP": _PII,  # (O)
        "CASE_ID": _PII,  # (R), any other unique number
        "ID": _PII,  # (R), a long number without a label
        "SECRET": Label(Level.RESTRICTED, frozenset({Category.SECRET})),
    }
)
"""Entity type to the label that a finding of it implies."""


def label_of(findings: Iterable[Finding]) -> Label:
    """The join of the labels that `findings` imply; PUBLIC for none. An unknown type counts as RESTRICTED."""
    unknown = Label(Level.RESTRICTED, frozenset({Category.CUSTOM}))
    return join(ENTITIES.get(entity_type, unknown) for entity_type in {finding.entity_type for finding in findings})
