"""What the daemon makes of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.daemonfile import AGENT, GOOD, HOUSE, PROVIDER, SOURCE, read
from ringfence.configfile import ConfigError
from ringfence.labels import Category, Label, Level
from ringfenced import config


def test_every_name_that_the_package_exports_is_there():
    assert set(config.__all__) <= set(vars(config))


def test_paths_are_relative_to_the_file():
    made = read(GOOD)
    assert made.listen.tls.ca == Path("/etc/ringfence/ca.pem")
    assert made.runtime_folder == Path("/etc/ringfence/state/run")


def test_callers_become_values_with_internal_as_the_default_label():
    caller = read(GOOD).callers_by_identity()["spiffe://site.example/ward-app"]
    assert (caller.department, caller.label_default) == ("ward", Label(Level.INTERNAL))


def test_a_good_agent_and_provider_are_taken():
    provider = read(GOOD + AGENT + PROVIDER).providers[0]
    assert provider.clearance.label().level is Level.INTERNAL


def test_a_department_and_a_source_have_labels():
    text = GOOD.replace("grant_credits = 1", 'grant_credits = 1\nlabel = { level = "CONFIDENTIAL" }')
    text = text.replace('department = "ward"\nroles', 'department = "ward"\nsource = "laboratory"\nroles')
    made = read(text + SOURCE)
    caller = made.callers_by_identity()["spiffe://site.example/ward-app"]
    assert (caller.label_department, caller.source) == (Label(Level.CONFIDENTIAL), "laboratory")
    assert made.labels_by_source() == {"laboratory": Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))}


def test_every_model_has_a_quality_and_a_cost_adapters_too():
    """An adapter costs what its model costs; the cost is that of 500 tokens of prompt and 500 of answer."""
    price = "price = { prompt_microcredits_per_1k = 20, completion_microcredits_per_1k = 60 }\n"
    adapters = 'adapters = [{ name = "letters", path = "letters", quality = 0.7 }]\n'
    made = read(GOOD + AGENT + PROVIDER + HOUSE + price + adapters)
    assert made.qualities() == {"house": 0.5, "letters": 0.7, "gpt": 0.9}
    assert made.costs() == {"house": 40, "letters": 40, "gpt": 0}


def test_the_policy_digest_changes_with_the_policy_alone():
    one = read(GOOD + AGENT + PROVIDER)
    other_port = read(GOOD.replace(":0", ":7443") + AGENT + PROVIDER)
    other_clearance = read(GOOD + AGENT + PROVIDER.replace("INTERNAL", "PUBLIC"))
    assert one.policy_digest() == other_port.policy_digest()
    assert one.policy_digest() != other_clearance.policy_digest()


def test_the_policy_digest_does_not_depend_on_the_order_of_a_set():
    again = read(GOOD.replace('["caller", "auditor"]', '["auditor", "caller"]'))
    assert again.policy_digest() == read(GOOD).policy_digest()


@pytest.mark.parametrize(
    "changed",
    [
        GOOD + '[classification]\ntemplate = "bank-eu"\n',
        GOOD + '[[classification.rules]]\nentity = "PERSON"\nlevel = "RESTRICTED"\n',
        GOOD + "[classification]\nthresholds = { many-people = 20 }\n",
        GOOD + '[classification]\nlocales = ["us", "es"]\n',
        GOOD + SOURCE,
        GOOD.replace("grant_credits = 1", 'grant_credits = 1\nlabel = { level = "CONFIDENTIAL" }'),
    ],
)
def test_what_makes_labels_is_policy_and_stands_in_its_digest(changed):
    assert read(changed).policy_digest() != read(GOOD).policy_digest()


def test_the_policy_says_what_every_type_means():
    """An auditor reads the table in force, not only the name of a template."""
    told = json.loads(read(GOOD).policy_source())["classification"]
    assert told["name"] == "hospital-us"
    assert told["rules"]["SSN"] == "RESTRICTED {PII}"


def test_a_rule_that_widens_is_refused_with_its_line():
    with pytest.raises(
        ConfigError, match=r"ringfenced\.toml:13: classification\.rules\[0\]: SECRET cannot be turned off"
    ):
        read(GOOD + '[[classification.rules]]\nentity = "SECRET"\nfound = false\n')
