"""Who begins like a new prompt."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.llama.prefixes import Prefixes, common

tokens = st.lists(st.integers(0, 2), max_size=12).map(lambda values: np.array(values, np.int32))
groups = st.sampled_from(((b"a", ""), (b"b", ""), (b"a", "adapter")))
entries = st.lists(st.tuples(groups, tokens, st.integers(0, 12)), max_size=12)


def brute(one, other):
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


@given(entries, groups, tokens, st.booleans())
def test_what_is_found_is_a_common_beginning_of_the_same_group_and_the_longest(entries, group, prompt, is_readable):
    prefixes = Prefixes()
    for owner, (one, held, readable) in enumerate(entries):
        prefixes.put(owner, one, held, min(readable, len(held)))
    owner, shared = prefixes.longest(group, prompt, is_readable=is_readable)
    lengths = [
        min(brute(held, prompt), readable if is_readable else 99) for one, held, readable in entries if one == group
    ]
    assert shared == max(lengths, default=0)
    if shared:
        found_group, held, _ = entries[owner]
        assert found_group == group
        assert list(held[:shared]) == list(prompt[:shared])
    else:
        assert owner == -1


@given(entries, st.sets(st.integers(0, 11)))
def test_what_is_dropped_is_found_no_more(entries, dropped):
    prefixes = Prefixes()
    for owner, (group, held, _) in enumerate(entries):
        prefixes.put(owner, group, held, len(held))
    for owner in dropped:
        prefixes.drop(owner)
    for group, held, _ in entries:
        assert prefixes.longest(group, held)[0] not in dropped
    for owner in range(len(entries)):
        prefixes.drop(owner)
    assert not prefixes._groups


@given(entries)
def test_a_sequence_covers_those_whose_tokens_it_begins_with(entries):
    prefixes = Prefixes()
    for owner, (group, held, _) in enumerate(entries):
        prefixes.put(owner, group, held, len(held))
    for owner, (group, held, _) in enumerate(entries):
        expected = [
            other
            for other, (one, tokens, _) in enumerate(entries)
            if other != owner and one == group and brute(tokens, held) == len(tokens)
        ]
        assert prefixes.covered_by(owner) == expected


def test_more_of_a_sequence_can_be_read_as_it_advances():
    prefixes = Prefixes()
    held = np.arange(10, dtype=np.int32)
    prefixes.put(3, "g", held, 0)
    assert prefixes.longest("g", held) == (-1, 0)
    assert prefixes.longest("g", held, is_readable=False) == (3, 10)
    prefixes.advance(3, 4)
    prefixes.advance(4, 4)
    assert prefixes.longest("g", held) == (3, 4)
    prefixes.advance(3, 40)
    assert prefixes.longest("g", held) == (3, 10)


@given(tokens, tokens)
def test_common_counts_the_beginning(one, other):
    most = min(len(one), len(other))
    assert common(one[:most], other[:most]) == brute(one, other)
