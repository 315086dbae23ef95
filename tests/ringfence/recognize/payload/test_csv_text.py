"""Tables: a header names its columns, in four languages and with any delimiter."""

import pytest

from fakes import payloads


def test_quoted_cells_keep_their_marks_outside(found):
    """Delimiters and doubled marks inside quotation marks belong to the cell."""
    seen = found(payloads.CSV_EN)
    assert seen == {
        ("PERSON", "Ellison, Margaret"),
        ("PERSON", 'O""Hara, Sean'),
        ("DATE", "1957-03-14"),
        ("DATE", "2/3/1961"),
        ("MRN", "483921"),
        ("MRN", "483922"),
        ("EMAIL", "m.ellison@mail.test"),
    }


def test_a_german_export_is_read(found):
    """Semicolons, carriage returns, umlauts in the header, decimal commas."""
    seen = found(payloads.CSV_DE)
    assert {
        ("PERSON", "Feldhaus"),
        ("PERSON", "Jörg"),
        ("DATE", "02.01.1980"),
        ("DATE", "14.3.57"),
        ("ADDRESS", "Lindenstraße 48; Hof"),
        ("ADDRESS", "10969"),
        ("PLACE", "Hamburg"),
        ("PHONE", "030 4455667"),
        ("INSURANCE_ID", "B987654321"),
    } <= seen
    assert {"1.250,50", "99,00"}.isdisjoint(text for _, text in seen)


def test_spanish_and_french_exports_are_read(found):
    """Tabs; a quoted cell over two lines."""
    assert found(payloads.CSV_ES) == {
        ("PERSON", "Inés"),
        ("PERSON", "Romero Gil"),
        ("DATE", "02/01/1980"),
        ("DOCUMENT_ID", "12345678Z"),
        ("PHONE", "600112233"),
    }
    assert found(payloads.CSV_FR) == {
        ("PERSON", "Garnier"),
        ("PERSON", "Amélie"),
        ("DATE", "02/01/1980"),
        ("INSURANCE_ID", "280017500112345"),
        ("PLACE", "Saint-Étienne\nCedex"),
    }


@pytest.mark.parametrize("frame", ["Here it is:\n{}\nWhat is the mean glucose?", "```csv\n{}```", "{}"])
def test_a_table_is_found_whatever_stands_around_it(found, frame):
    """Between sentences, in a fence."""
    assert ("PERSON", 'O""Hara, Sean') in found(frame.format(payloads.CSV_EN))


def test_markdown_tables_are_tables(found):
    """With or without outer pipes."""
    table = "| Name | DOB | HbA1c |\n|---|:-:|---|\n| Ines Romero | 2 Jan 1980 | 7.1 |\n"
    assert found(table) == {("PERSON", "Ines Romero"), ("DATE", "2 Jan 1980")}
    assert found("MRN|HbA1c\n--|--\n77|7.1\n") == {("MRN", "77")}


@pytest.mark.parametrize(
    "text",
    [
        "The patient, doctor, and nurse met.\nThey talked, laughed, and left.\n",
        "Dear team, date and city are open.\nBest, Ann\n",
        "name,price,colour\nshirt,10,red\n",
        "date,open,close\n2024-01-02,1,2\n",
        "patient_id,glucose\n",
        "email\nfoo\n",
    ],
)
def test_sentences_and_other_tables_are_left_alone(found, text):
    """A line with commas is no header; goods and quotes are nobody's; a header without rows says nothing."""
    assert found(text) == set()


@pytest.mark.parametrize("column", ["person", "mother", "caregiver"])
def test_a_column_of_persons_holds_names_however_short(found, column):
    """Three letters are a name where the column says so."""
    assert {("PERSON", "Kim"), ("PERSON", "Ng")} <= found(f"visit,{column},code\n1,Kim,A\n2,Ng,B\n3,Lee,C\n")
