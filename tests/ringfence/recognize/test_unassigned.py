"""Numbers that pass their checks and are nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize import is_reserved
from ringfence.recognize.unassigned import SCHEMES, draw, is_unassigned, scheme_of

REAL = {
    "943-476-5919": "NHS",
    "12345678Z": "DNI",
    "x-1234567-l": "DNI",
    "1EG4-TE5-MK73": "MBI",
    "86095742719": "Steuer-ID",
    "AB 12 34 56 C": "NINO",
    "1HGCM82633A004352": "VIN",
    "021000021": "ABA",
    "12-3456789": "EIN",
    "F91234563": "DEA",
    "490154203237518": "IMEI",
    "2 69 05 49 588 157 80": "NIR",
}
"""Published examples, and the scheme that each is written in."""


@pytest.mark.parametrize(("text", "name"), REAL.items())
def test_published_examples_are_told_and_are_not_unassigned(text, name):
    scheme = scheme_of(text)
    assert scheme is not None
    assert scheme.name == name
    assert not is_unassigned(text)


@pytest.mark.parametrize("text", REAL)
@given(number=st.integers(0, 2**256))
def test_what_is_drawn_is_valid_unassigned_and_written_alike(text, number):
    """Same length, separators and case; right check digits; unassigned; the agent takes it for reserved."""
    made = draw(scheme_of(text), text, number)
    marks = [[char.isalnum() or char for char in written] for written in (made, text)]
    assert marks[0] == marks[1]
    assert made.islower() == text.islower()
    assert is_unassigned(made)
    assert is_reserved("TAX_ID", made)


@given(st.text())
def test_asking_never_raises(text):
    assert is_unassigned(text) in (True, False)


@given(st.from_regex(r"[0-9A-Z]{8,17}", fullmatch=True))
def test_chance_hardly_ever_is_unassigned(text):
    """No plain rule of a scheme lets every number through."""
    assert not is_unassigned(text) or any(scheme.free.fullmatch(text) for scheme in SCHEMES)
