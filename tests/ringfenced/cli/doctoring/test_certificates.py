"""Certificates: their end is told in time, and a pair that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.doctoring.certificates import CertificateFacts, judge
from ringfenced.cli.doctoring.finding import State

DAY_S = 86_400
NOW = 1_800_000_000.0


def one(starts=-30.0, ends=300.0, **more):
    """The finding of one certificate; times in days from now."""
    return judge([CertificateFacts("tls.cert", "a.pem", "", NOW + starts * DAY_S, NOW + ends * DAY_S, **more)], NOW)[0]


@pytest.mark.parametrize(
    ("found", "state", "told"),
    [
        (one(), State.OK, "ends in 300 days"),
        (one(is_key_fitting=True), State.OK, "ends in 300 days"),
        (one(starts=-300, ends=13), State.WARNING, "ends in 13 days"),
        (one(starts=-0.02, ends=0.04), State.OK, "ends in 1.0 hours"),
        (one(starts=-0.06, ends=0.01), State.WARNING, "ends in 0.2 hours"),
        (one(ends=-3), State.ERROR, "ended 3 days ago"),
        (one(starts=3), State.ERROR, "begins only in 3 days"),
        (one(is_key_fitting=False), State.ERROR, "another certificate's"),
    ],
)
def test_what_is_told(found, state, told):
    assert found.state is state
    assert told in found.told
    assert bool(found.advice) == (state is not State.OK)


def test_a_file_that_cannot_be_read_is_no_proof():
    found = judge([CertificateFacts("tls.ca", "ca.pem", "Permission denied")], NOW)[0]
    assert (found.state, found.told) == (State.WARNING, "ca.pem: Permission denied")


@given(st.integers(-(10**9), 10**9), st.integers(0, 10**9), st.sampled_from([None, True, False]))
def test_one_that_has_ended_or_fits_no_key_is_never_well(starts, length, fits):
    facts = CertificateFacts("tls.cert", "a.pem", "", NOW + starts, NOW + starts + length, fits)
    holds = starts <= 0 < starts + length and fits is not False
    assert (judge([facts], NOW)[0].state is State.ERROR) == (not holds)
