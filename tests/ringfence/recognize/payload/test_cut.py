"""Spans keep inside the fields of a payload."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.payload import read_payload, settle
from ringfence.recognize.payload.cut import cut
from ringfence.recognize.span import Span


def test_a_span_over_fields_becomes_one_a_field():
    """The separators fall out, and blanks at a cut; what has no letter is dropped."""
    text = "PID|1||77||DOE^ JANE^^|x"
    span = Span(text.index("DOE"), len(text) - 2, "PERSON", 0.5, "r")
    pieces = cut(text, [span], read_payload(text).walls)
    assert [text[piece.start : piece.end] for piece in pieces] == ["DOE", "JANE"]


def test_a_span_inside_a_field_and_a_text_without_walls_stay():
    """Nothing to cut."""
    text = "PID|1||77||DOE^JANE^^|x"
    spans = [Span(11, 14, "PERSON", 0.5, "r")]
    assert cut(text, spans, read_payload(text).walls) == spans
    assert cut(text, spans, ()) == spans


@given(st.data())
def test_cutting_loses_nothing_but_walls(data):
    """Every letter and digit of a span outside walls lies in a piece, and no piece touches a wall."""
    text = data.draw(st.text("ab |^\n", min_size=1, max_size=40))
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=10)))
    walls = list(zip(edges[::2], edges[1::2], strict=False))
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))), "PERSON", 0.5, "r")
    walled = {at for begin, end in walls for at in range(begin, end)}
    kept = {at for piece in cut(text, [span], walls) for at in range(piece.start, piece.end)}
    assert {at for at in range(span.start, span.end) if text[at].isalnum()} - walled <= kept
    assert kept.isdisjoint(walled) or not walled & set(range(span.start, span.end))


def test_a_date_where_the_schema_has_one_is_no_card_number():
    """Fourteen digits of a time pass Luhn's check one time in ten; secrets stay, and so does what is no date."""
    text = "PID|1||77||DOE^JANE||20240301122500|F|"
    payload = read_payload(text)
    start = text.index("2024")
    assert settle(text, [Span(start, start + 14, "PAN", 0.9, "r")], payload) == payload.spans
    secret = Span(start, start + 14, "SECRET", 0.9, "r")
    assert secret in settle(text, [secret], payload)
    wrong = text.replace("20240301122500", "20249901122500")
    number = Span(start, start + 14, "PAN", 0.9, "r")
    assert number in settle(wrong, [number], read_payload(wrong))


def test_a_reference_keeps_its_type():
    """``Patient/`` is FHIR's word; only what stands behind it is replaced."""
    text = '{"resourceType": "X", "subject": {"reference": "Patient/p-1"}, "fullUrl": "urn:uuid:3f2b0c1d"}'
    start = text.index("Patient/")
    spans = settle(text, [Span(start, start + 11, "CASE_ID", 0.9, "r")], read_payload(text))
    assert {text[span.start : span.end] for span in spans} == {"p-1", "3f2b0c1d"}


@pytest.mark.parametrize(
    "text",
    [
        "urn:iso:std:iso:20022: <SSN-524-71-6038>",
        "urn:iso:std:iso:20022: <Dbtr><Ann_Holm x-524716038='y'/></Dbtr>",
        "urn:iso:std:iso:20022: <Holm:Dbtr>",
        "MSH|^~\\&|A\rANN|Holm|524-71-6038",
        "MSH5^~\\&5A5524-71-6038",
        f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*A*ZZ*B*240301*1230*^*00501*000000905*0*P*5~ANN*524-71-6038~",
        '{"resourceType": "X", "subject": {"reference": "AnnHolm/524-71-6038"}, "Ann Holm": 524716038}',
        "name,Ann Holm,ssn\n524-71-6038,x,y\n",
    ],
)
def test_nothing_hides_behind_a_wall(text):
    """Walls are marks and the schemas' own words: names and numbers written where those stand are still found."""
    wanted = [match.span() for match in re.finditer("(?i)ann|holm|524|71|6038", text)]
    spans = settle(text, [Span(start, end, "PERSON", 0.5, "r") for start, end in wanted], read_payload(text))
    kept = {at for span in spans for at in range(span.start, span.end)}
    assert all(kept.issuperset(range(start, end)) for start, end in wanted)


def test_a_field_of_a_few_letters_is_no_name_for_who_knows_only_prose():
    """A sex or a state between delimiters is what its schema says; a name of four letters stays."""
    text = "PID|1||7||DOE^JOHN||19800102|F|||NC\rNTE|1||ANNA"
    payload = read_payload(text)
    guessed = [
        Span(text.index(word), text.index(word) + len(word), "PERSON", 0.9, "tagger:person")
        for word in ("F|", "NC", "ANNA")
    ]
    guessed[0] = guessed[0]._replace(end=guessed[0].end - 1)
    kept = settle(text, guessed, payload)
    assert [text[span.start : span.end] for span in kept if span.recogniser == "tagger:person"] == ["ANNA"]


@pytest.mark.parametrize("name", ["Kim", "Ann", "Ng"])
def test_a_short_name_with_a_capital_is_no_code(name):
    """Codes are written in capitals, or without any."""
    text = f"visit,seen,by\n1,x,{name}\n2,y,z\n"
    start = text.index(name)
    guessed = Span(start, start + len(name), "PERSON", 0.9, "tagger:person")
    assert guessed in settle(text, [guessed], read_payload(text))


@pytest.mark.parametrize(
    "value", ["2024-05-05 4111111111111111", "2024-05-05T10:30:00", "2024-05", "2024-05-05T10:30Z"]
)
def test_what_stands_behind_a_day_is_a_time_or_stays_what_it_is(value):
    """A card number in a field for dates is still a card number."""
    text = f'{{"date": "{value}"}}'
    start = text.index("2024")
    card = Span(start, start + len(value), "PAN", 0.9, "r")
    assert (card in settle(text, [card], read_payload(text))) == value.endswith("1111")
