"""The utility measure: right where nothing is lost, and able to see a loss."""

from datetime import date

import pytest

from ringfence.recognize import Finding, load
from ringfenced.deidentify import Mapping
from utility_parts.answers import QUESTIONS
from utility_parts.measure import Made, Share, back, consistency, make, survival
from utility_parts.records import records


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return load(tmp_path_factory.mktemp("utility") / "cache").scan


def test_survival_counts_what_identifies_nobody():
    """Ten tokens of which two identify; a third that is changed too is lost."""
    text = "Anna Varga was seen for a cough on Monday."
    assert survival(text, "Elva Brackuldrick was seen for a cough on Monday.", [(0, 10)]) == Share(8, 8)
    assert survival(text, "Elva Brackuldrick was seen for a fever on Monday.", [(0, 10)]) == Share(7, 8)


def test_consistency_sees_two_surrogates_of_one_original():
    assert consistency({"Elva": "Anna", "ELVA": "ANNA"}) == Share(1, 1)
    assert consistency({"Elva": "Anna", "Dorva": "ANNA"}) == Share(0, 1)


def test_every_question_has_an_answer_in_every_record():
    """The reader finds an answer to almost all; what it does not find is not asked."""
    found = [answer(record.text) for record in records(60, 3) for answer in QUESTIONS.values()]
    assert sum("unknown" in answer for answer in found) < len(found) / 20


def test_answers_on_surrogates_are_the_answers_on_the_original(scan):
    """Over chunks of one to seven characters, for each question on each record that may leave."""
    for number, record in enumerate(records(20, 5)):
        made = make(record.text, scan, number.to_bytes(4, "big"))
        assert made is not None
        assert made.text != record.text
        for answer in QUESTIONS.values():
            assert back(made, answer(made.text), (1, 3, 2, 7)) == answer(record.text)


def test_a_wrong_mapping_is_seen():
    """The measure can fail: with another record's mapping the answers differ."""
    text = records(1, 5)[0].text
    made = Made(text, Mapping({"Admitted": "Dismissed"}, {date(2150, 1, 1): date(2020, 1, 1)}))
    assert back(made, "Admitted on 2150-01-01", (2,)) == "Dismissed on 2020-01-01"


def test_what_stays_inside_is_told(scan):
    def secret(text):
        return (Finding(0, 4, "SECRET", 1.0, "test"),)

    assert make("hunter2 is it", secret, b"s") is None
    assert make("nothing here", scan, b"s") is not None
