"""ISO 20022: parties, their accounts and what they write to each other."""

import pytest

from fakes import payloads

CODES = ("1250.50", "EUR", "TRF", "RENT", "CLBD", "DBIT", "NOTPROVIDED", "1", "CCPT", "99.10", "500.00")


def test_a_credit_transfer_gives_up_every_identifier_and_no_code(found):
    """Names by kind of party, addresses, accounts, banks, dates, references; no amounts, currencies, purposes."""
    seen = found(payloads.PAIN001)
    assert seen >= payloads.PAIN001_FOUND
    assert {text for _, text in seen}.isdisjoint(CODES)


def test_prefixes_do_not_matter_and_identifications_tell_companies(found):
    """An OrgId makes a name an organisation's."""
    seen = found(payloads.PACS008)
    assert {
        ("PERSON", "Lucia Marchetti"),
        ("ORGANISATION", "Acme Tools"),
        ("ID", "529900T8BM49AURSDO55"),
        ("CASE_ID", "8a562c67-ca16-48ba-b074-65581be6f001"),
        ("CASE_ID", "E2E-44"),
        ("DATE", "2024-05-06"),
    } <= seen
    assert {text for _, text in seen}.isdisjoint(CODES)


def test_a_statement_gives_up_owner_and_counterparty(found):
    """Accounts, owners, references of entries."""
    seen = found(payloads.CAMT053)
    assert {
        ("PERSON", "Amelie Garnier"),
        ("PERSON", "Paul Renard"),
        ("IBAN", "FR7630006000011234567890189"),
        ("CASE_ID", "RF18539007547034"),
        ("CASE_ID", "REF-100-200"),
        ("DATE", "2024-06-28"),
    } <= seen
    assert {text for _, text in seen}.isdisjoint(CODES)


@pytest.mark.parametrize("frame", ["{}", "Why was this rejected? {} Thanks", "```xml\n{}\n```"])
def test_a_message_is_found_whatever_stands_around_it(found, frame):
    """In prose, in a fence."""
    assert found(frame.format(payloads.PAIN001)) >= payloads.PAIN001_FOUND


def test_a_message_that_is_cut_off_or_wrong_is_read_so_far(found):
    """Elements without an end, ends without a beginning, a document type with entities: none of it stops us."""
    text = payloads.PAIN001.replace(
        "<Document", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]></b><c><Document'
    )
    half = text[: text.index("<CdtrAgt>")]
    assert {("PERSON", "J&#246;rg Feldhaus"), ("IBAN", "DE89370400440532013000")} <= found(half)


@pytest.mark.parametrize("text", ["<p>Nm</p><Nm>Smith</Nm>", "a < b and <Dbtr", "<html><body>Dbtr</body></html>"])
def test_other_markup_is_left_alone(found, text):
    """HTML, comparisons."""
    assert found(text) == set()
