"""FHIR: what a resource says of people is found by its element, whatever it contains."""

import json

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fakes import payloads
from ringfence.recognize.payload import fhir_tables, read_payload

CLINICAL = ("2345-7", "Glucose", "182", "mg/dL", "http://loinc.org", "final", "IMP", "OH", "official", "Mrs.", "MR")


def test_the_bundle_is_one():
    """The example is valid, so that what is found in it is found in what systems send."""
    get_fhir_model_class("Bundle").model_validate_json(payloads.FHIR)


def test_a_bundle_gives_up_every_identifier_and_no_code(found):
    """Names, telecoms, addresses, identifiers, references, dates; no codes, quantities, units, systems."""
    seen = found(payloads.FHIR)
    assert seen >= payloads.FHIR_FOUND
    assert {text for _, text in seen}.isdisjoint(CLINICAL)


def test_a_narrative_is_one_finding_between_its_tags(found):
    """The div stays XHTML; all that it says goes."""
    inside = "<p>Margaret <b>Ellison</b>, born 14 March 1957</p>"
    assert ("CUSTOM", inside) in found(payloads.FHIR)


@pytest.mark.parametrize("frame", ["{}", "Summarise:\n```json\n{}\n```\nThanks", "see {} and reply", "[{}, {}]"])
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_bundle_is_found_whatever_stands_around_it(found, frame, indent):
    """In prose, in a fence, in an array; with any layout."""
    text = json.dumps(payloads.BUNDLE, indent=indent)
    assert found(frame.replace("{}", text)) >= payloads.FHIR_FOUND


def test_a_bundle_that_is_cut_off_is_read_so_far(found):
    """Half of a document gives up what stands in that half, the last open string included."""
    text = payloads.FHIR
    for cut in range(0, len(text), 97):
        half = text[:cut]
        whole = {pair for pair in payloads.FHIR_FOUND if f'"{pair[1]}"' in half and pair[0] in ("PERSON", "PHONE")}
        assert whole <= found(half), cut


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Organization", "name": "St. Anna"}, ("ORGANISATION", "St. Anna")),
        ({"resourceType": "Location", "name": "Haus 3"}, ("PLACE", "Haus 3")),
        ({"resourceType": "ValueSet", "name": "Smith"}, None),
        ({"resourceType": "Questionnaire", "id": "phq-9", "name": "PHQ9"}, None),
        ({"resourceType": "Condition", "code": {"coding": [{"display": "Crohn disease"}]}}, None),
        ({"resourceType": "X", "medication": {"reference": "Medication/m", "display": "Aspirin"}}, None),
        ({"resourceType": "Patient", "photo": [{"title": "x"}], "birthDate": "1957"}, None),
        ({"resourceType": "Patient", "extension": [{"valueAddress": {"city": "Ulm"}}]}, ("PLACE", "Ulm")),
        (
            {"resourceType": "Patient", "extension": [{"url": "http://x/mothersMaidenName", "valueString": "Holm"}]},
            ("PERSON", "Holm"),
        ),
        ({"resourceType": "Patient", "ssn": "524"}, ("SSN", "524")),
        ({"resourceType": "Guest", "nested": {"nachname": "Holm"}}, ("PERSON", "Holm")),
        ({"resourceType": "Device", "serialNumber": "SN-1"}, ("DEVICE_ID", "SN-1")),
        ({"resourceType": "Annotation", "authorString": "B. Holm"}, ("PERSON", "B. Holm")),
        ({"resourceType": "Coverage", "class": [{"value": "G7"}]}, ("INSURANCE_ID", "G7")),
        ({"resourceType": "Practitioner", "identifier": [{"value": "0148"}]}, ("ID", "0148")),
        (
            {
                "resourceType": "Practitioner",
                "identifier": [{"system": "http:\\/\\/hl7.org/fhir/sid/us-npi", "value": "1"}],
            },
            ("NPI", "1"),
        ),
    ],
)
def test_elements_are_known_by_resource_and_shape(found, resource, expected):
    """A plain name is an organisation's, a place's or nobody's, by what it names; and so on."""
    text = json.dumps(resource).replace("\\\\", "\\")
    assert found(text) == (set() if expected is None else {expected})


def test_a_recogniser_never_bears_a_name_from_the_text():
    """Keys and types may hold anything; only FHIR's own words are repeated."""
    text = json.dumps({"resourceType": "Margaret", "Ellison": {"family": "x", "given": ["y"]}, "Quill": "1957-03-14"})
    names = {span.recogniser for span in read_payload(text).spans}
    assert names == {"fhir:Resource"}


def test_resources_of_the_tables_are_fhirs():
    """Every resource named in a table exists in R4B or R5."""
    for name in fhir_tables.KNOWN | fhir_tables.DEFINITIONS:
        try:
            get_fhir_model_class(name)
        except KeyError:
            from fhir.resources import get_fhir_model_class as get_r5  # noqa: PLC0415 - only for those that R4B lacks

            get_r5(name)
