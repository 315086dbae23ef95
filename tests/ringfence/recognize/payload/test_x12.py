"""X12: claims, remittances and their neighbours give up whom they are about."""

import pytest

from fakes import payloads

CODES = ("0340", "V7389", "99213", "100", "211366.97", "138018.4", "MIAMI*FL", "203BF0100Y", "005010X222A1", "150000")


def test_a_claim_gives_up_every_identifier_and_no_code(found):
    """Names, numbers by their qualifier, addresses, dates; no diagnoses, procedures, amounts."""
    seen = found(payloads.X837)
    assert seen >= payloads.X837_FOUND
    assert {text for _, text in seen}.isdisjoint(CODES)


def test_a_remittance_gives_up_accounts_patients_and_claims(found):
    """BPR, TRN, CLP, NM1, PER; segments that end with a newline too."""
    seen = found(payloads.X835)
    assert {
        ("ACCOUNT", "123456"),
        ("ACCOUNT", "999988880"),
        ("PERSON", "BUDDSON"),
        ("PERSON", "SANDRA"),
        ("CASE_ID", "7722337"),
        ("INSURANCE_ID", "SJD11122"),
        ("ORGANISATION", "DR ROBERTSON FAMILY CLINIC"),
        ("NPI", "1999996666"),
        ("DATE", "20240402"),
    } <= seen
    assert {text for _, text in seen}.isdisjoint(CODES)


@pytest.mark.parametrize("frame", ["{}", "Why was this denied? {} Thanks!", "```\n{}\n```"])
@pytest.mark.parametrize(("old", "new"), [("", ""), ("~", "\n"), ("~", "~\r\n"), ("*", "|"), ("~", "'")])
def test_a_claim_is_found_whatever_stands_around_it(found, frame, old, new):
    """Behind a question, in a fence; with the delimiters that its header names."""
    text = payloads.X837.replace(old, new) if old else payloads.X837
    assert found(frame.format(text)) >= payloads.X837_FOUND


def test_segments_without_an_envelope_are_read(found):
    """A pasted loop."""
    assert found("Who is NM1*IL*1*SMITHSON*JANE*T***MI*JS00111223333~N3*236 N MAIN ST~N4*MIAMI*FL*33413~ ?") == {
        ("PERSON", "SMITHSON"),
        ("PERSON", "JANE"),
        ("PERSON", "T"),
        ("INSURANCE_ID", "JS00111223333"),
        ("ADDRESS", "236 N MAIN ST"),
        ("PLACE", "MIAMI"),
        ("ADDRESS", "33413"),
    }


@pytest.mark.parametrize(
    "text", ["**bold** and *italic*\n* item\n* item", "y = N1*N2*N3", "ISA is a standard", "a*b*c~"]
)
def test_stars_alone_are_no_claim(found, text):
    """Markdown, arithmetic and talk about the format."""
    assert found(text) == set()
