"""A caller's media type becomes a name that everybody uses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.api.media import _KNOWN, UNKNOWN, media_type_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("text/plain", "text/plain"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("text/x-mrn-483920; patient=Quillon", "text/plain"),
        ("application/fhir+json", "application/json"),
        ("application/cda+xml", "application/xml"),
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("image/jane-doe", UNKNOWN),
        ("", ""),
    ],
)
def test_parameters_and_made_up_names_are_dropped(written, read):
    """What is known stays, so that files of it are read as before."""
    assert media_type_of(written) == read


@given(st.text())
def test_nothing_that_a_caller_made_up_comes_through(written):
    """Whatever is written, the answer is in the table, or empty."""
    assert media_type_of(written) in {*_KNOWN, UNKNOWN, ""}
    assert media_type_of(media_type_of(written)) == media_type_of(written)
