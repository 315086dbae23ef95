"""The red team finds what is there, and a quick run of it finds nothing."""

import json
from random import Random

import pytest

from redteam_parts import campaign, contents, permits, search
from redteam_parts.canaries import KINDS, canary, words
from ringfence.v1 import egress_pb2

VALUES = {"SSN": "524-71-6038", "EMAIL": "john.smith@mailbox.org", "PERSON": "Laura Henderson"}


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_the_search_reads_what_a_reader_could(kind):
    """In almost every encoding; what it does not undo is named, and found as it is written (`search.verbatim`)."""
    unread = set()
    for family in contents.encodings(kind):
        if family.whole and kind == "PERSON":
            continue
        written = family.disguise(VALUES[kind], Random(1))
        if not search.arrived([written.encode("utf-8", "replace")], [VALUES[kind]]):
            unread.add(family.name)
    assert unread <= UNREAD


UNREAD = frozenset(
    {
        "Braille",
        "Lisu look-alikes",
        "Morse",
        "negative circles",
        "negative squares",
        "pairs of digits in English",
        "regional indicators",
        "small capitals",
        "spelling alphabet",
    }
)
"""Encodings that the search does not undo."""


def test_a_disguise_is_found_as_it_was_written():
    """In a body, and in a document in one."""
    inner = json.dumps({"note": "see \u2836\u2801"})
    body = json.dumps({"messages": [{"content": inner}]}).encode()
    assert search.verbatim([body], ["see \u2836\u2801", "see \u2836\u2802"]) == {"see \u2836\u2801"}


def test_what_did_not_arrive_is_not_found():
    body = b'{"messages":[{"role":"user","content":"What does a ward clerk do?"}]}'
    assert search.arrived([body], VALUES.values()) == set()


def test_the_log_is_searched_in_its_strings():
    log = b'{"department":"Laura Henderson","nonce_sha256":"00ff5247a160380"}\n'
    assert search.written(log, VALUES.values()) == {"Laura Henderson"}


def test_ways_are_the_same_for_the_same_seed_and_of_every_family():
    first, second = ([(way.family, way.name) for way in campaign.ways(300, 1, bool)] for _ in range(2))
    assert first == second
    assert len(first) > 300
    assert len({family for family, _ in first}) > 40


def test_a_bent_statement_is_still_a_message():
    """Otherwise all that is shown is that noise does not parse."""
    honest = egress_pb2.PermitStatement(department="ward", key_id="k").SerializeToString()
    bent = permits.inside(honest, 7, lambda body: body + b"x")
    assert egress_pb2.PermitStatement.FromString(bent).department == "wardx"
    assert permits.varint(5, spare=2) == b"\x85\x80\x00"


def test_canaries_are_of_every_kind_and_come_once():
    rng = Random(2)
    made = [canary(kind, rng).value for kind in KINDS if kind not in {"PERSON", "ADDRESS"} for _ in range(5)]
    made += [words(rng).value for _ in range(200)]
    assert len(set(made)) == len(made)


async def test_a_quick_run_lets_nothing_through():
    """A few ways of every kind against a real agent process; `make test-redteam` is the whole."""
    outcome = await campaign.run(60, 3, lambda _tried, _sent: None, quick=True)
    assert (outcome.leaks, outcome.faults) == (0, [])
    assert outcome.planted == outcome.planted_found > 0
    assert sum(found.ways for found in outcome.families.values()) > 60
    assert outcome.holds
