"""Policies are taken apart as Cedar does, and the fault's place is told."""

from __future__ import annotations

import cedarpy
from hypothesis import given
from hypothesis import strategies as st

from fakes.policies import policies
from ringfenced.policy.text import Place, Source, is_blank, statements

gaps = st.sampled_from(["", "\n", " // a comment; with permit(\n", "\n\n  ", "\t"])


@given(policies(), gaps, gaps)
def test_every_policy_is_one_statement_and_parses_by_itself(text, before, after):
    source = Source("p", before + text.replace(";\n", f";{after}") + after)
    found = statements(source)
    assert len(found) == len(cedarpy.PolicySet.from_str(source.text))
    assert all(len(cedarpy.PolicySet.from_str(one.text)) == 1 for one in found)


@given(
    st.lists(
        st.sampled_from([" ", "\n", "\t", "// permit();\n", "//", ";", "permit(", '"// "', "\x00", "/"]), max_size=5
    )
)
def test_a_text_is_blank_where_no_policy_stands_in_it(pieces):
    """Nothing, blanks and comments alone."""
    text = "".join(pieces)
    assert is_blank(text) == (not statements(Source("p", text)))


@given(policies(), gaps)
def test_a_statement_s_place_is_where_it_stands(text, gap):
    source = Source("p", text.replace(";\n", f";{gap}"))
    lines = source.text.split("\n")
    for one in statements(source):
        place = one.place()
        assert lines[place.line - 1][place.column - 1 :].startswith(one.text.split("\n", maxsplit=1)[0])


def test_places_inside_a_statement_count_its_lines():
    (one,) = statements(Source("p", "\n  permit(principal,\naction, resource);"))
    assert one.place() == Place("p", 2, 3)
    assert one.place(one.text.index("principal")) == Place("p", 2, 10)
    assert one.place(one.text.index("action")) == Place("p", 3, 1)


def test_semicolons_in_strings_and_comments_end_nothing():
    text = 'permit(principal, action, resource) // no; not here\nwhen { context.task == "a;\\"b" };'
    assert [one.text for one in statements(Source("p", text))] == [text]
