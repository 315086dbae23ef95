"""What can be found, and the label that each implies unless a site's policy says otherwise (see `policy`).

Sources: 45 CFR 164.514(b)(2)(i) names the 18 identifiers of HIPAA's Safe Harbor; 45 CFR 160.103 defines PHI; GDPR
art. 4(1) defines personal data, recital 26 what makes somebody identifiable; PCI DSS v4.0.1, requirement 3, asks that a
PAN never leaves unprotected and that sensitive authentication data is not even stored; NIST SP 800-122 ranks a social
security number as highly sensitive.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringfence.labels import Category, Label, Level

_PII = Label(Level.CONFIDENTIAL, frozenset({Category.PII}))
_PHI = Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
_FINANCIAL = Label(Level.CONFIDENTIAL, frozenset({Category.FINANCIAL}))
_PCI = Label(Level.RESTRICTED, frozenset({Category.PCI}))
_QUASI = Label(Level.INTERNAL, frozenset({Category.PII}))
_CUSTOM = Label(Level.CONFIDENTIAL, frozenset({Category.CUSTOM}))

ENTITIES: Mapping[str, Label] = MappingProxyType(
    {
        "PERSON": _PII,  # 164.514(b)(2)(i)(A)
        "ADDRESS": _PII,  # (B), streets, ZIP codes
        "PLACE": _PII,  # (B), towns, counties, facilities: every geographic subdivision smaller than a state
        "COORDINATES": _PII,  # (B), "equivalent geocodes"
        "ORGANISATION": _PII,  # (b)(2)(i), "employers"
        "DATE": _PII,  # (C), all elements but the year
        "AGE": _PII,  # (C), ages over 89
        "PHONE": _PII,  # (D), (E)
        "EMAIL": _PII,  # (F)
        "SSN": Label(Level.RESTRICTED, frozenset({Category.PII})),  # (G)
        "MRN": _PHI,  # (H)
        "INSURANCE_ID": _PHI,  # (I), health plan beneficiary numbers
        "ACCOUNT": _FINANCIAL,  # (J)
        "IBAN": _FINANCIAL,  # (J)
        "BIC": _FINANCIAL,  # (J), with the account that it stands beside
        "PAN": _PCI,  # (J); PCI DSS 3.4, 3.5
        "CARD_TRACK": _PCI,  # PCI DSS 3.3.1.1
        "CARD_CODE": _PCI,  # PCI DSS 3.3.1.2, 3.3.1.3: CVC, CVV, PIN
        "DOCUMENT_ID": _PII,  # (K), certificate and licence numbers
        "TAX_ID": _PII,  # (K)
        "NPI": _PII,  # (K)
        "VEHICLE_ID": _PII,  # (L), VINs and number plates
        "DEVICE_ID": _PII,  # (M)
        "MAC": _PII,  # (M)
        "URL": _PII,  # (N)
        "IP": _PII,  # (O)
        "CASE_ID": _PII,  # (R), any other unique number
        "ID": _PII,  # (R), a long number without a label
        "USERNAME": _PII,  # (R)
        "SECRET": Label(Level.RESTRICTED, frozenset({Category.SECRET})),
        "OPAQUE": Label(Level.RESTRICTED),  # encoded files and noise in a text: what cannot be scanned (invariant 8)
        "CUSTOM": _CUSTOM,  # a site's own patterns and dictionaries
        # Quasi-identifiers: nobody is known by one alone, so they raise a label to INTERNAL and stay in the text.
        "AGE_UNDER_90": _QUASI,  # (C) lets them stand; GDPR recital 26
        "SEX": _QUASI,
        "KINSHIP": _QUASI,
        "PROFESSION": _QUASI,
        "NATIONALITY": _QUASI,
        "COUNTRY": _QUASI,
        "YEAR": _QUASI,  # (C) lets them stand
    }
)
"""Entity type to the label that a finding of it implies."""
