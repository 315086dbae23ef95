"""HL7 v2: what the standard calls an identifier is found, wherever the message stands."""

import pytest
from hl7apy.v2_5_1 import segments

from fakes import payloads
from ringfence.recognize.payload import read_payload
from ringfence.recognize.payload.hl7_tables import COMPONENTS, FIELDS, HEADERS

CLINICAL = ("E11.9", "PENICILLIN", "PRODUCES HIVES", "Type 2 diabetes mellitus", "2106-3", "389", "SUR", "PPO")
LABORATORY = ("2345-7", "Glucose", "182", "mg/dL", "70-99", "13.2", "24323-8", "H", "F")


def test_an_admission_gives_up_every_identifier_and_no_clinical_code(found):
    """PID, NK1, PV1, GT1 and IN1 are found with their types; diagnoses, allergies, wards and codes are not."""
    seen = found(payloads.ADT)
    assert seen >= payloads.ADT_FOUND
    assert {text for _, text in seen}.isdisjoint(CLINICAL)


def test_a_result_gives_up_its_patient_and_not_its_values(found):
    """Names in OBX by its value type, dates of collection, order numbers; no results, units, codes."""
    seen = found(payloads.ORU)
    assert {("PERSON", "ROMERO"), ("PERSON", "INES"), ("CASE_ID", "LAB99120"), ("DATE", "202403020745")} <= seen
    assert {text for _, text in seen}.isdisjoint(LABORATORY)


def test_every_message_of_a_batch_is_read(found):
    """File and batch headers, and all messages below them."""
    assert found(payloads.BATCH) >= found(payloads.ADT) | found(payloads.ORU)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\\r", "\\n"])
@pytest.mark.parametrize("frame", ["{}", "Summarise this: {}\n\nThank you.", "```\n{}\n```", '"{}"', "\x0b{}\x1c\r"])
def test_a_message_is_found_whatever_stands_around_it(found, frame, end):
    """Behind an instruction, in a fence, in quotation marks, in MLLP; with any line end, written out ones too."""
    assert found(frame.format(payloads.ADT.replace("\r", end))) >= payloads.ADT_FOUND


def test_other_delimiters_are_read_from_the_header(found):
    """MSH-1 and MSH-2 say what separates."""
    text = payloads.ADT.translate(str.maketrans("|^~&", "#$!%"))
    assert {("PERSON", "ELLISON"), ("SSN", "524716038"), ("ADDRESS", "48 LINDEN ST")} <= found(text)


def test_segments_without_a_header_are_read(found):
    """A pasted PID line is one; a table's row that says PID is not."""
    assert ("PERSON", "ELLISON") in found("PID|1||483921^^^GHH^MR||ELLISON^MARGARET||19570314|F")
    assert found("PID | 3\nNK1 | 4") == set()


def test_a_null_is_no_value(found):
    """Two quotation marks say: delete (2.5.3); nothing stands there."""
    assert found('MSH|^~\\&|A\rPID|1||""||""^""||""|F') == set()


@pytest.mark.parametrize("name", sorted(set(FIELDS) - HEADERS))
def test_the_table_agrees_with_the_standard(name):
    """Each field has the data type that HL7 2.5.1 gives it; ST stands for a plain value, TS also for DT."""
    standard = {int(field[0].split("_")[1]): field[1][2] for field in segments.SEGMENTS[name][1]}
    for entry in FIELDS[name].split():
        number, _, rule = entry.partition(":")
        data_type = rule.partition("=")[0]
        assert data_type in COMPONENTS
        if data_type != "ST":
            assert {"DT": "TS"}.get(standard[int(number)], standard[int(number)]) == data_type, f"{name}-{number}"


def test_delimiters_are_walls():
    """No wall lies in a field's value, and every delimiter is one."""
    text = payloads.ADT
    payload = read_payload(text)
    walled = {at for start, end in payload.walls for at in range(start, end)}
    assert all(walled.isdisjoint(range(span.start, span.end)) for span in payload.spans)
    assert {at for at, char in enumerate(text) if char in "|^~\r"} <= walled


@pytest.mark.parametrize("name", ["\\John\\", "DOE\\Jonathan Reed\\X", "HOSP\\jreed\\x", "\\Zoe\\", "\\E. Doe\\"])
def test_what_stands_between_backslashes_is_no_escape_of_the_standard(found, name):
    """A domain and a user name, or a nickname between backslashes, is the field's value."""
    assert ("PERSON", name) in found(f"PID|1||483921^^^GHH^MR||ELLISON^{name}||19570314|F")


def test_an_escape_is_a_wall(found):
    """Delimiters and layout that a value writes as escapes are no part of it."""
    assert {("PERSON", "ELLISON"), ("PERSON", "REED")} <= found(
        "PID|1||483921^^^GHH^MR||ELLISON\\T\\REED\\.br\\\\.sp+2\\||19570314|F"
    )
