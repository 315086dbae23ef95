"""Our own validators agree with python-stdnum where it has one, and with the issuers' published examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imei
from stdnum.us import rtn

from ringfence.recognize import national, validators

digits9 = st.text("0123456789", min_size=9, max_size=9)


@given(digits9)
def test_a_routing_number_that_we_accept_is_one_for_stdnum(number):
    """The weights are the same; we ask for a district's prefix too."""
    if validators.is_routing(number):
        assert rtn.is_valid(number)


@given(st.text("0123456789", min_size=15, max_size=15))
def test_an_imei_that_we_accept_is_one_for_stdnum(number):
    """Luhn over fifteen digits; we ask for a body that issues them too."""
    if validators.is_imei(number):
        assert imei.is_valid(number)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (validators.is_routing, "021000021", "021000022"),  # ABA's example of the Federal Reserve Bank of New York
        (validators.is_dea, "AB1234563", "AB1234564"),
        (validators.is_vin, "1M8GDM9AXKP042788", "1M8GDM9AXKP042789"),  # 49 CFR 565's worked example
        (validators.is_vin, "11111111111111111", "1111111111111111O"),
        (validators.is_nhs, "9434765919", "9434765918"),  # NHS Data Dictionary
        (validators.is_mbi, "1EG4TE5MK73", "1EG4TE5MK7S"),  # CMS's specimen
        (validators.is_imei, "490154203237518", "490154203237519"),  # 3GPP TS 23.003, annex B
        (validators.is_bic, "DEUTDEFF500", "DEUTQQFF500"),
    ],
)
def test_published_examples_pass_and_their_neighbours_fail(check, good, bad):
    """One character decides."""
    assert check(good)
    assert not check(bad)


SPECIMENS = {
    "us-itin": ("912901456", "912001456"),
    "gb-nhs": ("9434765919", "9434765918"),
    "gb-nino": ("AB123456C", "BG123456C"),
    "es-dni": ("12345678Z", "12345678A"),
    "es-nie": ("X1234567L", "X1234567A"),
    "es-cif": ("A13585625", "A13585626"),
    "es-social": ("281234567840", "281234567841"),
    "fr-nir": ("255081416802538", "255081416802539"),
    "fr-siret": ("73282932000074", "73282932000075"),
    "de-idnr": ("36574261809", "36574261808"),
    "de-kvnr": ("A123456780", "A123456781"),
    "de-rvnr": ("15070649C103", "15070649C104"),
    "de-vat": ("DE136695976", "DE136695977"),
    "fr-vat": ("FR40303265045", "FR41303265045"),
}


@pytest.mark.parametrize("name", sorted(SPECIMENS))
def test_a_national_number_needs_its_check(name):
    """A published or computed specimen passes, its neighbour does not."""
    kind = next(kind for kind in national.NATIONALS if kind.name == name)
    good, bad = SPECIMENS[name]
    assert kind.is_valid(good)
    assert not kind.is_valid(bad)


@given(st.text(max_size=20))
def test_validators_never_raise(text):
    """Any text is only wrong."""
    checks = (
        validators.is_routing,
        validators.is_dea,
        validators.is_vin,
        validators.is_nhs,
        validators.is_mbi,
        validators.is_imei,
        validators.is_bic,
    )
    for check in checks:
        assert check(text) in (True, False)
