"""HL7 v2: which fields say who somebody is, and where in their data types.

Source: HL7 version 2.5.1, chapters 2 (control, data types in 2A), 3 (patient administration), 4 (orders), 6 (finance),
7 (observations), 8 (master files), 9 (documents), 10 (scheduling), 11 (referral), 15 (personnel); table 0203 for the
types of identifiers. Fields of older and newer 2.x versions keep their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "ABS": "1:XCN 4:TS 5:XCN 7:TS 8:XCN",
        "ACC": "1:TS 7:XCN 11:XAD",
        "AIG": "8:TS",
        "AIL": "3:PL 6:TS",
        "AIP": "3:XCN 6:TS",
        "AIS": "4:TS",
        "AL1": "6:TS",
        "AUT": "3:ST=ORGANISATION 4:TS 5:TS 6:EI=CASE_ID 10:TS",
        "BLG": "3:CX=ACCOUNT",
        "BPO": "7:TS 8:PL 9:XAD 10:TS 11:PL 12:XAD",
        "BPX": "4:TS 5:EI=CASE_ID 9:XON 13:TS 17:EI=CASE_ID 18:PL 19:XAD 20:XCN 21:XCN",
        "BTX": "2:EI=CASE_ID 6:XON 13:TS 14:XCN 15:XCN 16:TS 17:TS",
        "CON": "3:ST=CASE_ID 4:EI=CASE_ID 12:TS 13:TS 14:TS 15:TS 24:XPN",
        "CSP": "2:TS 3:TS",
        "CSR": "4:CX=MRN 5:CX=MRN 6:TS 7:XCN 8:XCN 9:TS 11:TS 15:TS",
        "CTD": "2:XPN 3:XAD 4:PL 5:XTN 7:PLN",
        "DB1": "3:CX=ID 5:TS 6:TS 7:TS 8:TS",
        "DG1": "5:TS 16:XCN 19:TS 20:EI=CASE_ID",
        "DRG": "2:TS",
        "EVN": "2:TS 3:TS 5:XCN 6:TS",
        "FAC": "1:EI=CASE_ID 3:XAD 4:XTN 5:XCN 7:XAD 8:XTN 9:XCN 11:XAD 12:XTN",
        "FT1": "2:ST=CASE_ID 3:ST=CASE_ID 4:DR 5:TS 16:PL 20:XCN 21:XCN 23:EI=CASE_ID 24:XCN 30:CX=CASE_ID",
        "GOL": "2:TS 4:EI=CASE_ID 5:EI=CASE_ID 7:TS 8:TS 12:TS 13:TS 14:TS 19:TS 21:XPN",
        "GT1": (
            "2:CX=ID 3:XPN 4:XPN 5:XAD 6:XTN 7:XTN 8:TS 12:ST=SSN 13:TS 14:TS 16:XPN 17:XAD 18:XTN 19:CX=ID "
            "21:XON 24:TS 29:CX=TAX_ID 31:TS 32:TS 42:XPN 45:XPN 46:XTN 51:XON 56:ST=PLACE"
        ),
        "IAM": "7:EI=CASE_ID 11:TS 13:TS 14:XPN 18:XCN 19:XON 20:TS",
        "IN1": (
            "3:CX=ID 4:XON 5:XAD 6:XPN 7:XTN 8:ST=INSURANCE_ID 9:XON 10:CX=INSURANCE_ID 11:XON 12:TS 13:TS 16:XPN "
            "18:TS 19:XAD 24:TS 26:TS 29:TS 30:XCN 36:ST=INSURANCE_ID 44:XAD 49:CX=INSURANCE_ID 51:TS 52:ST=PLACE"
        ),
        "IN2": (
            "1:CX=ID 2:ST=SSN 3:XCN 6:ST=INSURANCE_ID 7:XPN 8:ST=INSURANCE_ID 9:XPN 10:ST=DOCUMENT_ID 17:TS "
            "22:XPN 25:CX=ID 26:CX=INSURANCE_ID 40:XPN 44:TS 45:TS 49:XPN 50:XTN 52:XPN 53:XTN 55:TS 56:TS 58:XTN "
            "61:CX=INSURANCE_ID 63:XTN 64:XTN 69:XON 70:XON"
        ),
        "IN3": "2:CX=CASE_ID 3:XCN 6:TS 7:TS 8:XCN 9:TS 10:TS 13:TS 14:XCN 16:XTN 19:XTN 22:TS 25:XCN",
        "IPC": "1:EI=CASE_ID 2:EI=CASE_ID 3:EI=CASE_ID 4:EI=CASE_ID",
        "MRG": "1:CX=MRN 2:CX=MRN 3:CX=ACCOUNT 4:CX=MRN 5:CX=CASE_ID 6:CX=CASE_ID 7:XPN",
        "MSA": "2:ST=CASE_ID",
        "NK1": (
            "2:XPN 4:XAD 5:XTN 6:XTN 8:TS 9:TS 12:CX=ID 13:XON 16:TS 26:XPN 30:XPN 31:XTN 32:XAD 33:CX=ID "
            "37:ST=SSN 38:ST=PLACE"
        ),
        "NPU": "1:PL",
        "OBR": (
            "2:EI=CASE_ID 3:EI=CASE_ID 6:TS 7:TS 8:TS 10:XCN 14:TS 16:XCN 17:XTN 22:TS 28:XCN 29:EIP 32:NDL "
            "33:NDL 34:NDL 35:NDL 36:TS"
        ),
        "OBX": "12:TS 14:TS 16:XCN 18:EI=DEVICE_ID 19:TS 23:XON 24:XAD 25:XCN",
        "ORC": (
            "2:EI=CASE_ID 3:EI=CASE_ID 4:EI=CASE_ID 8:EIP 9:TS 10:XCN 11:XCN 12:XCN 13:PL 14:XTN 15:TS 19:XCN "
            "21:XON 22:XAD 23:XTN 24:XAD 27:TS"
        ),
        "PCR": "5:TS 6:TS 7:TS 8:TS 12:ST=DEVICE_ID 18:TS",
        "PD1": "3:XON 4:XCN 10:CX=MRN 13:TS 14:XON 17:TS 18:TS",
        "PDA": "2:PL 4:TS 5:XCN 7:DR 8:XCN",
        "PEO": "3:TS 4:TS 5:TS 6:TS 7:XAD 19:XPN 20:XAD 21:XTN 24:TS",
        "PES": "1:XON 2:XCN 3:XAD 4:XTN 5:EI=CASE_ID 9:TS 10:TS",
        "PID": (
            "2:CX=MRN 3:CX=MRN 4:CX=MRN 5:XPN 6:XPN 7:TS 9:XPN 11:XAD 13:XTN 14:XTN 18:CX=ACCOUNT 19:ST=SSN "
            "20:DLN 21:CX=MRN 23:ST=PLACE 29:TS 33:TS"
        ),
        "PR1": "5:TS 8:XCN 11:XCN 12:XCN 19:EI=CASE_ID",
        "PRA": "6:PLN 8:TS 10:TS",
        "PRB": "2:TS 4:EI=CASE_ID 5:EI=CASE_ID 7:TS 8:TS 9:TS 15:TS 16:TS",
        "PRD": "2:XPN 3:XAD 4:PL 5:XTN 7:PLN 8:TS 9:TS",
        "PSH": "3:TS 4:TS 5:TS",
        "PTH": "3:EI=CASE_ID 4:TS 6:TS",
        "PV1": (
            "3:PL 5:CX=CASE_ID 6:PL 7:XCN 8:XCN 9:XCN 11:PL 17:XCN 19:CX=CASE_ID 25:TS 30:TS 35:TS 42:PL 43:PL "
            "44:TS 45:TS 50:CX=CASE_ID 52:XCN"
        ),
        "PV2": "1:PL 8:TS 9:TS 13:XCN 14:TS 17:TS 23:XON 26:TS 28:TS 29:TS 33:TS 46:TS 47:TS 48:TS",
        "QRD": "1:TS 4:ST=CASE_ID 6:TS 8:XCN",
        "QRF": "2:TS 3:TS",
        "RF1": "6:EI=CASE_ID 7:TS 8:TS 9:TS 11:EI=CASE_ID",
        "ROL": "1:EI=CASE_ID 4:XCN 5:TS 6:TS 11:XAD 12:XTN",
        "RXA": "3:TS 4:TS 10:XCN 22:TS",
        "RXD": "3:TS 7:ST=CASE_ID 10:XCN 31:XAD",
        "RXE": "13:XCN 14:XCN 15:ST=CASE_ID 18:TS 32:TS 41:XAD 42:PL 43:XAD",
        "RXO": "14:XCN 15:XCN",
        "SAC": "1:EI=CASE_ID 2:EI=CASE_ID 3:EI=CASE_ID 4:EI=CASE_ID 5:EI=CASE_ID 7:TS 10:EI=CASE_ID 13:EI=CASE_ID",
        "SCH": (
            "1:EI=CASE_ID 2:EI=CASE_ID 4:EI=CASE_ID 12:XCN 13:XTN 14:XAD 15:PL 16:XCN 17:XTN 18:XAD 19:PL 20:XCN "
            "21:XTN 22:PL 23:EI=CASE_ID 24:EI=CASE_ID 26:EI=CASE_ID 27:EI=CASE_ID"
        ),
        "SPM": "2:EIP 3:EIP 17:DR 18:TS 19:TS",
        "STF": "2:CX=ID 3:XPN 6:TS 10:XTN 11:XAD 15:ST=EMAIL 22:DLN 24:TS 25:TS 26:TS 31:TS 34:DR 35:TS",
        "TQ1": "7:TS 8:TS",
        "TXA": (
            "4:TS 5:XCN 6:TS 7:TS 8:TS 9:XCN 10:XCN 11:XCN 12:EI=CASE_ID 13:EI=CASE_ID 14:EI=CASE_ID "
            "15:EI=CASE_ID 16:ST=CASE_ID 22:PPN 23:XCN"
        ),
        "UB1": "14:TS 15:TS 18:TS 19:TS",
        "UB2": "12:ST=CASE_ID",
        "URD": "1:TS 3:XCN",
        "VAR": "1:EI=CASE_ID 2:TS 3:TS 4:XCN",
        # Headers: the separator itself is the first field.
        "BHS": "4:HD 6:HD 7:TS 11:ST=CASE_ID 12:ST=CASE_ID",
        "FHS": "4:HD 6:HD 7:TS 11:ST=CASE_ID 12:ST=CASE_ID",
        "MSH": "4:HD 6:HD 7:TS 10:ST=CASE_ID",
    }
)
"""Segment to its fields: number and data type, and after ``=`` what an identifier in it is."""

HEADERS = frozenset({"MSH", "BHS", "FHS"})
"""Segments that name their delimiters."""

_EVERY = 0
"""Any subcomponent."""
_PERSON_ID: Mapping[int, Mapping[int, str]] = {
    1: {_EVERY: "ID"},
    2: {_EVERY: "PERSON"},
    3: {_EVERY: "PERSON"},
    4: {_EVERY: "PERSON"},
}

COMPONENTS: Mapping[str, Mapping[int, Mapping[int, str]]] = MappingProxyType(
    {
        "CX": {
            1: {_EVERY: "*"},
            4: {1: "ORGANISATION"},
            6: {1: "ORGANISATION"},
            7: {_EVERY: "DATE"},
            8: {_EVERY: "DATE"},
        },
        "DLN": {1: {_EVERY: "DOCUMENT_ID"}, 3: {_EVERY: "DATE"}},
        "DR": {1: {_EVERY: "DATE"}, 2: {_EVERY: "DATE"}},
        "EI": {1: {_EVERY: "*"}},
        "EIP": {1: {1: "CASE_ID"}, 2: {1: "CASE_ID"}},
        "HD": {1: {_EVERY: "ORGANISATION"}},
        "NDL": {
            1: {1: "ID", 2: "PERSON", 3: "PERSON", 4: "PERSON"},
            2: {_EVERY: "DATE"},
            3: {_EVERY: "DATE"},
            7: {1: "ORGANISATION"},
        },
        "PL": {4: {1: "ORGANISATION"}, 7: {_EVERY: "PLACE"}, 9: {_EVERY: "PLACE"}},
        "PLN": {1: {_EVERY: "ID"}, 4: {_EVERY: "DATE"}},
        "PPN": {**_PERSON_ID, 15: {_EVERY: "DATE"}},
        "ST": {1: {_EVERY: "*"}},
        "TS": {1: {_EVERY: "DATE"}},
        "XAD": {
            1: {_EVERY: "ADDRESS"},
            2: {_EVERY: "ADDRESS"},
            3: {_EVERY: "PLACE"},
            5: {_EVERY: "ADDRESS"},
            6: {_EVERY: "COUNTRY"},
            8: {_EVERY: "PLACE"},
            9: {_EVERY: "PLACE"},
            10: {_EVERY: "PLACE"},
            13: {_EVERY: "DATE"},
            14: {_EVERY: "DATE"},
        },
        "XCN": {**_PERSON_ID, 19: {_EVERY: "DATE"}, 20: {_EVERY: "DATE"}},
        "XON": {1: {_EVERY: "ORGANISATION"}, 3: {_EVERY: "ID"}, 10: {_EVERY: "ID"}},
        "XPN": {
            1: {_EVERY: "PERSON"},
            2: {_EVERY: "PERSON"},
            3: {_EVERY: "PERSON"},
            12: {_EVERY: "DATE"},
            13: {_EVERY: "DATE"},
        },
        "XTN": {
            1: {_EVERY: "PHONE"},
            4: {_EVERY: "EMAIL"},
            6: {_EVERY: "PHONE"},
            7: {_EVERY: "PHONE"},
            8: {_EVERY: "PHONE"},
            12: {_EVERY: "PHONE"},
        },
    }
)
"""Data type to its components, and these to their subcomponents (0 is each); ``*`` is what the field's table says."""

