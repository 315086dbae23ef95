"""The formula stands in docs/egress-log.md; auditors compute it themselves."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.commitment import commitment


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_it_is_the_documented_digest(salt, body):
    assert commitment(salt, body) == hashlib.sha256(b"ringfence payload v1\n" + salt + body).hexdigest()


@given(st.binary(max_size=80).filter(lambda salt: len(salt) != 32))
def test_a_salt_of_another_length_is_a_defect(salt):
    """Else salt and body could be divided elsewhere and give the same digest."""
    with pytest.raises(AssertionError):
        commitment(salt, b"")
