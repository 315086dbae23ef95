"""What cannot be used is refused as a whole, with the place of everything wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.policies import policies
from ringfenced.policy import PolicyError, Source, parse

GOOD = "permit(principal, action, resource);\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("permit(principal, action resource);", "p:1:26: this is no Cedar: unexpected token `resource`"),
        (
            "permit(principal, action, resource)\nwhen { context.level == };",
            "p:2:25: this is no Cedar: unexpected token",
        ),
        ("permit(principal, action, resource)", "p:1:35: the policy ends too soon"),
        ("// why\nforbit(principal, action, resource);", "p:2:1: this is no Cedar: invalid policy effect: forbit"),
        ("permit(principle, action, resource);", "p:1:8: this is no Cedar: found an invalid variable"),
        ("permit(principal, action, resource)\n  when { soon() };", "p:2:10: this is no Cedar: `soon`"),
        ("permit(principal, action, resource) when { context.levle == 1 };", "p:1:52: attribute `levle` in context"),
        ('permit(principal in Ward::"a", action, resource);', "p:1:21: unrecognized entity type `Ward`"),
        ('permit(principal, action == Action::"send", resource);', 'p:1:29: unrecognized action `Action::"send"`'),
        ("permit(principal, action, resource) when { context.level == 1 };", "p:1:1: the types Long and String"),
        ("permit(principal == ?principal, action, resource);", "p:1:1: a template"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, told):
    with pytest.raises(PolicyError) as caught:
        parse([Source("p", text)])
    assert told in str(caught.value)


def test_every_policy_that_does_not_parse_is_told_at_once():
    with pytest.raises(PolicyError) as caught:
        parse([Source("a", GOOD + "permit(;\n" + GOOD + "forbid();"), Source("b", "x")])
    assert [str(place).rpartition(":")[0] for place, _ in caught.value.problems] == ["a:2", "a:4", "b:1"]


def test_so_many_policies_are_not_taken(monkeypatch):
    monkeypatch.setattr("ringfenced.policy.rules.POLICIES_MAX", 3)
    assert len(parse([Source("p", GOOD * 3)])) == 3
    with pytest.raises(PolicyError, match="at most 3"):
        parse([Source("p", GOOD * 4)])


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 2000 + "true" + ")" * 2000,
        "!(" * 2000 + "true" + ")" * 2000,
        "!" * 2000 + "true",
        "[" * 2000 + "1" + "]" * 2000 + " == [1]",
        "{a: " * 2000 + "1" + "}" * 2000 + " == {a: 1}",
        " && ".join(["context.tools"] * 2000),
        " || ".join(["context.tools"] * 2000),
        "+".join(["1"] * 2000) + " == 2000",
        "if true then true else " * 2000 + "true",
        "context" + ".a" * 2000,
    ],
)
def test_what_nests_without_end_is_refused_before_it_ends_the_process(condition):
    """Cedar's own stack would overflow, and with it the daemon and every request in it."""
    with pytest.raises(PolicyError, match=r"^p\.cedar:1:\d+: nests deeper than 64, or has more than 200 operators"):
        parse([Source("p.cedar", f"permit(principal, action, resource) when {{ {condition} }};")])


def test_what_nests_and_chains_as_people_write_it_is_taken():
    condition = "(" * 30 + " || ".join(['context.task == "a"'] * 90) + ")" * 30
    assert len(parse([Source("p.cedar", f"permit(principal, action, resource) when {{ {condition} }};")])) == 1


def test_policies_keep_their_order_and_their_names():
    text = "".join(f'@id("p{number}")\nforbid(principal, action, resource);\n' for number in range(70)) + GOOD
    rules = parse([Source("/etc/x/a.cedar", text), Source("b", GOOD)])
    assert [rule.name for rule in rules] == [*(f"p{number}" for number in range(70)), "a.cedar:141", "b:1"]
    assert [rule.forbids for rule in rules] == [True] * 70 + [False] * 2


@given(policies(size_max=4), st.data())
def test_a_damaged_policy_is_refused_or_is_another_policy_but_never_an_accident(text, data):
    """Whatever is cut out: rules come back or a PolicyError, which has a place within the text."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    damaged = text[:start] + text[end:]
    try:
        parse([Source("p", damaged)])
    except PolicyError as error:
        for place, what in error.problems:
            assert what
            assert 1 <= place.line <= damaged.count("\n") + 1
            assert 1 <= place.column <= len(damaged.split("\n")[place.line - 1]) + 1
