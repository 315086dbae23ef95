"""A row of the table means what it says, and ceilings are the lowest that hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.policies import CALLERS, DEPARTMENTS, OFFERS, PROVIDERS, asked, book, requests
from ringfence.labels import Category, Level
from ringfenced.model import TargetKind
from ringfenced.policy import Ceiling, Ceilings, Row, cedar

ALL = "permit(principal, action, resource);"

names = st.frozensets(st.sampled_from(Category).map(str), max_size=2)
rows = st.builds(
    Row,
    name=st.sampled_from(["a row", 'with "quotes" and \\ and \u0007 and é']),
    callers=st.frozensets(st.sampled_from(CALLERS), max_size=1),
    departments=st.frozensets(st.sampled_from(DEPARTMENTS), max_size=2),
    tasks=st.frozensets(st.sampled_from(["triage", 'c"o'])),
    sources=st.frozensets(st.sampled_from(["lab"])),
    findings=st.frozensets(st.sampled_from(["PERSON", "MRN"])),
    level_min=st.none() | st.sampled_from(Level),
    categories=names,
    sent=st.booleans(),
    only_site=st.booleans(),
    only_providers=st.frozensets(st.sampled_from(["acme", "globex"])),
    only_regions=st.frozensets(st.sampled_from(["eu", "us"])),
    only_contracts=st.frozensets(st.sampled_from(["DPA"])),
    only_models=st.frozensets(st.sampled_from(["local:tiny", "acme/large"])),
)


def speaks_of(row, request):
    """Whether a row speaks of a request, said another way."""
    label = request.label_deidentified if row.sent else request.label
    who = not (row.callers or row.departments) or (
        request.caller in row.callers or request.department in row.departments
    )
    return (
        who
        and (not row.tasks or request.task in row.tasks)
        and (not row.sources or not row.sources.isdisjoint(request.sources))
        and (not row.findings or bool(row.findings & request.findings))
        and (row.level_min is None or label.level >= row.level_min)
        and (not row.categories or bool(row.categories & label.categories))
    )


def leaves(row, target):
    """Whether a row leaves a target, said another way."""
    if row.only_models and str(target) not in row.only_models:
        return False
    limits = (row.only_site, row.only_providers, row.only_regions, row.only_contracts)
    if not any((*limits, row.only_models)):
        return False
    if target.kind is not TargetKind.PROVIDER:
        return True
    return not (
        row.only_site
        or (row.only_providers and target.provider not in row.only_providers)
        or (row.only_regions and target.region not in row.only_regions)
        or (row.only_contracts and PROVIDERS[target.provider].contract not in row.only_contracts)
    )


@settings(max_examples=60)
@given(rows, st.lists(requests(), min_size=1, max_size=5))
def test_a_row_forbids_what_it_speaks_of_wherever_it_does_not_leave_it(row, several):
    made = book(ALL, cedar([row]).text)
    for request in several:
        for target, ruling in made.rulings(request, OFFERS).by_target.items():
            assert ruling.allowed == (not speaks_of(row, request) or leaves(row, target)), str(target)
            assert ruling.allowed or ruling.policies == (row.name,)


def test_a_row_of_departments_is_a_policy_for_each():
    """So that nobody else's requests meet it."""
    text = cedar([Row("r", departments=frozenset({"a", "b"}), only_site=True)]).text
    assert text.count('@id("r")') == 2
    assert "principal in Department::" in text


def test_of_several_ceilings_the_lowest_that_holds_counts():
    ceilings = Ceilings(
        [
            Ceiling(cost_microcredits_max=100),
            Ceiling(department="ward", cost_microcredits_max=50, ladder_length_max=3),
            Ceiling(department="ward", task="triage", ladder_length_max=1),
            Ceiling(caller="spiffe://site/lab", cost_microcredits_max=0),
        ]
    )
    assert ceilings.of(asked()) == (50, 3)
    assert ceilings.of(asked(task="triage")) == (50, 1)
    assert ceilings.of(asked(task="other")) == (50, 3)
    assert ceilings.of(asked(department="research")) == (100, None)
    assert ceilings.of(asked(caller="spiffe://site/lab")) == (0, 3)
    assert Ceilings([]).of(asked()) == (None, None)


def test_ceilings_stand_in_the_rulings():
    made = book(ALL, ceilings=Ceilings([Ceiling(cost_microcredits_max=7, ladder_length_max=2)]))
    rulings = made.rulings(asked(), OFFERS)
    assert (rulings.cost_microcredits_max, rulings.ladder_length_max) == (7, 2)
