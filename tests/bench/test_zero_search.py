"""The search finds a planted canary in every encoding, says whose it is, and finds nothing where nothing is."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_parts import summary
from zero_parts.campaign import Leak, Outcome, scenes
from zero_parts.canaries import canary
from zero_parts.encodings import ENCODINGS
from zero_parts.places import PLACES
from zero_parts.plants import plant
from zero_parts.search import NAMES, Search, whose
from zero_parts.tracing import Tracing, why_not

STEM = "bökévizolane"
SEARCH = Search(STEM)


def octal(text):
    """As protobuf's text format has a string, in a line of JSON."""
    return json.dumps("".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in text.encode()))


CANARIES = [canary(STEM, f"scene {number}", "utf-8", Random(number)) for number in range(20)]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.name)
@settings(max_examples=15)
@given(one=st.sampled_from(CANARIES), before=st.binary(max_size=100), after=st.binary(max_size=100))
def test_a_planted_canary_is_found_and_told_apart(encoding, one, before, after):
    """In any bytes: as what it was written, and whose."""
    hits = SEARCH.look(before + encoding.write(f"said {one.word}, ") + after)
    assert encoding.name in {hit.encoding for hit in hits}
    assert {whose(hit, CANARIES) for hit in hits} == {one}


@given(st.binary(max_size=2000))
def test_nothing_is_found_where_nothing_is(data):
    """In random bytes, compressed or not."""
    assert SEARCH.look(data) == []
    assert SEARCH.look(gzip.compress(data)) == []


def test_streams_in_streams_are_undone():
    """Three deep."""
    data = CANARIES[3].word.encode()
    for _ in range(3):
        data = gzip.compress(b"x" + data)
    assert {hit.encoding for hit in SEARCH.look(data)} == {"compressed"}


@pytest.mark.parametrize("escape", [ascii, json.dumps, lambda text: repr(text.encode()), octal])
@given(one=st.sampled_from(CANARIES), depth=st.integers(0, 3))
@settings(max_examples=15)
def test_escapes_of_escapes_are_found(escape, one, depth):
    """A request's repr in a log's JSON, in JSON: found by the letters that no escape changes, and whose it is."""
    said = f"Patient: {one.given} {one.family}, {one.word}"
    for _ in range(depth + 1):
        said = escape(said)
    assert {whose(hit, CANARIES) for hit in SEARCH.look(said.encode())} == {one}


def test_a_stem_without_its_rest_is_nobodys():
    """It is a hit all the same."""
    hits = SEARCH.look(STEM.encode())
    assert hits
    assert {whose(hit, CANARIES) for hit in hits} == {None}


def test_every_scene_has_a_name_of_its_own():
    """So that a hit says where it comes from."""
    names = Counter(scene.name for scene in scenes())
    assert set(names.values()) == {1}
    assert len(names) > 80


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "it works")
def test_what_is_planted_in_each_place_is_found():
    """In every encoding that can stand there; cores where this machine leaves them beside their process."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    try:
        before = frozenset(map(str, Path("/dev/shm").rglob("*")))
        found = plant(Tracing(folder), STEM, Random(1), before)
    finally:
        shutil.rmtree(folder)
    assert {*found, "core files"} == set(PLACES)
    assert [(place, name) for place, several in found.items() for name, was in several.items() if not was] == []


def outcome(**changes):
    """One that holds, but for the changes."""
    made = Outcome(between=1, planted={"logs": dict.fromkeys(NAMES, True)})
    made.ends["local: answered"] = Counter(answered=14)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    "changes",
    [
        {"leaks": [Leak("logs", "daemon.log", "hex", "local: answered")]},
        {"unplayed": ["local: answered: ended with internal"]},
        {"unseen": Counter({"sendfile": 1})},
        {"between": 0},
        {"planted": {"logs": {"utf-8": False}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_run_holds_only_if_everything_does(changes):
    """A hit, a scene that was not played, bytes unseen, a blind search: each alone fails it."""
    assert outcome().holds
    assert not outcome(**changes).holds


def test_a_hit_stands_in_every_table_and_among_the_problems():
    """By scene, by place, by encoding."""
    made = outcome(leaks=[Leak("logs", "daemon.log", "hex", "local: answered")])
    told = summary.markdown({"date": "today"}, made)
    assert "| local: answered | 14 | answered 14 | 1 |" in told
    assert "| hex | 1 | 1 of 1 |" in told
    assert summary.problems(made) == ["hex in logs, daemon.log: of local: answered"]
    assert summary.record({}, made)["hits_told"][0]["encoding"] == "hex"
    assert [table.row_count for table in summary.shown(made)] == [1, len(PLACES), len(NAMES)]
