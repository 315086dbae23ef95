"""The log's newest checkpoint, and what was witnessed."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.translog import Checkpoint, sign_checkpoint
from ringfenced.cli.doctoring.egresslog import LogFacts, judge
from ringfenced.cli.doctoring.finding import State

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
ORIGIN = "site.example/egress"


def signed(size, key=KEY):
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), key)


WELL = LogFacts(ORIGIN, KEY.public_key(), signed(7), signed(7), "", 2)


@pytest.mark.parametrize(
    ("changes", "states"),
    [
        ({}, [State.OK, State.OK]),
        ({"witnessed": signed(5)}, [State.OK, State.OK]),
        ({"witnessed": None}, [State.OK, State.WARNING]),
        ({"witnessed": signed(8)}, [State.OK, State.ERROR]),
        ({"witnessed": signed(5, OTHER)}, [State.OK, State.ERROR]),
        ({"checkpoint": signed(7, OTHER)}, [State.ERROR]),
        ({"checkpoint": "site.example/egress\n7\n"}, [State.ERROR]),
        ({"checkpoint": None}, [State.WARNING]),
        ({"key": None}, [State.WARNING]),
        ({"unseen": "/var/lib/ringfenced/witnessed.checkpoint.condemned: Input/output error"}, [State.WARNING]),
        ({"condemned": "/var/lib/ringfenced/witnessed.checkpoint.condemned"}, [State.ERROR]),
    ],
)
def test_how_it_stands(changes, states):
    assert [each.state for each in judge(replace(WELL, **changes))] == states


def test_other_witnesses_are_counted():
    assert "2 others" in judge(WELL)[1].told
