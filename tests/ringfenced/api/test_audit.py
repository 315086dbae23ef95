"""What an auditor's search asks of the agent's log."""

import pytest

from ringfence.labels import Level
from ringfence.v1 import audit_pb2 as pb
from ringfence.v1.types_pb2 import LEVEL_CONFIDENTIAL
from ringfenced.api.audit import ENTRIES_DEFAULT_MAX, _query
from ringfenced.errors import InvalidRequest
from ringfenced.model import EntryQuery


def asked(**fields):
    return _query(pb.SearchEntriesRequest(**fields), lambda identity: f"pseudonym of {identity}")


def test_an_identity_becomes_the_pseudonym_that_the_log_knows():
    assert asked(caller="spiffe://x/y").caller_pseudonym == "pseudonym of spiffe://x/y"
    assert asked(caller_pseudonym="c-1").caller_pseudonym == "c-1"
    assert asked().caller_pseudonym == ""


def test_every_condition_is_passed_on():
    query = asked(level_min=LEVEL_CONFIDENTIAL, kind="refusal", model="gpt", department="ward", entries_max=5)
    assert query == EntryQuery(
        level_min=Level.CONFIDENTIAL, kind="refusal", model="gpt", department="ward", entries_max=5
    )
    assert asked() == EntryQuery(entries_max=ENTRIES_DEFAULT_MAX)


@pytest.mark.parametrize("fields", [{"caller": "a", "caller_pseudonym": "b"}, {"level_min": 9}])
def test_a_search_that_makes_no_sense_is_refused(fields):
    with pytest.raises(InvalidRequest):
        asked(**fields)
