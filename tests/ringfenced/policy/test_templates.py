"""The starter policies that ship keep what a hospital and a bank must keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.policies import OFFERS, asked, book, offer
from ringfence.labels import Category, Label, Level
from ringfence.recognize.templates import TABLES
from ringfenced.inputs import Ability
from ringfenced.model import Target, TargetKind
from ringfenced.policy import EVERYTHING, TEMPLATES, ProviderFacts, template

CLEARANCE = Label(Level.CONFIDENTIAL, frozenset(Category))
PROVIDERS = {
    "eu-dpa": ProviderFacts("eu-west", "DPA 2026", CLEARANCE),
    "us-dpa": ProviderFacts("us", "DPA", CLEARANCE),
    "us-baa": ProviderFacts("us", "BAA", CLEARANCE),
    "eu-none": ProviderFacts("eu", "", CLEARANCE),
}
TARGETS = (
    OFFERS[0],
    *(
        replace(
            offer("m"),
            target=Target(TargetKind.PROVIDER, "m", provider=name, region=facts.region),
            clearance=facts.clearance,
        )
        for name, facts in PROVIDERS.items()
    ),
)
PHI = Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
PII = Label(Level.CONFIDENTIAL, frozenset({Category.PII}))


def open_to(name, **changes):
    rulings = book(template(name).text, providers=PROVIDERS).rulings(asked(**changes), TARGETS).by_target
    assert rulings[TARGETS[0].target].allowed, "the site's own models are always open"
    return {target.provider for target, ruling in rulings.items() if ruling.allowed and target.provider}


def as_it_is(label):
    """Nothing is de-identified: what the caller says stays."""
    return {"label": label, "label_deidentified": label, "lowered": False, "findings": frozenset()}


def test_there_is_one_for_each_table_of_labels():
    assert tuple(table.name for table in TABLES) == TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_public_may_go_wherever_the_built_in_rules_leave_it(name):
    everywhere = set(PROVIDERS) - ({"eu-none"} if name == "bank-eu" else set())
    assert open_to(name, **as_it_is(Label())) == everywhere


@pytest.mark.parametrize("name", TEMPLATES)
def test_requests_with_secrets_or_card_data_stay_even_deidentified(name):
    for category in (Category.SECRET, Category.PCI):
        label = Label(Level.RESTRICTED, frozenset({category}))
        assert open_to(name, label=label, label_deidentified=Label(Level.INTERNAL)) == set()


@pytest.mark.parametrize(
    ("name", "label", "open_"),
    [
        ("hospital-us", PHI, {"us-baa"}),
        ("hospital-eu", PHI, {"eu-dpa"}),
        ("hospital-eu", PII, {"eu-dpa"}),
        ("bank-us", PII, {"eu-dpa", "us-dpa", "us-baa"}),
        ("bank-eu", PII, {"eu-dpa"}),
    ],
)
def test_what_is_about_people_leaves_only_where_a_contract_covers_it(name, label, open_):
    assert open_to(name, **as_it_is(label)) == open_


def test_in_europe_what_is_deidentified_counts_as_personal_still():
    assert open_to("hospital-eu") == {"eu-dpa"}
    assert open_to("bank-eu") == {"eu-dpa"}
    assert open_to("hospital-us") == set(PROVIDERS)


def test_pictures_of_patients_stay():
    needs = frozenset({Ability.TEXT, Ability.IMAGES})
    for name in ("hospital-us", "hospital-eu"):
        assert open_to(name, **as_it_is(Label()), needs=needs) == set()


def test_without_a_policy_the_built_in_rules_decide_alone():
    rulings = book(EVERYTHING.text).rulings(asked(), OFFERS).by_target
    assert all(ruling.allowed for ruling in rulings.values())
