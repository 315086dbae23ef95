"""eval-deid: what it reads, under which policy, and what it prints."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_parts.clean_prose import names_nobody
from deid_parts.generated import CORPORA, generated
from deid_parts.measure import measure
from deid_parts.profiles import asked_for, not_identifying, profile_of
from deid_parts.report import as_json, markdown, met
from deid_parts.rows import BadRow, parse, read
from deid_parts.score import Gold, Row
from deid_parts.sides import Found
from ringfence.recognize import TEMPLATES

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "deid.py"
GOOD = {"id": "1", "lang": "en", "text": "Ann Lee, Reno", "spans": [[0, 7, "NAME", "PERSON"], [9, 13, "CITY", "LOC"]]}
CAPTURED = {"capture_output": True, "text": True}
FIGURES = {"recall", "recall_any", "precision", "documents_missed", "false_alarms", "kb_per_s", "p50_ms", "p99_ms"}


class Finder:
    name = "ringfence"

    def __init__(self, *spans):
        self.spans = spans
        self.policies = set()

    def find(self, text, lang, policy):
        self.policies.add(policy)
        return Found([span for span in self.spans if span[1] <= len(text)], 2.0, 1.0)


def test_a_row_of_the_format_is_read():
    assert parse(json.dumps(GOOD)).gold[1] == Gold(9, 13, "CITY", "LOC")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        (json.dumps(GOOD | {"text": None}), '"text" must be a string'),
        (json.dumps(GOOD | {"spans": None}), '"spans" must be a list'),
        (json.dumps(GOOD | {"lang": 3}), '"lang" must be a string'),
        (json.dumps(GOOD | {"spans": [[0, 99, "A", "B"]]}), r"spans\[0\] does not lie in the text"),
        (json.dumps(GOOD | {"spans": [[3, 3, "A", "B"]]}), r"spans\[0\] does not lie in the text"),
        (json.dumps(GOOD | {"spans": [["a", 3]]}), r"spans\[0\] must be"),
        (json.dumps(GOOD | {"spans": [7]}), r"spans\[0\] must be"),
    ],
)
def test_a_bad_row_is_told_what_is_wrong_without_its_content(row, said):
    with pytest.raises(BadRow, match=said) as caught:
        parse(row)
    assert "Ann" not in str(caught.value)


@given(st.text())
def test_no_line_breaks_the_reader(line):
    with suppress(BadRow):
        parse(line)


def test_bad_lines_are_named_by_file_and_line_and_the_rest_counts(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\nnothing\n{json.dumps(GOOD)}\n", encoding="utf-8")
    corpus = read(path)
    assert len(corpus.rows) == 2
    assert corpus.bad == ["a.jsonl:3: no JSON; write one object a line"]


def test_every_fifth_row_is_held_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(GOOD | {"text": f"{number:20}"}) + "\n" for number in range(11)))
    assert [row.text.strip() for row in read(path, held_out=True).rows] == ["0", "5", "10"]


def test_a_text_with_a_line_separator_is_one_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GOOD | {"text": "Ann\u2028Lee, Reno"}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read(path).rows[0].text == "Ann\u2028Lee, Reno"


@pytest.mark.parametrize(
    ("stem", "lang", "policy"),
    [
        ("asq_phi_test", "en", "hospital-us"),
        ("meddocan_test", "es", "hospital-eu"),
        ("echr_fr", "fr", "hospital-eu"),
        ("presidio_research_test", "en", "bank-eu"),
        ("gum_test", "en", "bank-eu"),
        ("wikigold", "en", "bank-eu"),
        ("secrets", "en", "hospital-us"),
        ("anything", "de", "hospital-eu"),
        ("generated_bank_en", "en", "bank-eu"),
        ("generated_notes_en", "en", "hospital-us"),
    ],
)
def test_a_file_is_measured_under_the_policy_of_its_kind(stem, lang, policy):
    assert profile_of(stem).policy_of(lang) == policy
    assert policy in TEMPLATES
    assert profile_of(stem, "bank-us").policy_of(lang) == "bank-us"


def test_a_corpus_of_general_names_asks_for_names_alone():
    row = Row("Ann, 3 May", "en", (Gold(0, 3, "PER", "PERSON"), Gold(5, 10, "time", "DATE")))
    profile = profile_of("gum_test")
    assert asked_for(row, profile) == Row(row.text, "en", row.gold[:1], ((5, 10),))
    assert profile.judges("PERSON")
    assert not profile.judges("DATE")
    result = measure([row], Finder((0, 3, "PERSON"), (4, 5, "DATE")), profile)
    assert (result.tally.recall, result.tally.precision) == (1.0, 1.0)


def test_labels_that_safe_harbor_lets_stand_are_told():
    labels = {"NAME", "SEXO_SUJETO_ASISTENCIA", "TITLE", "PAIS"}
    assert not_identifying(labels, "hospital-us") == ["PAIS", "SEXO_SUJETO_ASISTENCIA", "TITLE"]
    assert not_identifying(labels, "hospital-eu") == ["TITLE"]


def test_a_measurement_counts_misses_and_alarms_with_their_context():
    finder = Finder((0, 3, "PERSON"), (7, 8, "ID"))
    result = measure([parse(json.dumps(GOOD))], finder, profile_of("asq"))
    assert finder.policies == {"hospital-us"}
    assert [(miss.kind, miss.shown) for miss in result.misses] == [
        ("NAME in part", ">>Ann Lee<<, Reno"),
        ("CITY missed", "Ann Lee, >>Reno<<"),
    ]
    assert [alarm.kind for alarm in result.alarms] == ["ID"]
    assert result.kb_per_s == 13.0
    assert set(as_json({"asq": result})["asq"]) == FIGURES
    assert "| asq | ringfence | 0.0 % | 50.0 % |" in markdown({"asq": {"ringfence": result}})


def test_an_aim_is_judged_by_the_corpus_name():
    assert met("asq_phi_dev", "recall", 0.98) is False
    assert met("asq_phi_dev", "false_alarms", 0.05) is True
    assert met("wikigold", "recall", 0.0) is None


def test_generated_corpora_hold_entities_and_documents_without():
    for stem in CORPORA:
        rows = generated(stem, 8)
        assert any(row.gold for row in rows)
        assert any(not row.gold for row in rows)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("A 46-year-old man with Marfan syndrome and West Nile fever. WHO guideline.", True),
        ("A 92-year-old man", False),
        ("seen in October", False),
        ("It may be; he May have", True),
        ("virologist Jonas Salk", False),
        ("in the United States", False),
    ],
)
def test_prose_is_clean_without_people_places_months_and_high_ages(text, clean):
    assert names_nobody(text) is clean


@pytest.mark.parametrize("arguments", [["--data", "nowhere"], ["--data", "."]])
def test_a_folder_without_rows_ends_with_status_2(tmp_path, arguments):
    done = subprocess.run([sys.executable, SCRIPT, *arguments, "--json"], cwd=tmp_path, check=False, **CAPTURED)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no" in done.stderr


def test_json_prints_one_object_of_the_agreed_figures_and_nothing_else(tmp_path):
    (tmp_path / "asq_one.jsonl").write_text(json.dumps(GOOD) + "\nbroken\n")
    done = subprocess.run([sys.executable, SCRIPT, "--data", tmp_path, "--json", "--patterns"], check=False, **CAPTURED)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert set(printed) == {"asq_one"}
    assert set(printed["asq_one"]) == FIGURES
    assert printed["asq_one"]["false_alarms"] is None
    assert done.stdout.count("\n") == 1
    assert "asq_one.jsonl:2: no JSON" in done.stderr
