"""What findings mean: templates, rules over several findings, and the lattice that they live in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import payloads
from ringfence.labels import PUBLIC, Category, Label, Level, covers, join
from ringfence.recognize import DEFAULT, ENTITIES, TEMPLATES, Finding
from ringfence.recognize.payload import payload_reading
from ringfence.recognize.policy import UNKNOWN
from ringfence.recognize.templates import BUILT_IN, QUASI_IDENTIFIERS, TABLES
from ringfence.recognize.together import Tally

LABELS = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(Category)))
TYPES = st.sampled_from([*ENTITIES, "SOMETHING_NEW"])
FINDINGS = st.builds(
    lambda start, length, name, by: Finding(start, start + length, name, 1.0, by),
    st.integers(0, 1000),
    st.integers(1, 20),
    TYPES,
    st.sampled_from(["pattern:x", "fhir:Patient.name", "iso20022:Dbtr", "custom"]),
)
POLICIES = st.sampled_from(list(TEMPLATES.values()))


def found(*types):
    """One finding of each of `types`."""
    return [Finding(place, place + 1, name, 1.0, "test") for place, name in enumerate(types)]


counted = Tally.of


def staying(policy, findings):
    """The label of what de-identification leaves."""
    return join(part.label for part in policy.implied(policy.staying(counted(findings))))


@given(LABELS, LABELS, LABELS)
def test_join_is_a_semilattice(one, two, three):
    """Associative, commutative, idempotent, with PUBLIC below everything."""
    assert join((join((one, two)), three)) == join((one, join((two, three))))
    assert join((one, two)) == join((two, one))
    assert join((one, one)) == one == join((one, PUBLIC))


@given(LABELS, LABELS, LABELS)
def test_join_is_the_least_upper_bound_and_monotone(one, two, three):
    """It covers both, everything that covers both covers it, and a greater input gives no lesser join."""
    both = join((one, two))
    assert covers(both, one)
    assert covers(both, two)
    assert covers(three, both) == (covers(three, one) and covers(three, two))
    assert covers(join((both, three)), join((one, three)))


@given(POLICIES, st.lists(FINDINGS, max_size=12), st.lists(FINDINGS, max_size=12))
def test_more_findings_never_lower_a_label(policy, some, more):
    """In every template, also through the rules over several findings."""
    assert covers(policy.label_of([*some, *more]), policy.label_of(some))
    assert covers(staying(policy, [*some, *more]), staying(policy, some))


@given(POLICIES, st.lists(FINDINGS, max_size=12))
def test_a_label_is_the_join_of_what_made_it(policy, findings):
    """What is told is all of it, each finding counts in its type's row once, and what stays is a part of it."""
    made = policy.implied(counted(findings))
    assert join(part.label for part in made) == policy.label_of(findings)
    assert sum(part.count for part in made if not part.is_rule) == len(findings)
    assert covers(policy.label_of(findings), staying(policy, findings))