ID_CODE: Mapping[str, int] = MappingProxyType({"CX": 5, "XCN": 13, "PPN": 13})
"""The component in which a type of identifier of table 0203 stands."""

ID_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "AN": "ACCOUNT",
        "BA": "ACCOUNT",
        "CC": "PAN",
        "DL": "DOCUMENT_ID",
        "EI": "ID",
        "EN": "ID",
        "HC": "INSURANCE_ID",
        "MA": "INSURANCE_ID",
        "MB": "INSURANCE_ID",
        "MC": "INSURANCE_ID",
        "MR": "MRN",
        "NI": "DOCUMENT_ID",
        "NIIP": "INSURANCE_ID",
        "NPI": "NPI",
        "PI": "MRN",
        "PPN": "DOCUMENT_ID",
        "PT": "MRN",
        "SN": "INSURANCE_ID",
        "SS": "SSN",
        "TAX": "TAX_ID",
        "VN": "CASE_ID",
    }
)
"""Table 0203: types of identifiers. Codes that begin with NN are national identifiers of a person."""

OBSERVATION_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "CX": "CX=ID",
        "DR": "DR",
        "DT": "TS",
        "DTM": "TS",
        "EI": "EI=CASE_ID",
        "PN": "XPN",
        "PPN": "PPN",
        "TN": "XTN",
        "TS": "TS",
        "XAD": "XAD",
        "XCN": "XCN",
        "XON": "XON",
        "XPN": "XPN",
        "XTN": "XTN",
    }
)
"""OBX-2, the type of the value in OBX-5 (table 0125), where such a value identifies somebody."""

SEGMENTS = frozenset(FIELDS) | {
    "BTS",
    "DSP",
    "ERR",
    "FTS",
    "NTE",
    "OBX",
    "QAK",
    "QPD",
    "RCP",
    "RXC",
    "RXG",
    "RXR",
    "SFT",
}
"""Names of segments: words of the standard, which are nobody's."""
