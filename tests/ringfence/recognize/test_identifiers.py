"""Structured identifiers as notes, letters and forms write them, and look-alikes that are nobody's."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.labels import Level
from ringfence.recognize.database import load_database
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.patterns import triggers
from ringfence.recognize.policy import LOCALES, TEMPLATES, Policy
from ringfence.recognize.recogniser import Recogniser

HERE = Path(__file__).parent
STRICT = Policy(
    name="strict",
    rules={name: label for name, label in ENTITIES.items() if label.level >= Level.CONFIDENTIAL},
    locales=LOCALES,
)
"""All that identifies somebody, in every country."""
EVERYTHING = Policy(name="everything", rules=ENTITIES, locales=LOCALES)


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ") and line != "#"]


def served(policy, cache):
    table = triggers(policy)
    return Recogniser(load_database(table, cache), table, policy)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("identifiers") / "cache"


@pytest.fixture(scope="module")
def strict(cache):
    """A recogniser of all identifiers of all countries."""
    return served(STRICT, cache)


@pytest.fixture(scope="module")
def everything(cache):
    """Quasi-identifiers too."""
    return served(EVERYTHING, cache)


def pairs(recogniser, text):
    return [(finding.entity_type, text[finding.start : finding.end]) for finding in recogniser.scan_patterns(text)]


@pytest.mark.parametrize("row", rows("identifiers.tsv"))
def test_an_identifier_is_found_whole_and_as_what_it_is(strict, row):
    """Each written identifier, its mark included, is one finding of its type."""
    entity_type, text, value = row.split("\t")
    assert (entity_type, value) in pairs(strict, text)


@pytest.mark.parametrize("row", rows("identifiers.tsv"))
def test_an_identifier_is_found_inside_a_sentence(strict, row):
    """What stands around an identifier does not hide it."""
    _, text, value = row.split("\t")
    around = f"The patient came again. {text}\nNothing else was noted."
    at = around.index(value, 24)
    assert any(finding.start <= at and at + len(value) <= finding.end for finding in strict.scan_patterns(around))


def test_the_look_alikes_are_many():
    """The list that is asserted to be clean is not an empty one."""
    assert len(rows("false_friends.txt")) >= 150


@pytest.mark.parametrize("line", rows("false_friends.txt"))
def test_a_look_alike_is_not_found(strict, line):
    """Codes, doses, values, citations, prices, versions and words that are labels elsewhere are nobody's."""
    assert pairs(strict, line) == []


@pytest.mark.parametrize(
    ("entity_type", "text", "value"),
    [
        ("AGE_UNDER_90", "Paciente de 34 años de edad", "34 años de edad"),
        ("AGE_UNDER_90", "a 45yo man", "45yo"),
        ("AGE_UNDER_90", "a 62-year-old woman", "62-year-old"),
        ("AGE_UNDER_90", "I just turned 46", "46"),
        ("AGE_UNDER_90", "Edad: 18 meses", "18 meses"),
        ("AGE_UNDER_90", "Niña de tres años y medio", "tres años y medio"),
        ("AGE_UNDER_90", "un homme de 54 ans", "54 ans"),
        ("AGE_UNDER_90", "eine 61 Jahre alte Frau", "61 Jahre alte"),
        ("SEX", "Sexo: H.", "H"),
        ("SEX", "Varón sano", "Varón"),
        ("SEX", "a female patient", "female"),
        ("SEX", "männlich", "männlich"),
        ("KINSHIP", "acude con su madre", "madre"),
        ("KINSHIP", "dos hermanas sanas", "dos hermanas"),
        ("KINSHIP", "her daughter called", "daughter"),
        ("COUNTRY", "natural de España.", "España"),
        ("COUNTRY", "NACIDO EN MÉXICO", "MÉXICO"),
        ("COUNTRY", "aus der Türkei", "Türkei"),
        ("NATIONALITY", "a Moroccan citizen", "Moroccan"),
        ("NATIONALITY", "de origen marroquí", "marroquí"),
        ("YEAR", "operated in 2004", "2004"),
        ("YEAR", "en el año 2004 fue", "año 2004"),
    ],
)
def test_quasi_identifiers_are_found_where_a_policy_wants_them(everything, strict, entity_type, text, value):
    """Ages below 90, sex, kinship, countries, nationalities and years; and by no policy that lets them stand."""
    assert (entity_type, value) in pairs(everything, text)
    assert pairs(strict, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "treated for 3 years, hace 10 años, seit 4 Jahren, depuis 5 ans",
        "antecedentes familiares, Child-Pugh A, family history, lactancia materna",
        "los contornos son nítidos; polish the surface; a turkey sandwich",
        "2000 mg, 1990.5, $2015, v. 2012, no. 1999",
    ],
)
def test_durations_phrases_and_numbers_are_no_quasi_identifiers(everything, text):
    """What lasts, what is a term and what is counted is about nobody."""
    assert pairs(everything, text) == []


