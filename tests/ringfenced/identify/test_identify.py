"""Step 1 knows its callers and refuses everyone else."""

from __future__ import annotations

import pytest

from ringfence.labels import Label
from ringfenced.errors import PermissionDenied, Unauthenticated
from ringfenced.identify import demand, identify, pseudonym
from ringfenced.model import Caller, CallerRole

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())


def test_a_known_identity_is_its_caller():
    assert identify(WARD.identity, {WARD.identity: WARD}) is WARD


@pytest.mark.parametrize(("identity", "reason"), [(None, "identity_missing"), ("spiffe://site/x", "identity_unknown")])
def test_the_unknown_are_refused(identity, reason):
    with pytest.raises(Unauthenticated) as caught:
        identify(identity, {WARD.identity: WARD})
    assert (caught.value.reason, caught.value.step) == (reason, 1)


def test_a_missing_role_is_named():
    demand(WARD, CallerRole.CALLER, CallerRole.OPERATOR)
    with pytest.raises(PermissionDenied, match="auditor"):
        demand(WARD, CallerRole.AUDITOR)


def test_a_pseudonym_is_the_key_s_alone_and_tells_nothing():
    one, other = pseudonym(b"k" * 32, "spiffe://site/ward"), pseudonym(b"l" * 32, "spiffe://site/ward")
    assert one == pseudonym(b"k" * 32, "spiffe://site/ward")
    assert one not in {other, pseudonym(b"k" * 32, "spiffe://site/lab")}
    assert len(one) == 32
    assert "ward" not in one
