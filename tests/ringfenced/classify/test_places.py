"""What is found in a view is told where the caller's own text has it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize import Finding
from ringfenced.classify.leaves import document_leaves
from ringfenced.classify.places import Place, distinct, originals
from ringfenced.model import Located


def finding(start, end, name="PERSON", score=0.9):
    return Finding(start, end, name, score, "t")


@given(st.text(min_size=1, max_size=30), st.booleans(), st.data())
def test_a_span_of_a_json_string_maps_to_the_characters_that_write_it(text, ascii_only, data):
    """Whatever is escaped, also in pairs: the mapped span, unescaped, is the span."""
    raw = json.dumps([text], ensure_ascii=ascii_only)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    _, leaf = document_leaves("json", raw)
    (located,) = originals(finding(start, end), leaf.path, leaf.places)
    assert located.path == "json"
    mapped = raw[located.finding.start : located.finding.end]
    assert json.loads(f'"{mapped}"') == text[start:end]


def test_a_finding_over_two_stretches_is_told_in_both():
    places = (Place("a", 0, 4, 10), Place("b", 4, 8, 0))
    told = list(originals(finding(2, 6), "view", places))
    assert told == [Located("a", finding(12, 14)), Located("b", finding(0, 2))]


def test_a_finding_in_no_view_is_told_where_it_is():
    assert list(originals(finding(2, 6), "messages[0].name", ())) == [Located("messages[0].name", finding(2, 6))]


def test_what_overlaps_in_one_leaf_is_one_of_the_stronger_type():
    seen = distinct([Located("a", finding(0, 5)), Located("a", finding(2, 9, "SSN")), Located("b", finding(0, 5))])
    assert seen == (Located("a", finding(0, 9, "SSN")), Located("b", finding(0, 5)))


def test_a_type_that_nobody_knows_is_kept():
    seen = distinct([Located("a", finding(0, 5, "NEW")), Located("a", finding(0, 5))])
    assert {located.finding.entity_type for located in seen} == {"NEW", "PERSON"}
