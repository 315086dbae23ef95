"""De-identification of whole prompts, and the way back."""

import copy
import dataclasses
import datetime as dt
import importlib
import json
import pickle
import random
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.labels import RESTRICTED, Category, Label, Level
from ringfence.recognize import is_reserved, residual
from ringfence.recognize.finding import Finding
from ringfenced.classify import classify, string_leaves
from ringfenced.deidentify import Deidentified, Reidentifier, ResidualFindings, deidentify
from ringfenced.model import Caller, File, Image, Json, Message, Prompt, Request, Role, Sampling, Text, Tool, ToolCall

ROOT = Path(__file__).parents[3]
CALLER = Caller("spiffe://s/app", "t", "ward", frozenset(), Label(Level.INTERNAL))
SEED = b"seed" * 8


def prompt_of(*texts):
    return Prompt(tuple(Message(Role.USER, (Text(text),)) for text in texts))


@pytest.fixture(scope="session")
def run(recogniser):
    """Classify and de-identify a prompt or a text."""

    def go(prompt, seed=SEED, label=None):
        prompt = prompt_of(prompt) if isinstance(prompt, str) else prompt
        seen = classify(Request("r", prompt, label=label), CALLER, recogniser.scan)
        return deidentify(prompt, seen.findings, seen.label_asserted, seed=seed, scan=recogniser.scan)

    return go


def text_of(made, index=0):
    return made.prompt.messages[index].parts[0].text


def back(mapping, text, cuts=(), **options):
    """Feed `text` cut at `cuts` through a re-identifier."""
    reidentifier = Reidentifier(mapping, **options)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [reidentifier.feed(text[start:end]) for start, end in pairwise(edges)]
    return "".join(pieces) + reidentifier.flush()


IDENTIFIERS = [
    "Patient: Margarete Ellison-Varga\n",
    "PATIENT: VAN DER BERG, JAN P.\n",
    "Mrs Ellison-Varga ",
    "Dr. Ruben Castellan ",
    "Name: José García López\n",
    "Customer: O'Brien, Anna M.; ",
    "DOB: 03/14/1957\n",
    "DOB 14.03.57 ",
    "on March 14, 1957 ",
    "am 3. März 2024 ",
    "2026-11-02 ",
    "14 May ",
    "31/02/2024 ",
    "MRN: H-2291-40873\n",
    "Case no. 12 ",
    "Account: AB 120934\n",
    "SSN: 524-71-6038\n",
    "NPI 2580730218 ",
    "Card: 4012 8888 8888 1881\n",
    "IBAN: DE26 2931 3758 5847 1954 06\n",
    "(216) 445-0142 ",
    "+49 30 1234567 ",
    "Phone: 555-0142\n",
    "anna.smith@clinic.example.org ",
    "https://portal.clinic.org/r/402917 ",
    "10.1.2.3 ",
    "2001:db8::7 ",
    "00:1a:2b:3c:4d:5e ",
    "48 Linden Street, Fairview, OH 44126\n",
    "ZIP: 44126\n",
    "a 93-year-old woman ",
    "Age: 101\n",
    "7781-0429-16 ",
]
FILLER = [
    "She was seen. ",
    "Aspirin 100 mg. ",
    "BP 132/84 mmHg\n",
    "grüße ",
    "王 ",
    '{"a": 1} ',
    "\u200b",
    "90 ",
    "é",
    "\n\n",
    "The end. ",
]
texts = st.lists(st.sampled_from(IDENTIFIERS + FILLER), max_size=14).map("".join)


