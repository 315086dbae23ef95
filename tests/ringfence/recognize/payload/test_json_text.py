"""JSON that follows no standard: its keys say what its values are."""

import json

import pytest

from ringfence.recognize.payload import read_payload
from ringfence.recognize.payload.json_tree import DEPTH_MAX, read_tree

CUSTOMER = {
    "customerId": 88120,
    "first_name": "Ines",
    "lastName": "Romero",
    "date-of-birth": "2 Jan 80",
    "emails": ["i@mail.test", "ines@work.test"],
    "phone": {"home": "030 44", "type": "landline"},
    "address": {"street": "Am Markt 3", "city": "Hamburg", "zip": "20095", "country": "DE"},
    "age": 44,
    "account": {"iban": "DE89370400440532013000", "currency": "EUR", "balance": 12.5},
    "orders": [{"name": "Aspirin", "price": 3.5, "sku": "A-1"}],
}


@pytest.mark.parametrize("frame", ["{}", "Write to {} please", "data = [{}]\n", "```json\n{}\n```"])
def test_telling_keys_make_findings(found, frame):
    """Names, numbers and places by their key; goods, prices and currencies are nobody's."""
    seen = found(frame.replace("{}", json.dumps(CUSTOMER)))
    assert seen == {
        ("CASE_ID", "88120"),
        ("PERSON", "Ines"),
        ("PERSON", "Romero"),
        ("DATE", "2 Jan 80"),
        ("EMAIL", "i@mail.test"),
        ("EMAIL", "ines@work.test"),
        ("PHONE", "030 44"),
        ("ADDRESS", "Am Markt 3"),
        ("PLACE", "Hamburg"),
        ("ADDRESS", "20095"),
        ("COUNTRY", "DE"),
        ("AGE_UNDER_90", "44"),
        ("IBAN", "DE89370400440532013000"),
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": "Aspirin", "dose": "100 mg"}, set()),
        ({"name": "Ann", "dob": "1/2/80"}, {("PERSON", "Ann"), ("DATE", "1/2/80")}),
        ({"patient": {"name": "Ann", "id": "7"}}, {("PERSON", "Ann"), ("ID", "7")}),
        ({"users": [{"name": "Ann"}]}, {("PERSON", "Ann")}),
        ({"author": {"name": {"first": "Ann", "title": "Dr"}}}, {("PERSON", "Ann")}),
        ({"name": "get_weather", "parameters": {"city": {"type": "string"}}}, set()),
        ({"email": None, "ssn": "N/A", "phone": "", "mrn": "-"}, set()),
        ({"edad": "93", "nombre": "Inés"}, {("AGE", "93"), ("PERSON", "In\\u00e9s")}),
        ({"Straße": "Ring 1", "PLZ": "1"}, {("ADDRESS", "Ring 1"), ("ADDRESS", "1")}),
    ],
)
def test_a_name_needs_company(found, value, expected):
    """``name`` and ``id`` are somebody's only beside or below fields of a person."""
    assert found(json.dumps(value)) == expected


def test_places_are_those_of_the_values():
    """A tree's strings lie between their quotation marks, whatever their escapes."""
    text = '  {"a": "x\\"y", "b": [1, {"c": "\\u00e9"}]}'
    tree = read_tree(text, 2)
    values = {key: text[node.start : node.end] for key, node in tree.root.members}
    assert values == {"a": 'x\\"y', "b": '[1, {"c": "\\u00e9"}]'}
    assert tree.end == len(text)


def test_what_is_deeper_than_any_document_is_still_read(found):
    """Nesting is bounded, findings are not: what lies below is read as a document of its own."""
    text = '{"a":' * (DEPTH_MAX * 3) + '{"ssn": "524-71-6038"}' + "}" * (DEPTH_MAX * 3)
    assert found(text) == {("SSN", "524-71-6038")}
    assert read_tree(text, 0).end == len('{"a":') * DEPTH_MAX


@pytest.mark.parametrize("text", ["{not json}", '{"a" "b"', "{{{{", '{"', '{"a":', "f(x) { return x; }"])
def test_what_is_no_json_is_left_alone(found, text):
    """Templates, code, fragments."""
    assert found(text) == set()
    read_payload(text)