def test_a_policy_without_a_country_does_not_look_for_its_numbers(cache):
    """A Spanish DNI without a label means nothing to a site that deals with the United States alone."""
    american = served(Policy(name="us", rules=STRICT.rules, locales=frozenset({"us"})), cache)
    spanish = served(Policy(name="es", rules=STRICT.rules, locales=frozenset({"es"})), cache)
    text = "consta 00000000T aqui"
    assert ("TAX_ID", "00000000T") in pairs(spanish, text)
    assert ("TAX_ID", "00000000T") not in pairs(american, text)


def test_a_policy_compiles_only_what_it_can_use():
    """Triggers of quasi-identifiers are not in the database of a policy that lets them stand."""
    names = {trigger.name for trigger in triggers(STRICT)}
    assert {"sex", "kinship", "country", "year", "age-years"}.isdisjoint(names)
    assert names < {trigger.name for trigger in triggers(EVERYTHING)}
    for policy in TEMPLATES.values():
        assert len({trigger.name for trigger in triggers(policy)}) == len(triggers(policy))


pieces = st.sampled_from(
    [line.split("\t")[1] for line in rows("identifiers.tsv")]
    + ["#", "no.", "\x00", "é", "º", "°", "\n", " ", "-", "/", "99", "2024", "(", "ZZ", "@", "años", "ß", "İ", "5" * 40]
)


@given(st.lists(pieces, max_size=8).map("".join) | st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_text_raises_and_positions_hold(everything, text):
    """Whatever stands beside whatever: sorted findings, apart from each other, inside the text, of known types."""
    end = 0
    for finding in everything.scan_patterns(text):
        assert end <= finding.start < finding.end <= len(text)
        assert finding.entity_type in ENTITIES
        end = finding.end


@given(st.binary(max_size=120), st.integers(0, 120), st.integers(0, 120), st.sampled_from(triggers(EVERYTHING)))
@settings(max_examples=2000, deadline=None)
def test_a_look_survives_any_hit(data, one, other, trigger):
    """A look never raises and never leaves the text, even where hyperscan could not have pointed."""
    start, end = sorted((min(one, len(data)), min(other, len(data))))
    try:
        spans = trigger.look(data, start, end)
    except (IndexError, StopIteration, ValueError):
        # Only for a hit that the trigger's own expression cannot report.
        assert not hits(trigger, data, start, end)
        return
    assert all(0 <= span.start < span.end <= len(data) for span in spans) or not hits(trigger, data, start, end)


def hits(trigger, data, start, end):
    import hyperscan  # noqa: PLC0415 - only to judge a failure

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[trigger.expression.encode("latin-1")], ids=[0], elements=1, flags=[trigger.flags])
    found = []
    database.scan(data, match_event_handler=lambda _i, s, e, _f, _c: found.append((s, e)) and None)
    return (start, end) in found


@pytest.mark.parametrize(
    "unit",
    [
        "1234 ",
        "12-34-56-",
        "+1 2",
        "#1a",
        "C/ a ",
        "a@b",
        "NHC: 1 ",
        "de 3 meses ",
        "28001 Aa ",
        "9.1234,",
        "\x80" * 3,
        "on 1/1 ",
        "no 1/2 ",
    ],
)
def test_cost_is_linear_in_the_length(everything, unit):
    """Sixteen times the text costs about sixteen times as much."""
    import time  # noqa: PLC0415 - only here

    def cost(count):
        best = float("inf")
        for _ in range(3):
            begin = time.process_time()
            everything.scan_patterns(unit * count)
            best = min(best, time.process_time() - begin)
        return best

    assert cost(3200) <= 16 * 4 * cost(200) + 0.05
