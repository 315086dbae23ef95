"""What was found, counted."""

from __future__ import annotations

from ringfence.labels import PUBLIC
from ringfence.recognize.finding import Finding
from ringfenced.model import Classification, Located


def located(path, entity_type, start):
    return Located(path, Finding(start, start + 4, entity_type, 1.0, "test"))


def test_each_place_counts_once_and_a_type_inside_another_still_counts():
    mrn, again, inner = located("a", "MRN", 0), located("a#base64", "MRN", 0), located("a", "PHONE", 0)
    other = located("b", "MRN", 0)
    found = Classification(PUBLIC, PUBLIC, (mrn, again, inner, other), 10, distinct=(mrn, other))
    assert found.findings_by_type() == {"MRN": 2, "PHONE": 1}
