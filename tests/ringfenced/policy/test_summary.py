"""Policies in short, and what about them is probably not meant."""

from __future__ import annotations

from ringfenced.policy import Source, parse
from ringfenced.policy.scopes import Uid
from ringfenced.policy.summary import doubts, lines

KNOWN = frozenset({Uid("Department", "ward"), Uid("Provider", "acme"), Uid("Model", "acme/large")})
ALL = '@id("all") permit(principal, action, resource);\n'


def doubted(text, known=KNOWN):
    return [what for _, what in doubts(parse([Source("p", text)]), known)]


def test_a_policy_in_short():
    text = (
        '@id("x") forbid(principal in Department::"ward", action == Action::"embed", resource in Provider::"acme")'
        ' when { context.task == "a" && resource == Model::"acme/large" };'
    )
    (line,) = lines(parse([Source("p", text)]))
    assert (line.name, line.effect, line.who) == ("x", "forbid", "Department ward")
    assert (line.what, line.where, line.sees) == ("embed", "Provider acme", ("context.task", "resource"))


def test_a_policy_about_nobody_here_is_doubted():
    assert doubted(ALL + 'forbid(principal in Department::"wrd", action, resource);') == [
        '\'p:2\' can never apply: Department::"wrd" is not in this site\'s configuration; write Department::"ward"'
    ]
    assert (
        'asks for Model::"x/y"'
        in doubted(ALL + 'forbid(principal, action, resource) unless { resource == Model::"x/y" };')[0]
    )
    assert doubted(ALL + 'forbid(principal in Department::"ward", action, resource in Provider::"acme");') == []


def test_each_name_that_nobody_has_is_told_where_it_stands():
    """In a head of several lines, and in conditions."""
    text = ALL + (
        'forbid(\n  principal in Department::"cardiolgy",  // Department::"cardiolgy"\n  action,\n'
        '  resource in Provider::"opnai"\n)\n'
        'when { principal == Caller::"x" || resource == Model :: "acme/lrge" };\n'
    )
    known = KNOWN | {Uid("Provider", "openai"), Uid("Department", "cardiology")}
    found = [(str(place), what.rpartition("; ")[2]) for place, what in doubts(parse([Source("p", text)]), known)]
    assert found == [
        ("p:3:16", 'write Department::"cardiology"'),
        ("p:5:15", 'write Provider::"openai"'),
        ("p:7:21", "'p:2' asks for Caller::\"x\", which is not in this site's configuration"),
        ("p:7:48", 'write Model::"acme/large"'),
    ]


def test_where_the_site_is_not_known_names_are_not_doubted():
    assert doubted(ALL + 'forbid(principal in Department::"wrd", action, resource);', None) == []


def test_nothing_permitted_and_names_twice_are_doubted():
    assert "no policy permits anything" in doubted("forbid(principal, action, resource);")[0]
    assert "no policy permits anything" in doubted("")[0]
    assert doubted(ALL + ALL) == ["several policies are called 'all'; decisions cannot tell them apart"]
