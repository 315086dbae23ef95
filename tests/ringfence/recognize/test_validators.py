"""Check digits, on published examples and on made ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize import validators

digits = st.text("0123456789", min_size=1, max_size=24)


@pytest.mark.parametrize(
    "iban", ["GB29NWBK60161331926819", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947"]
)
def test_published_ibans_pass(iban):
    """Examples of the IBAN registry."""
    assert validators.is_iban(iban)
    assert not validators.is_iban(iban[:-1] + ("0" if iban[-1] != "0" else "1"))
    assert not validators.is_iban(iban[:-1])


def test_the_published_npi_passes():
    """CMS's own example, 1234567893."""
    assert validators.is_npi("1234567893")
    assert not validators.is_npi("1234567894")
    assert not validators.is_npi("123456789")


@given(digits)
def test_a_made_luhn_digit_passes_and_every_other_fails(number):
    """Exactly one last digit is right."""
    right = validators.luhn_digit(number)
    assert [d for d in "0123456789" if validators.is_luhn(number + d)] == [right]


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=11, max_size=30), st.sampled_from(["XX", "ZZ"]))
def test_made_ibans_pass(national, country):
    """Ours carry a country that no bank has."""
    assert validators.is_iban(country + validators.iban_check_digits(country, national) + national)


@given(st.text())
def test_validators_never_raise(text):
    """Any text is only wrong."""
    for check in (validators.is_luhn, validators.is_iban, validators.is_npi, validators.is_isbn13):
        assert check(text) in (True, False)


@pytest.mark.parametrize(
    ("number", "issuable"),
    [("524716038", True), ("666716038", False), ("000716038", False), ("924716038", False), ("524006038", False)],
)
def test_ssn_areas(number, issuable):
    """Areas 000, 666 and 9xx, and group 00, are never issued."""
    assert validators.is_issuable_ssn(number) == issuable