@given(POLICIES, st.lists(FINDINGS, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(policy, findings, random):
    shuffled = list(findings)
    random.shuffle(shuffled)
    assert policy.implied(counted(shuffled)) == policy.implied(counted(findings))


def test_no_findings_are_public():
    for policy in TEMPLATES.values():
        assert policy.label_of([]) == PUBLIC
        assert policy.implied(counted([])) == ()


def test_a_type_that_nobody_knows_is_restricted_and_replaced():
    """When in doubt: never out."""
    assert DEFAULT.label_of(found("SOMETHING_NEW")) == UNKNOWN
    assert DEFAULT.wants("SOMETHING_NEW")
    assert DEFAULT.replaces("SOMETHING_NEW")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_built_in_is_restricted_everywhere_and_nowhere_optional(table):
    for name in BUILT_IN:
        assert table.rules[name].level is Level.RESTRICTED
        assert covers(table.rules[name], ENTITIES[name])
    assert not BUILT_IN & table.optional


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_template_only_adds_to_what_a_type_means(table):
    """No template lowers what identifies somebody; quasi-identifiers are left out, or internal."""
    assert ENTITIES.keys() - table.rules.keys() <= QUASI_IDENTIFIERS
    assert table.rules.keys() <= ENTITIES.keys()
    for name, label in table.rules.items():
        assert covers(label, Label(Level.INTERNAL) if name in QUASI_IDENTIFIERS else ENTITIES[name])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_rule_over_several_findings_names_known_types_and_its_source(table):
    for rule in table.together:
        assert rule.types | rule.beside <= ENTITIES.keys()
        assert rule.source
    assert table.optional <= {*ENTITIES, *(rule.name for rule in table.together)}


@pytest.mark.parametrize("name", sorted(QUASI_IDENTIFIERS))
def test_safe_harbor_lets_quasi_identifiers_stand_and_gdpr_does_not(name):
    """45 CFR 164.514(b)(2)(i) does not name them; in Europe they make a text internal, and stay in it."""
    assert not TEMPLATES["hospital-us"].wants(name)
    assert not TEMPLATES["bank-us"].wants(name)
    for europe in ("hospital-eu", "bank-eu"):
        assert TEMPLATES[europe].rules[name] == Label(Level.INTERNAL)
        assert not TEMPLATES[europe].replaces(name)


def test_three_quasi_identifiers_together_identify_somebody_in_europe():
    """Two stay internal; a third kind raises to CONFIDENTIAL, and stays after de-identification, as they do."""
    europe = TEMPLATES["hospital-eu"]
    two, three = found("AGE_UNDER_90", "SEX", "SEX", "YEAR"), found("AGE_UNDER_90", "SEX", "PROFESSION")
    assert europe.label_of(two) == Label(Level.INTERNAL)
    assert europe.label_of(three) == staying(europe, three) == Label(Level.CONFIDENTIAL, frozenset({Category.PII}))
    assert "several-quasi-identifiers" in {part.name for part in europe.implied(counted(three))}


def test_a_name_beside_an_account_is_sensitive_customer_information_in_an_american_bank():
    """12 CFR 30 appendix B, supplement A: neither alone."""
    bank = TEMPLATES["bank-us"]
    assert bank.label_of(found("PERSON")).level is Level.CONFIDENTIAL
    assert bank.label_of(found("ACCOUNT")).level is Level.CONFIDENTIAL
    assert bank.label_of(found("PERSON", "ACCOUNT")).level is Level.RESTRICTED


@pytest.mark.parametrize("policy", TEMPLATES.values(), ids=lambda policy: policy.name)
def test_five_hundred_of_one_kind_are_many_people(policy):
    """One fewer is not; and 500 of several kinds together are not."""
    assert policy.label_of(found(*["PERSON"] * 499)).level is Level.CONFIDENTIAL
    assert policy.label_of(found(*["PERSON"] * 500)).level is Level.RESTRICTED
    assert policy.label_of(found(*["PERSON"] * 300, *["EMAIL"] * 300)).level is Level.CONFIDENTIAL


def test_a_health_number_is_personal_data_in_europe():
    """GDPR recital 35."""
    assert TEMPLATES["hospital-eu"].rules["MRN"].categories == {Category.PHI, Category.PII}
    assert TEMPLATES["hospital-us"].rules["MRN"].categories == {Category.PHI}


@pytest.mark.parametrize(
    ("template", "text", "category"),
    [
        ("hospital-us", payloads.ADT, Category.PHI),
        ("hospital-us", payloads.X835, Category.PHI),
        ("hospital-eu", payloads.FHIR, Category.PHI),
        ("bank-us", payloads.PACS008, Category.FINANCIAL),
        ("bank-eu", payloads.PAIN001, Category.FINANCIAL),
    ],
    ids=["hl7", "x12", "fhir", "pacs", "pain"],
)
def test_a_name_in_a_record_is_what_the_record_is(template, text, category):
    """45 CFR 160.103: a name alone is PII, in a health record it is PHI too; likewise in a payment message."""
    policy = TEMPLATES[template]
    inside = next(Finding(*span) for span in payload_reading(text) if span.entity_type in {"PERSON", "ORGANISATION"})
    alone = replace(inside, recogniser="pattern:title")
    assert policy.label_of([inside]).categories == {Category.PII, category}
    assert policy.label_of([alone]).categories == {Category.PII}
