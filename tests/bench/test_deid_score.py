"""The scorer: strict, bounded, and more findings never lower recall."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_parts.score import Gold, Row, Tally, length, overlap, score, union, without

TEXT = "Ann Lee was seen in Reno on 3 May."
ANN, RENO, DATE = Gold(0, 7, "NAME", "PERSON"), Gold(20, 24, "CITY", "LOC"), Gold(28, 33, "DATE", "DATE")
ROW = Row(TEXT, "en", (ANN, RENO, DATE))

PLACES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


@st.composite
def rows(draw):
    text = draw(st.text(st.sampled_from("ab \n"), max_size=50))
    spans = draw(PLACES)
    gold = [Gold(start, end, "L", "ID") for start, end in spans if 0 <= start < end <= len(text)]
    optional = [(start, end) for start, end in draw(PLACES) if start < end <= len(text)]
    return Row(text, "en", tuple(gold), tuple(optional))


def test_a_name_found_in_part_is_touched_and_not_covered():
    tally = score(ROW, [(0, 3), (20, 24)])
    assert (tally.recall, tally.recall_any) == (1 / 3, 2 / 3)
    assert tally.recall_chars == 7 / 16
    assert (tally.precision, tally.leaking, tally.missed) == (1.0, 1, 0)


def test_two_findings_that_meet_cover_a_name_together():
    assert score(ROW, [(0, 4), (4, 7)]).covered[("NAME", "PERSON")] == 1


def test_a_space_left_out_between_two_words_uncovers_the_name():
    assert score(ROW, [(0, 3), (4, 7)]).covered[("NAME", "PERSON")] == 0


def test_white_space_at_the_ends_of_an_entity_is_forgiven_and_nothing_else():
    row = Row(" Ann, ", "en", (Gold(0, 6, "NAME", "PERSON"),))
    assert score(row, [(1, 5)]).recall == 1.0
    assert score(row, [(1, 4)]).recall == 0.0


def test_a_finding_of_any_type_counts():
    assert score(ROW, [(0, 34)]).recall == 1.0


def test_characters_that_belong_to_nobody_lower_precision():
    assert score(ROW, [(20, 34)]).precision == 9 / 14


def test_a_document_with_entities_is_missed_only_if_nothing_is_found():
    assert score(ROW, []).documents_missed == 1.0
    assert score(ROW, [(8, 11)]).documents_missed == 0.0


def test_a_document_without_entities_is_a_false_alarm_if_anything_is_found():
    clean = Row(TEXT, "en", ())
    assert score(clean, []).false_alarms == 0.0
    assert score(clean, [(8, 11)]).false_alarms == 1.0
    assert score(clean, [(8, 11)]).documents_missed is None


def test_what_is_optional_is_neither_right_nor_wrong():
    row = Row(TEXT, "en", (RENO,), ((8, 11),))
    tally = score(row, [(8, 11), (20, 24)])
    assert (tally.precision, tally.recall) == (1.0, 1.0)
    assert score(Row(TEXT, "en", (), ((8, 11),)), [(8, 11)]).false_alarms == 0.0
    assert score(row, [(8, 11)]).missed == 1


def test_an_entity_inside_of_an_optional_span_is_asked_for():
    row = Row(TEXT, "en", (RENO,), ((0, 34),))
    assert score(row, [(20, 24)]).precision == 1.0
    assert score(row, []).missed == 1


def test_a_finding_left_aside_covers_entities_and_is_wrong_nowhere():
    tally = score(ROW, [], aside=[(0, 7), (8, 11)])
    assert (tally.recall_any, tally.precision, tally.missed) == (1 / 3, 1.0, 0)
    assert score(Row(TEXT, "en", ()), [], aside=[(8, 11)]).alarms == 0


def test_recall_is_told_by_label_and_by_group():
    tally = score(ROW, [(0, 7)])
    assert tally.recall_of(label="NAME") == 1.0
    assert tally.recall_of(group="LOC") == 0.0
    assert tally.recall_of(group="ORG") is None


def test_tallies_add_up():
    whole = score(ROW, [(0, 7)]) + score(Row(TEXT, "en", ()), [(1, 2)])
    assert (whole.recall, whole.with_entities, whole.false_alarms) == (1 / 3, 1, 1.0)
    assert whole.precision == 7 / 8
    assert Tally() + whole == whole


@given(rows(), PLACES)
def test_every_share_lies_between_0_and_1_and_recall_is_ordered(row, predicted):
    tally = score(row, predicted)
    shares = (tally.recall, tally.recall_any, tally.recall_chars, tally.precision, tally.documents_missed,
              tally.documents_leaking, tally.false_alarms)  # fmt: skip
    assert all(value is None or 0 <= value <= 1 for value in shares)
    assert (tally.recall or 0) <= (tally.recall_any or 0)
    assert tally.with_entities + tally.without_entities == 1
    assert tally.covered <= tally.touched <= tally.entities


@given(rows(), PLACES, PLACES)
def test_more_findings_never_lower_recall_nor_raise_the_share_of_missed_documents(row, some, more):
    few, many = score(row, some), score(row, some + more)
    assert (few.recall or 0) <= (many.recall or 0)
    assert (few.recall_any or 0) <= (many.recall_any or 0)
    assert (few.recall_chars or 0) <= (many.recall_chars or 0)
    assert few.missed >= many.missed
    assert few.alarms <= many.alarms


@given(rows(), PLACES)
def test_the_order_of_findings_does_not_matter(row, predicted):
    assert score(row, predicted) == score(row, predicted[::-1])


@given(rows())
def test_who_finds_everything_misses_nothing_and_who_finds_the_entities_is_precise(row):
    assert score(row, [(0, len(row.text))]).recall in (1.0, None)
    exact = score(row, [(entity.start, entity.end) for entity in row.gold])
    assert exact.recall in (1.0, None)
    assert exact.leaking == exact.missed == 0


@pytest.mark.parametrize("combine", [overlap, without])
@given(left=PLACES, right=PLACES)
def test_interval_arithmetic_agrees_with_sets_of_characters(combine, left, right):
    first, second = union(left), union(right)
    expected = _chars(first) & _chars(second) if combine is overlap else _chars(first) - _chars(second)
    result = combine(first, second)
    assert _chars(result) == expected
    assert length(result) == len(expected)


@given(PLACES)
def test_a_union_is_sorted_and_its_parts_do_not_meet(intervals):
    merged = union(intervals)
    assert all(left[1] < right[0] for left, right in pairwise(merged))
    assert _chars(merged) == {place for start, end in intervals for place in range(start, end)}


def _chars(intervals):
    return {place for start, end in intervals for place in range(start, end)}