@given(texts, st.lists(st.integers(0, 2000), max_size=40), st.binary(max_size=70))
@settings(max_examples=150, deadline=None)
def test_reidentification_undoes_deidentification(run, recogniser, text, cuts, seed):
    """Over any chunking the original comes back; nothing that the agent would find is left; the label is INTERNAL."""
    try:
        made, mapping = run(text, seed)
    except ResidualFindings:
        return  # kept inside: safe, and rare (see the test of notes)
    assert back(mapping, text_of(made), cuts) == text
    assert residual(recogniser.scan, text_of(made)) == ()
    assert made.label == Label(Level.INTERNAL)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_each_kind_is_replaced_by_its_reserved_space(run, recogniser, identifier):
    """One identifier of each kind: gone from what leaves, and what stands there is nobody's."""
    made, mapping = run(f"See {identifier}")
    out = text_of(made)
    found = recogniser.scan(out)
    assert out != f"See {identifier}"
    assert len(mapping) > 0
    assert all(is_reserved(finding.entity_type, out[finding.start : finding.end]) for finding in found)


def test_generated_notes_leave_nothing(run, recogniser):
    """400 notes of every layout: at most one in a hundred stays, and none that leaves has a residual finding."""
    sys.path.insert(0, str(ROOT / "models"))
    notes, names = importlib.import_module("tiny.notes"), importlib.import_module("tiny.names")
    sys.path.pop(0)
    rng = random.Random(2)
    kept = 0
    for _ in range(400):
        note = notes.draw(
            rng, rng.choice((notes.FAMILIAR, notes.UNFAMILIAR)), rng.choice((names.KNOWN, names.RESERVED))
        )
        try:
            made, mapping = run(note.text, rng.randbytes(32))
        except ResidualFindings:
            kept += 1
            continue
        assert residual(recogniser.scan, text_of(made)) == ()
        assert back(mapping, text_of(made), [rng.randrange(5000) for _ in range(60)]) == note.text
    assert kept <= 4


@pytest.mark.parametrize("example", ["discharge-note", "payment-dispute", "unfamiliar-note"])
def test_the_examples_leave_nothing(run, example):
    """No identifier of the shipped examples is in what leaves."""
    text = (ROOT / "examples" / f"{example}.txt").read_text()
    made, mapping = run(text)
    out = text_of(made).casefold()
    for value in mapping._originals.values():
        assert len(value) < 4 or value.casefold() not in out
    assert back(mapping, text_of(made)) == text


def test_the_same_person_has_the_same_surrogate_in_every_form(run):
    """Full, reversed, in capitals, surname alone, in another message: one person stays one."""
    made, mapping = run(
        prompt_of("Patient: John Smithson", "SMITHSON, JOHN was seen by Mr Smithson's wife. john smithson, Smithson.")
    )
    given_name, family = text_of(made).removeprefix("Patient: ").split()
    assert text_of(made, 1) == (
        f"{family.upper()}, {given_name.upper()} was seen by Mr {family}'s wife. "
        f"{given_name.lower()} {family.lower()}, {family}."
    )
    assert back(mapping, f"{family} and {given_name.upper()} and {family}'s") == "Smithson and JOHN and Smithson's"


def test_a_later_mention_in_another_form_does_not_leak(run):
    """What a label revealed in one leaf is replaced in every other, without label, with accents, in other cases."""
    made, _ = run(
        prompt_of(
            "Account: QX77-31-A and Paciente: José García", "qx77-31-a belongs to garcia, JOSE GARCÍA, and GARCIA too"
        )
    )
    out = text_of(made, 1).casefold()
    assert not any(word in out for word in ("qx77", "garcia", "garcía", "jose"))


def test_intervals_and_weekdays_hold(run):
    """Dates move by one offset, in their own format, into years that are nobody's; two years become four digits."""
    made, _ = run("Admitted: 11/02/2026\nDischarged: 11/09/2026\nDOB: 02.11.26\nSeen on November 2nd, 2026")
    lines = [line.split(": ")[-1] for line in text_of(made).splitlines()]
    first, second = (dt.date(int(line[6:]), int(line[:2]), int(line[3:5])) for line in lines[:2])
    assert second - first == dt.timedelta(days=7)
    assert first.weekday() == dt.date(2026, 11, 2).weekday()
    assert lines[2] == first.strftime("%d.%m.%Y")
    assert 2100 <= first.year <= 2299


