"""What is found in a view is told where the caller's own text has it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize import Finding
from ringfence.recognize.place import Place
from ringfenced.classify.leaves import document_leaves
from ringfenced.classify.places import distinct, originals
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
    (located,) = originals([Located(leaf.path, finding(start, end))], leaf.places)
    assert located.path == "json"
    mapped = raw[located.finding.start : located.finding.end]
    assert json.loads(f'"{mapped}"') == text[start:end]


def test_a_finding_over_two_stretches_is_told_in_both():
    places = (Place("a", 0, 4, 10), Place("b", 4, 8, 0))
    told = list(originals([Located("view", finding(2, 6))], places))
    assert told == [Located("a", finding(12, 14)), Located("b", finding(0, 2))]


def test_what_does_not_overlap_is_left_alone():
    found = (Located("a", finding(0, 5)), Located("a", finding(5, 9, "SSN")), Located("b", finding(0, 5)))
    assert distinct(found) == found


def test_what_overlaps_in_one_leaf_is_one_of_the_stronger_type():
    seen = distinct([Located("a", finding(0, 5)), Located("a", finding(2, 9, "SSN")), Located("b", finding(0, 5))])
    assert seen == (Located("a", finding(0, 9, "SSN")), Located("b", finding(0, 5)))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 6)), max_size=8))
def test_distinct_findings_cover_what_was_found_and_do_not_overlap(spans):
    found = [Located(path, finding(start, start + length)) for path, start, length in spans]

    def covered(located):
        return {(one.path, at) for one in located for at in range(one.finding.start, one.finding.end)}

    made = distinct(found)
    assert covered(made) == covered(found)
    assert len(covered(made)) == sum(one.finding.end - one.finding.start for one in made)
