"""X12: which elements say who somebody is, and which qualifier says what an identifier is.

Source: ASC X12 005010, the segments and code lists (data elements 66, 98, 128, 365, 374, 1250) that the implementation
guides (TR3) of 837, 835, 834, 270, 271, 276, 277, 278 and 820 use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLAIN: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "ACT": {1: "ACCOUNT", 2: "PERSON", 4: "ID", 6: "ACCOUNT"},
        "BGN": {2: "CASE_ID", 3: "DATE"},
        "BHT": {3: "CASE_ID", 4: "DATE"},
        "BPR": {7: "ACCOUNT", 9: "ACCOUNT", 10: "TAX_ID", 13: "ACCOUNT", 15: "ACCOUNT", 16: "DATE"},
        "CLM": {1: "CASE_ID"},
        "CLP": {1: "CASE_ID", 7: "CASE_ID"},
        "COB": {2: "INSURANCE_ID"},
        "GS": {4: "DATE"},
        "HCR": {2: "CASE_ID"},
        "INS": {12: "DATE"},
        "N2": {1: "PERSON", 2: "PERSON"},
        "N3": {1: "ADDRESS", 2: "ADDRESS"},
        "N4": {1: "PLACE", 3: "ADDRESS", 4: "COUNTRY", 6: "PLACE"},
        "PAT": {6: "DATE"},
        "PLB": {1: "NPI", 2: "DATE"},
        "PWK": {6: "CASE_ID"},
        "RMR": {2: "CASE_ID"},
        "SBR": {3: "INSURANCE_ID", 4: "ORGANISATION"},
        "TRN": {2: "CASE_ID", 3: "TAX_ID", 4: "ID"},
        "TS3": {1: "ID", 3: "DATE"},
    }
)
"""Segment to its elements: number to entity type."""

NON_PERSON = "2"
"""NM102 of an organisation (element 1065)."""
PERSONS = frozenset({"IL", "IN", "QC", "74", "S1", "31", "GD", "QD"})
"""N101 of somebody (element 98): subscriber, insured, patient, corrected insured, parent, mail address, guardians."""
TAX_QUALIFIER = "30"
"""ISA05, ISA07 (element I05): a tax number of the United States."""

ID_QUALIFIERS: Mapping[str, str] = MappingProxyType(
    {
        "XX": "NPI",  # element 66
        "34": "SSN",
        "SY": "SSN",
        "FI": "TAX_ID",
        "24": "TAX_ID",
        "EI": "TAX_ID",
        "TJ": "TAX_ID",
        "MI": "INSURANCE_ID",
        "MR": "INSURANCE_ID",
        "MC": "INSURANCE_ID",
        "II": "INSURANCE_ID",
        "HN": "INSURANCE_ID",
        "ZZ": "INSURANCE_ID",
        "PP": "DOCUMENT_ID",
    }
)
"""NM108 and N103: what NM109 and N104 are; any other is an ID."""

REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "0B": "DOCUMENT_ID",  # state licence
        "0F": "INSURANCE_ID",  # subscriber number
        "1A": "INSURANCE_ID",
        "1B": "INSURANCE_ID",
        "1C": "INSURANCE_ID",
        "1D": "INSURANCE_ID",
        "1G": "ID",  # UPIN
        "1H": "INSURANCE_ID",
        "1L": "INSURANCE_ID",  # group number
        "1W": "INSURANCE_ID",  # member
        "23": "ID",
        "6P": "INSURANCE_ID",
        "CE": "INSURANCE_ID",
        "EA": "MRN",
        "EI": "TAX_ID",
        "EJ": "ACCOUNT",  # patient account number
        "HJ": "DOCUMENT_ID",
        "HPI": "NPI",
        "IG": "INSURANCE_ID",  # insurance policy number
        "LU": "ID",
        "N6": "INSURANCE_ID",
        "NQ": "INSURANCE_ID",
        "SY": "SSN",
        "TJ": "TAX_ID",
        "Y4": "CASE_ID",  # agency claim number
    }
)
"""REF01: what REF02 is; any other is a CASE_ID."""

REFERENCE_CODES = frozenset({"87", "9K", "BT", "DX", "DP", "G0", "PQ", "ABY", "AP", "4N", "F5", "LX", "S4", "T4"})
"""REF01 of what is a code of a guide or a classification, not a number that is somebody's."""

CONTACTS: Mapping[str, str] = MappingProxyType(
    {
        "AP": "PHONE",
        "CP": "PHONE",
        "EM": "EMAIL",
        "EX": "PHONE",
        "FX": "PHONE",
        "HP": "PHONE",
        "TE": "PHONE",
        "UR": "URL",
        "WP": "PHONE",
        "WC": "PHONE",
        "NP": "PHONE",
        "BN": "PHONE",
        "ED": "ID",
        "TM": "PHONE",
        "VM": "PHONE",
    }
)
"""PER03, 05, 07 (element 365): what the number that follows is."""

DATE_FORMATS = frozenset({"D8", "RD8", "DT", "RDT", "DTS", "D6", "DB"})
"""Element 1250: formats with a day in them."""
TIME_FORMATS = frozenset({"TM", "RTM", "TS", "RTS"})
"""Element 1250: formats without one."""
SEGMENTS = frozenset(PLAIN) | frozenset(
    {
        *(
            "AMT",
            "CAS",
            "CL1",
            "CN1",
            "CR1",
            "CR2",
            "CUR",
            "DMG",
            "DTM",
            "DTP",
            "EB",
            "EQ",
            "GE",
            "HD",
            "HI",
            "HL",
            "HSD",
        ),
        *(
            "IEA",
            "III",
            "ISA",
            "K3",
            "LE",
            "LIN",
            "LQ",
            "LS",
            "LUI",
            "LX",
            "MEA",
            "MIA",
            "MOA",
            "N1",
            "NM1",
            "NTE",
            "OI",
        ),
        *("PER", "PLA", "PRV", "QTY", "REF", "SE", "ST", "STC", "SV1", "SV2", "SV3", "SVC", "SVD", "TA1", "UM"),
    }
)
"""Names of segments: words of the standard, which are nobody's."""