def test_surrogates_depend_on_the_seed_alone(run):
    """The same seed gives the same surrogates, another seed others."""
    text = "Patient: Anna Varga\nMRN: 4471120\nDOB: 03/14/1957"
    assert text_of(run(text)[0]) == text_of(run(text)[0])
    other = text_of(run(text, b"other")[0])
    assert all(a != b for a, b in zip(text_of(run(text)[0]).splitlines(), other.splitlines(), strict=True))


def test_different_originals_have_different_surrogates(run):
    """Fifty numbers of three digits, for which the reserved space has one value: still fifty surrogates."""
    text = "\n".join(f"Case no. {number}" for number in range(100, 150))
    made, mapping = run(text)
    assert len(set(text_of(made).splitlines())) == 50
    assert back(mapping, text_of(made)) == text


def test_json_stays_json(run, recogniser):
    """Strings, keys and numbers are replaced inside the document; the rest of it stays as it was written."""
    raw = (
        '{ "patient": "Anna \\u0056arga",\n "ssn": 524716038, "tags": ["Varga", 7, null], '
        '"Anna Varga": {"x": "SSN 524-71-6038"} }'
    )
    prompt = Prompt(
        (Message(Role.USER, (Json(raw),), tool_calls=(ToolCall("1", "f", '{"customer_name": "Anna Varga"}'),)),)
    )
    made, mapping = run(prompt)
    out = made.prompt.messages[0].parts[0].text
    document = json.loads(out)
    assert list(document)[:3] == ["patient", "ssn", "tags"]
    assert document["ssn"] != 524716038
    assert str(document["ssn"]).startswith("666")
    assert "arga" not in out
    assert '"tags": [' in out
    assert document["tags"][1:] == [7, None]
    assert json.loads(made.prompt.messages[0].tool_calls[0].arguments_json)["customer_name"] == document["patient"]
    assert json.loads(back(mapping, out, range(len(out)), json=True)) == json.loads(raw)
    assert residual(recogniser.scan, out) == ()


def test_originals_are_escaped_inside_json(run):
    """A name with a quotation mark or a line break does not break the arguments that it comes back into."""
    prompt = Prompt(
        (
            Message(
                Role.USER,
                (Json(json.dumps({"address": 'Address: 12 "Old"\nMill Road, X 44126', "patient": "Zoë O'Brien"})),),
            ),
        )
    )
    made, mapping = run(prompt)
    out = made.prompt.messages[0].parts[0].text
    assert json.loads(back(mapping, out, range(0, len(out), 3), json=True)) == json.loads(
        prompt.messages[0].parts[0].text
    )


def test_every_leaf_is_rewritten(run):
    """An identifier in any field of a prompt is gone from all of them."""
    name = "Anna Varga"
    prompt = Prompt(
        messages=(
            Message(
                Role.ASSISTANT,
                (
                    Text(f"Patient: {name}"),
                    File(b"Anna Varga", "text/plain", "Anna Varga.txt", name),
                    Json('{"x": "Anna Varga"}'),
                ),
                name="Varga",
                tool_calls=(ToolCall("Varga", "f", '{"n": "Anna Varga"}'),),
                tool_call_id="call Varga",
            ),
        ),
        tools=(Tool("t", f"Calls {name}", '{"description": "of Anna Varga"}'),),
        json_schema='{"const": "Anna Varga"}',
        schema_name="Varga",
        sampling=Sampling(stop=("Varga:",)),
    )
    made, _ = run(prompt)
    leaves = [text for _, text in string_leaves(made.prompt, {})]
    assert len(leaves) == len(list(string_leaves(prompt, {})))
    assert not any("arga" in text or "Anna" in text for text in leaves)
    assert b"arga" not in made.prompt.messages[0].parts[1].data


