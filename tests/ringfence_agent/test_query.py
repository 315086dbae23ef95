"""Which entries a search of the log gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Level
from ringfence_agent.entry import canonical
from ringfence_agent.query import NAMES, Query, first_since

BASE = {
    "v": 1,
    "seq": 3,
    "time_unix_ms": 1000,
    "kind": "intent",
    "caller": "p-1",
    "department": "ward",
    "provider": "cloud",
    "model": "gpt",
    "request_id": "r-1",
    "label": {"level": "CONFIDENTIAL", "categories": ["PHI"]},
}


def wanted(query, **changes):
    return query.filter()(canonical({**BASE, **changes}))


@pytest.mark.parametrize("name", NAMES)
def test_a_named_value_matches_exactly(name):
    query = Query(named={name: BASE[name]})
    assert wanted(query)
    assert not wanted(query, **{name: BASE[name] + "x"})
    record = {key: value for key, value in BASE.items() if key != name}
    assert not query.filter()(canonical(record))


def test_a_value_that_stands_elsewhere_in_the_entry_does_not_match():
    """The search for bytes alone would find it."""
    assert not wanted(Query(named={"caller": "p-1"}), caller="p-2", nested={"caller": "p-1"})


def test_every_condition_must_hold():
    query = Query(named={"department": "ward", "provider": "cloud"}, level_min=Level.INTERNAL)
    assert wanted(query)
    assert not wanted(query, provider="other")
    assert not wanted(query, label={"level": "PUBLIC", "categories": []})


@pytest.mark.parametrize("level", Level)
def test_a_level_matches_itself_and_those_below_what_the_entry_bears(level):
    assert wanted(Query(level_min=level)) == (level <= Level.CONFIDENTIAL)


@pytest.mark.parametrize("label", [None, "CONFIDENTIAL", {}, {"level": 3}, {"level": "SECRET"}])
def test_what_bears_no_label_matches_no_level(label):
    assert not wanted(Query(level_min=Level.PUBLIC), label=label)


def test_time_bounds_are_from_and_before():
    assert wanted(Query(since_unix_ms=1000, until_unix_ms=1001))
    assert not wanted(Query(since_unix_ms=1001))
    assert not wanted(Query(until_unix_ms=1000))


def test_a_search_is_over_where_times_have_passed_its_bound():
    entry = canonical(BASE)
    assert not Query().over(entry)
    assert not Query(until_unix_ms=1001).over(entry)
    assert Query(until_unix_ms=1000).over(entry)


@given(value=st.text(st.characters(exclude_categories=["Cs"])), other=st.text(st.characters(exclude_categories=["Cs"])))
def test_the_search_for_bytes_misses_nothing_that_parsing_finds(value, other):
    entry = canonical({**BASE, "department": other, "a": value, "z": {"department": value}})
    assert Query(named={"department": value}).filter()(entry) == (json.loads(entry)["department"] == value)


@given(times=st.lists(st.integers(0, 30), max_size=20).map(sorted), asked=st.integers(0, 31), low=st.integers(0, 20))
def test_the_first_entry_of_a_time_is_the_one_that_counting_finds(times, asked, low):
    entries = [canonical({**BASE, "time_unix_ms": time}) for time in times]
    low = min(low, len(times))
    counted = next((index for index in range(low, len(times)) if times[index] >= asked), len(times))
    assert first_since(entries.__getitem__, low, len(times), asked) == counted
