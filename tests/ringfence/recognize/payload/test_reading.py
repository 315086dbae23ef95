"""Whatever stands in a text, reading its structure neither fails nor takes long, and every span is one."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import payloads
from ringfence.recognize import ENTITIES
from ringfence.recognize.payload import payload_reading, read_payload

MESSAGES = (
    payloads.ADT,
    payloads.BATCH,
    payloads.X837,
    payloads.X835,
    payloads.FHIR,
    payloads.PAIN001,
    payloads.PACS008,
    payloads.CAMT053,
    payloads.CSV_EN,
    payloads.CSV_DE,
)
PIECES = (
    *"|^~&\\*:~<>\"'{}[],;\t\r\n \x0b\x1c\x00",
    *("MSH|^~\\&|", "PID|", "\rPID|", "ISA*", "NM1*IL*1*", '{"', '":', '[{"a":', "resourceType", "<Dbtr>", "</Dbtr>"),
    *(
        "<Nm>",
        "urn:iso:std:iso:20022:",
        "<!--",
        "<![CDATA[",
        '<a b="',
        "name,ssn\n",
        "dob;mrn\n",
        '""',
        "\\u",
        "\ud800",
    ),
    *("é", "王", "\u200b", "1980-01-02", "Smith", "\u2028", "div", "<div"),
)
mutated = st.tuples(
    st.sampled_from(MESSAGES),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), st.sampled_from(PIECES)), max_size=12),
)


def check(text):
    payload = read_payload(text)
    for span in payload.spans:
        assert 0 <= span.start < span.end <= len(text)
        assert any(char.isalnum() for char in text[span.start : span.end])
        assert span.entity_type in ENTITIES
    assert payload.walls == sorted(payload.walls)
    assert all(0 <= start < end <= len(text) for start, end in payload.walls)


@given(st.lists(st.sampled_from(PIECES), max_size=80).map("".join))
@settings(max_examples=300)
def test_marks_in_any_order_never_raise(text):
    """Texts made of what the formats are made of."""
    check(text)


@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda raw: raw.decode("latin-1")),
        st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    )
)
def test_any_text_never_raises(text):
    """Any characters, any bytes."""
    check(text)


@given(mutated)
@settings(max_examples=200)
def test_damaged_messages_never_raise(case):
    """Real messages with pieces cut out and put in."""
    text, edits = case
    for place, length, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    check(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"surname": "O\\"Hara \\/ Holm"}', {"O", "Hara", "Holm"}),
        ('{"surname": "Jos\\u00e9 \\"Pepe\\""}', {'Jos\\u00e9 \\"Pepe\\"'}),
        ('{"surname": "Ann\\nHolm"}', {"Ann\\nHolm"}),
        ("<Dbtr><Nm>O&apos;Hara &amp; Holm</Nm></Dbtr>", {"O", "Hara", "Holm"}),
        ("<Dbtr><Nm>J&#246;rg &amp; Holm</Nm></Dbtr>", {"J&#246;rg &amp; Holm"}),
        ("MSH|^~\\&|\rPID|1||||Holm\\T\\Sons", {"Holm", "Sons"}),
        ("MSH|^~\\&|\rPID|1||||H\\XF6\\lm", {"H\\XF6\\lm"}),
    ],
)
def test_escaped_marks_part_a_value_and_escaped_letters_do_not(text, values):
    """A surrogate beside an escape leaves it whole; of a value with escaped letters nothing may stand."""
    assert {text[span.start : span.end] for span in payload_reading(text)} == values


def test_plain_text_has_no_structure():
    """A note in prose, with commas, stars, braces and pipes."""
    note = "Seen, examined, and sent home. *Plan*: aspirin | rest; {see chart}. BP < 140 and > 90.\nDr. A, RN B\n" * 20
    assert payload_reading(note) == []


def steps(text):
    """How many lines of Python a reading takes: its work, whatever the machine."""
    count = 0

    def trace(_frame, event, _arg):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read_payload(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        *MESSAGES,
        *PIECES,
        "<a ",
        "<a b='",
        '{"a":{"b":',
        "ISA*" * 3,
        '"a","',
        "MSH|^~\\&|\r",
        "a,b\n",
        'name,ssn\n"',
        "[[",
        "<Dbtr><x>",
        "</x>",
        "<x></y>",
        "&#1;<",
    ],
)
def test_work_is_linear(unit):
    """Twice the text, at most a little more than twice the work; also under a header of each format."""
    generator = random.Random(7)
    for head in (
        "",
        "MSH|^~\\&|",
        "name,ssn,mrn\n",
        "<Dbtr>",
        '{"resourceType":"Patient","name":',
        payloads.X837[:106],
    ):
        short = head + unit * max(1, 2000 // len(unit)) + str(generator.random())
        long = head + unit * max(2, 4000 // len(unit)) + str(generator.random())
        ratio = max(1.0, (len(long) - len(head)) / (len(short) - len(head)))
        assert steps(long) <= steps(short) * ratio * 1.25 + 400, (head, ratio)
