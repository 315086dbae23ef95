"""A lesson crosses the link whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.lesson import Answered, Lesson

UNIT = st.floats(0, 1)
NAMES = st.text(max_size=20)
ANSWERS = st.builds(
    Answered,
    *(NAMES, UNIT, st.booleans(), UNIT, st.integers(0, 2**40), UNIT),
    first_ms=st.none() | UNIT,
    score=st.none() | UNIT,
    kind=NAMES,
    scores=st.lists(st.tuples(NAMES, UNIT), max_size=3).map(tuple),
    escalated_to=NAMES,
    beside=st.none() | UNIT,
    read=st.binary(max_size=50),
)
LESSONS = st.builds(
    Lesson,
    *(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.integers(0, 2**33), NAMES),
    features=st.binary(max_size=200),
    answers=st.lists(ANSWERS, max_size=3).map(tuple),
)


@given(LESSONS)
def test_a_lesson_is_the_same_after_the_link(lesson):
    assert Lesson.from_json(json.loads(json.dumps(lesson.to_json()))) == lesson


@given(
    st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=12).filter(lambda x: isinstance(x, list))
)
def test_nonsense_is_an_error_that_ends_a_link_and_nothing_else(said):
    with pytest.raises((ValueError, TypeError, LookupError)):
        Lesson.from_json(said)
