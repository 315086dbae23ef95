"""Which kind of request one is, and which names may be kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.asked import PLAIN
from ringfenced.inputs import Ability
from ringfenced.learn.segment import form_of, is_plain_name, may_keep_name

ASKED = PLAIN


@pytest.mark.parametrize("name", ["extract-note", "triage", "app/v2:step.3", "Summarise-Report"])
def test_a_programs_word_is_kept(name):
    assert is_plain_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Joanna Whitfield", "mrn-77120093", "1982-03-04", "a" * 65, "7", "dob-19-82", "x--y", "jo@site.example"),
        *("name\n", "größe", "a-1/2.3_4"),
    ],
)
def test_what_could_be_a_persons_is_not(name):
    assert not is_plain_name(name)


def test_a_name_that_was_found_is_kept_by_none_whatever_it_looks_like():
    assert may_keep_name(replace(ASKED, task="jane.doe"))
    assert not may_keep_name(replace(ASKED, task="jane.doe", task_found=True))
    assert not may_keep_name(replace(ASKED, task="mrn-77120093"))


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        ({}, "~short"),
        ({"prompt_chars": 400}, "~middling"),
        ({"prompt_chars": 4000}, "~long"),
        ({"needs": frozenset({Ability.TEXT, Ability.TOOLS})}, "~tools"),
        ({"needs": frozenset({Ability.JSON_SCHEMA}), "prompt_chars": 9000}, "~schema"),
        ({"needs": frozenset({Ability.IMAGES, Ability.TOOLS})}, "~images"),
    ],
)
def test_a_request_without_a_task_has_a_coarse_form(fields, form):
    assert form_of(replace(ASKED, **fields)) == form
