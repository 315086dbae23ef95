"""The everyday table: a row says what it speaks of and who alone may have it, and nothing by an empty list."""

from __future__ import annotations

import pytest

from fakes.daemonfile import AGENT, GOOD, PROVIDER, SOURCE, read
from ringfence.configfile import ConfigError
from ringfenced.policy import cedar

SITE = GOOD + AGENT + PROVIDER + SOURCE
RULE = '[[policy.rules]]\nname = "r"\n'
LEAVES = ("only_providers", "only_regions", "only_contracts", "only_models")
SPEAKS = ("callers", "departments", "tasks", "sources", "findings", "categories")


def told_of(rule):
    with pytest.raises(ConfigError) as caught:
        read(SITE + RULE + rule)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "beside"),
    [
        *((key, beside) for key in LEAVES for beside in ("", 'departments = ["ward"]\n', "only_site = true\n")),
        *((key, 'only_regions = ["eu"]\n') for key in LEAVES if key != "only_regions"),
    ],
)
def test_an_empty_list_of_who_may_have_it_is_refused_and_not_dropped(key, beside):
    """Whoever made a list in a program and ended with none would otherwise open what the rule was to close."""
    problem = told_of(f"{beside}{key} = []\n")
    assert f"policy.rules[0].{key}: an empty list leaves nobody: name one, write only_site = true" in problem


@pytest.mark.parametrize("key", SPEAKS)
def test_an_empty_list_of_what_a_rule_speaks_of_is_refused(key):
    """It would speak of everybody."""
    problem = told_of(f"{key} = []\nonly_site = true\n")
    assert f"policy.rules[0].{key}: an empty list speaks of nothing: name one, or remove the line" in problem


@pytest.mark.parametrize("rule", ["", "sent = false\n", "only_site = false\n"])
def test_a_rule_that_says_nothing_is_refused(rule):
    """It would forbid everything to everybody."""
    assert "forbid everything to everybody" in told_of(rule)


@pytest.mark.parametrize("key", ["only_regions", "only_contracts"])
def test_a_provider_without_a_region_or_a_contract_is_left_by_no_rule(key):
    """An empty name would leave just those of which nothing is known."""
    assert f"policy.rules[0].{key}" in told_of(f'{key} = [""]\n')


def test_what_is_named_stands_in_the_policy():
    rule = read(
        SITE + RULE + 'sources = ["laboratory"]\nonly_providers = ["acme"]\nonly_regions = ["eu"]\n'
    ).policy.rules[0]
    text = cedar([rule.row()]).text
    assert '["laboratory"].contains(context.source)' in text
    assert '["eu"].contains(resource.region)' in text
    assert 'resource in [Provider::"acme"]' in text
