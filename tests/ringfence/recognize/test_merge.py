"""Overlaps."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.merge import merge
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
def test_a_secret_is_never_merged_away(found):
    """Where a secret lies in a cluster, the cluster is a secret: it is never replaced by a surrogate."""
    merged = merge(found)
    for span in found:
        if span.entity_type == "SECRET":
            assert any(m.start <= span.start and span.end <= m.end and m.entity_type == "SECRET" for m in merged)


def test_an_iban_outranks_the_card_number_in_it():
    """One IBAN in ten holds a part that passes for a card."""
    iban, card = Span(0, 27, "IBAN", 0.99, "a"), Span(5, 24, "PAN", 0.98, "b")
    assert merge([card, iban]) == [iban]
    assert random.Random(1).choice(merge([iban, card])) == iban