def test_an_identifier_split_over_parts_is_replaced(run):
    """Its surrogate stands where it begins; the answer brings it back whole."""
    made, mapping = run(Prompt((Message(Role.USER, (Text("SSN 524-71"), Text("-6038, thanks"))),)))
    first, second = (part.text for part in made.prompt.messages[0].parts)
    assert second == ", thanks"
    assert back(mapping, first + second) == "SSN 524-71-6038, thanks"


def test_a_clean_prompt_goes_through_too(run):
    """Nothing found: the same prompt, the asserted label, an empty mapping."""
    prompt = prompt_of("What does HbA1c measure?")
    made, mapping = run(prompt, label=Label())
    assert (made.prompt, made.label, len(mapping)) == (prompt, Label(), 0)


def test_labels_before_and_after(run):
    """What was found is no longer in the label; what the caller asserted is."""
    asserted = Label(Level.INTERNAL, frozenset({Category.CUSTOM}))
    made, _ = run("SSN 524-71-6038", label=asserted)
    assert made.label_before == Label(Level.RESTRICTED, frozenset({Category.CUSTOM, Category.PII}))
    assert made.label == asserted


def test_what_cannot_be_read_stays_restricted(run):
    """De-identification does not lower what it cannot look into."""
    made, _ = run(Prompt((Message(Role.USER, (Text("SSN 524-71-6038"), Image(b"x", "image/png"))),)))
    assert made.label.level == RESTRICTED.level


def test_a_secret_is_never_deidentified(run):
    """A password makes the request stay; the error counts, and says nothing else."""
    with pytest.raises(ResidualFindings) as raised:
        run("password: hunter2!x")
    assert raised.value.counts == {"SECRET": 1}
    assert "hunter2" not in repr(raised.value) + str(raised.value)


def test_a_failing_recogniser_lets_nothing_out():
    """A leaf that cannot be scanned is not sent; the recogniser's error, which may hold content, is not chained."""

    def broken(_text):
        raise RuntimeError("content")

    with pytest.raises(ResidualFindings) as raised:
        deidentify(prompt_of("x"), (), Label(), seed=SEED, scan=broken)
    assert raised.value.counts == {"UNREADABLE": 1}
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_what_a_later_scan_finds_is_replaced_too(recogniser):
    """A recogniser that sees more the second time: its findings are replaced in the next round."""
    calls = []

    def scan(text):
        calls.append(text)
        return recogniser.scan(text) if len(calls) > 1 else ()

    made, mapping = deidentify(prompt_of("SSN 524-71-6038"), (), Label(), seed=SEED, scan=scan)
    assert text_of(made).startswith("SSN 666-")
    assert back(mapping, text_of(made)) == "SSN 524-71-6038"


def test_what_is_found_again_and_again_stays_inside():
    """A recogniser that takes any word for an address: no surrogate helps, and nothing leaves."""

    def scan(text):
        return tuple(Finding(start, start + 4, "SSN", 1.0, "r") for start in range(0, len(text) - 4, 5))

    with pytest.raises(ResidualFindings) as raised:
        deidentify(prompt_of("1234 5678 9012 3456"), (), Label(), seed=SEED, scan=scan)
    assert raised.value.counts["SSN"] >= 1
    assert "5678" not in repr(raised.value) + str(raised.value)


def test_nobody_else_makes_a_deidentified():
    """Neither the constructor nor `replace` gives one without the package's token."""
    with pytest.raises(TypeError):
        Deidentified(prompt_of("x"), Label(), Label(), object())


def test_replace_does_not_forge(run):
    made, _ = run("x")
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(made, label=Label())


def test_a_mapping_stays_in_memory(run):
    """It prints nothing of what it holds, and is neither pickled nor copied."""
    _, mapping = run("Patient: Anna Varga")
    assert "arga" not in repr(mapping) + str(mapping)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(mapping)
