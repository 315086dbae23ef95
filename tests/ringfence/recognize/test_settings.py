"""The section ``[classification]``: what a site can say, and what it cannot."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ringfence.configfile import ConfigError, Section, parse
from ringfence.labels import Category, Label, Level, covers
from ringfence.recognize import DEFAULT, ENTITIES, TEMPLATES, Finding, load
from ringfence.recognize.settings import Classification
from ringfence.recognize.templates import BUILT_IN, TABLES


class Whole(Section):
    """A file with this section alone."""

    classification: Classification = Classification()


def read(text):
    return parse(text, Path("site.toml"), Whole).classification


def rule(entity, **fields):
    lines = [f'entity = "{entity}"', *(f"{name} = {value}" for name, value in fields.items())]
    return "\n".join(["[[classification.rules]]", *lines, ""])


def test_a_file_without_the_section_gets_the_default():
    assert read("").policy() == DEFAULT


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_taken_as_it_ships(name):
    assert read(f'[classification]\ntemplate = "{name}"\n').policy() == TEMPLATES[name]


def test_a_site_raises_adds_and_looks_for_more():
    """A rule raises a level, adds categories, and brings in what the template leaves out."""
    policy = read(
        rule("PERSON", categories='["PHI"]') + rule("EMAIL", level='"restricted"') + rule("SEX", level='"CONFIDENTIAL"')
    ).policy()
    assert policy.rules["PERSON"] == Label(Level.CONFIDENTIAL, frozenset({Category.PII, Category.PHI}))
    assert policy.rules["EMAIL"].level is Level.RESTRICTED
    assert policy.replaces("SEX")


def test_a_site_turns_off_or_lowers_what_is_optional():
    text = '[classification]\ntemplate = "hospital-eu"\n'
    policy = read(text + rule("ORGANISATION", level='"INTERNAL"') + rule("YEAR", found="false")).policy()
    assert policy.rules["ORGANISATION"].level is Level.INTERNAL
    assert not policy.wants("YEAR")
    assert policy.wants("SEX")


def test_a_site_adds_rules_over_several_findings():
    policy = read(
        '[[classification.together]]\nname = "vip"\ntypes = ["PERSON"]\nbeside = ["ADDRESS"]\nlevel = "RESTRICTED"\n'
    ).policy()
    both = [Finding(0, 1, "PERSON", 1.0, "t"), Finding(2, 3, "ADDRESS", 1.0, "t")]
    assert policy.label_of(both).level is Level.RESTRICTED
    assert policy.label_of(both[:1]).level is Level.CONFIDENTIAL


def test_a_site_counts_stricter_and_where_optional_looser():
    many = [Finding(place, place + 1, "PERSON", 1.0, "t") for place in range(20)]
    assert read("[classification]\nthresholds = { many-people = 20 }\n").policy().label_of(many) == Label(
        Level.RESTRICTED, frozenset({Category.PII})
    )
    off = read('[classification]\ntemplate = "bank-eu"\nthresholds = { several-quasi-identifiers = 0 }\n').policy()
    assert "several-quasi-identifiers" not in {row.name for row in off.together}


def test_a_digest_names_the_table_and_depends_on_no_order():
    """Raised, it is another; written in another order, the same."""
    one, other = '["PII", "PHI"]', '["PHI", "PII"]'
    assert read(rule("ID", categories=one)).digest() == read(rule("ID", categories=other)).digest()
    assert read(rule("ID", categories=one)).digest() != read("").digest()


def test_a_site_names_its_locales():
    assert read('[classification]\nlocales = ["us", "es"]\n').policy().locales == {"us", "es"}


HEAD = '[classification]\ntemplate = "hospital-eu"\n'


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (HEAD + rule("PERSON", found="false"), 3, "PERSON cannot be turned off in hospital-eu"),
        (HEAD + rule("YEAR") + rule("PAN", level='"CONFIDENTIAL"'), 5, "PAN cannot be lower than RESTRICTED"),
        (HEAD + rule("SECRET", found="false"), 3, "SECRET cannot be turned off"),
        (rule("SEX", level='"PUBLIC"'), 1, "SEX cannot be lower than INTERNAL in hospital-us"),
        (rule("PERSN"), 2, "write PERSON"),
        (rule("PERSON", level='"SECRET"'), 3, "write one of PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED"),
        (rule("NPI", found="false", level='"INTERNAL"'), 1, "has no level"),
        (rule("NPI") + rule("NPI"), 1, "make one of those for NPI"),
        ('[classification]\nlocales = ["uk"]\n', 2, "there is no such locale"),
        ("[classification]\nlocales = []\n", 2, "locales"),
        ("[classification]\ntemplate = 1\n", 2, "template"),
        ("[classification]\nthresholds = { many-people = 501 }\n", 2, "write 1 to 500"),
        ("[classification]\nthresholds = { many-people = 0 }\n", 2, "write 1 to 500"),
        ("[classification]\nthresholds = { many-peple = 5 }\n", 2, "write many-people"),
        (HEAD + "thresholds = { several-quasi-identifiers = -1 }\n", 3, "write 1 or more"),
        (
            '[[classification.together]]\nname = "many-people"\ntypes = ["PERSON"]\nlevel = "PUBLIC"\n',
            1,
            "twice: many-people",
        ),
    ],
)
def test_what_would_widen_or_is_unknown_is_refused_with_its_line(text, line, told):
    with pytest.raises(ConfigError) as caught:
        read(text)
    (first, *_) = str(caught.value).splitlines()
    assert first.startswith(f"site.toml:{line}: classification")
    assert told in first


TYPES = st.sampled_from(list(ENTITIES))
RULES = st.fixed_dictionaries(
    {"entity": TYPES},
    optional={
        "found": st.booleans(),
        "level": st.sampled_from([level.name for level in Level]),
        "categories": st.lists(st.sampled_from([category.value for category in Category]), max_size=2),
    },
)
SECTIONS = st.fixed_dictionaries(
    {"template": st.sampled_from(list(TEMPLATES))},
    optional={
        "rules": st.lists(RULES, max_size=4),
        "together": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["a", "b", "many-people"]), "types": st.lists(TYPES, min_size=1, max_size=3)},
                optional={
                    "kinds_min": st.integers(0, 3),
                    "count_min": st.integers(0, 3),
                    "beside": st.lists(TYPES, max_size=2),
                    "level": st.sampled_from([level.name for level in Level]),
                },
            ),
            max_size=2,
        ),
        "thresholds": st.dictionaries(
            st.sampled_from(["many-people", "several-quasi-identifiers"]), st.integers(-1, 600), max_size=2
        ),
    },
)
FINDINGS = st.lists(
    st.builds(lambda at, name: Finding(at, at + 1, name, 1.0, "t"), st.integers(0, 9), st.sampled_from(list(ENTITIES))),
    max_size=8,
)


@given(SECTIONS, FINDINGS)
def test_no_file_that_is_taken_lowers_what_is_not_optional(section, findings):
    """Whatever a site writes: either it is refused, or every other type means at least what the template says."""
    try:
        policy = Classification.model_validate(section).policy()
    except ValidationError:
        return
    (table,) = (table for table in TABLES if table.name == section["template"])
    for name in ENTITIES.keys() - table.optional:
        if name in table.rules:
            assert covers(policy.rules[name], table.rules[name])
    for name in BUILT_IN:
        assert policy.wants(name)
        assert policy.replaces(name)
        assert covers(policy.rules[name], ENTITIES[name])
    held = [finding for finding in findings if finding.entity_type not in table.optional]
    shipped = join_without_optional_rules(table, held)
    assert covers(policy.label_of([found for found in held if policy.wants(found.entity_type)]), shipped)


@pytest.mark.parametrize(
    ("text", "entity_type"),
    [
        ("call me about 524-71-6038 please", "SSN"),
        ("the card is 4111 1111 1111 1111", "PAN"),
        ("CVV: 123", "CARD_CODE"),
        ("%B4111111111111111^DOE/JOHN^2512101?", "CARD_TRACK"),
        ("password: hunter2-Secret", "SECRET"),
    ],
)
def test_what_is_built_in_is_found_whatever_countries_a_site_names(spanish, text, entity_type):
    """Locales say whose national numbers are looked for; these types are everybody's."""
    assert entity_type in {finding.entity_type for finding in spanish.scan(text)}


@pytest.fixture(scope="module")
def spanish():
    """A recogniser of a site that names Spain alone."""
    return load(None, read('[classification]\ntemplate = "bank-eu"\nlocales = ["es"]\n').policy())


def join_without_optional_rules(table, findings):
    """What the template says of `findings`, those rules apart that a site may turn off."""
    policy = TEMPLATES[table.name]
    rows = tuple(row for row in policy.together if row.name not in table.optional)
    wanted = [finding for finding in findings if policy.wants(finding.entity_type)]
    return replace(policy, together=rows).label_of(wanted)
