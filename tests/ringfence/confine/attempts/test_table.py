"""The list of attempts is whole and says what each is."""

from __future__ import annotations

import pytest

from ringfence.confine.attempts import table


def test_there_are_many_and_each_has_a_name_of_its_own():
    names = [attempt.name for attempt in table.ALL]
    assert len(names) >= 130
    assert len(names) == len(set(names))


@pytest.mark.parametrize("attempt", table.ALL, ids=lambda attempt: attempt.name)
def test_each_says_in_a_sentence_what_is_tried(attempt):
    assert attempt.what.endswith((".", "?"))
    assert 8 <= len(attempt.what) <= 120


def test_one_is_found_by_its_name():
    assert table.named("tcp4").name == "tcp4"
    with pytest.raises(KeyError, match="no attempt is called"):
        table.named("tcp5")
