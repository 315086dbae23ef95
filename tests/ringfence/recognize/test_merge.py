"""Overlaps."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.merge import merge
from ringfence.recognize.reserved import NEVER_REPLACED
from ringfence.recognize.span import Span

spans = st.lists(
    st.builds(
        lambda start, length, entity, score: Span(start, start + length, entity, score, "r"),
        st.integers(0, 40),
        st.integers(1, 12),
        st.sampled_from(sorted(ENTITIES)),
        st.sampled_from([0.4, 0.9]),
    )
)


@given(spans, st.randoms(use_true_random=False))
def test_merged_spans_cover_exactly_what_was_found(found, rng):
    """Sorted, apart, covering the same characters, whatever the order; merging again changes nothing."""
    merged = merge(found)
    assert all(left.end <= right.start for left, right in pairwise(merged))
    covered = {place for span in found for place in range(span.start, span.end)}
    assert {place for span in merged for place in range(span.start, span.end)} == covered
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert merge(shuffled) == merged
    assert merge(merged) == merged


@given(spans)
def test_what_is_never_replaced_is_never_merged_away(found):
    """Where a secret, or what nobody can read, lies in a cluster, no surrogate stands for the cluster."""
    merged = merge(found)
    for span in found:
        if span.entity_type in NEVER_REPLACED:
            (there,) = [one for one in merged if one.start <= span.start and span.end <= one.end]
            assert there.entity_type in {"SECRET", span.entity_type}


def test_an_iban_outranks_the_card_number_in_it():
    """One IBAN in ten holds a part that passes for a card."""
    iban, card = Span(0, 27, "IBAN", 0.99, "a"), Span(5, 24, "PAN", 0.98, "b")
    assert merge([card, iban]) == [iban]
    assert random.Random(1).choice(merge([iban, card])) == iban


@pytest.mark.parametrize("chance", sorted(ENTITIES.keys() - NEVER_REPLACED))
def test_what_cannot_be_read_stays_so_whatever_stands_in_it_by_chance(chance):
    """A picture in base64 holds an IBAN now and then, and must not leave as one."""
    (merged,) = merge([Span(0, 900, "OPAQUE", 0.9, "opaque:base64"), Span(5, 32, chance, 0.99, "pattern:x")])
    assert (merged.start, merged.end, merged.entity_type) == (0, 900, "OPAQUE")
