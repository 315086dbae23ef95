"""A payload is still one after de-identification, without whom it was about, and comes back as it was."""

import csv
import datetime as dt
import io
import json
import re
from xml.etree import ElementTree as ET

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hl7apy.parser import parse_message
from pyx12.x12file import X12Reader

from fakes import payloads
from ringfence.labels import Label, Level
from ringfence.recognize import residual
from ringfence.recognize.payload import read_payload, settle
from ringfence.recognize.recogniser import Recogniser
from ringfenced.classify import classify
from ringfenced.deidentify import Reidentifier, deidentify
from ringfenced.model import Caller, Json, Message, Prompt, Request, Role, Text

CALLER = Caller("spiffe://s/app", "t", "ward", frozenset(), Label(Level.INTERNAL))
SEEDS = (b"seed" * 8, b"other" * 7)


@pytest.fixture(scope="module")
def scan(recogniser):
    """The recogniser's patterns and the schemas of payloads, and nothing else."""

    def go(text):
        return recogniser._findings(settle(text, recogniser._read(text, ()), read_payload(text)))

    assert isinstance(recogniser, Recogniser)
    return go


@pytest.fixture(scope="module")
def run(scan):
    """De-identify a text or a document: what leaves, and what comes back of it."""

    def go(text, seed=SEEDS[0]):
        is_document = text.startswith("{")
        prompt = Prompt((Message(Role.USER, (Json(text) if is_document else Text(text),)),))
        seen = classify(Request("r", prompt), CALLER, scan)
        made, mapping = deidentify(prompt, seen.findings, seen.label_asserted, seed=seed, scan=scan)
        out = made.prompt.messages[0].parts[0].text
        back = Reidentifier(mapping, json=is_document)
        return out, back.feed(out) + back.flush()

    return go


def gone(pairs, out):
    """The identifiers that still stand in `out`, of those that are somebody's by themselves."""
    return {text for kind, text in pairs if kind not in ("SEX", "COUNTRY") and len(text) > 3 and text in out}


def shape(text, marks):
    """The delimiters of a text, in order."""
    return "".join(char for char in text if char in marks)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("message", [payloads.ADT, payloads.ORU])
def test_hl7_stays_a_message(run, scan, message, seed):
    """Every delimiter stands where it stood, hl7apy reads it, dates are dates; nobody is in it; it comes back."""
    out, back = run(message, seed)
    assert back == message
    assert shape(out, "|^~\\&\r") == shape(message, "|^~\\&\r")
    assert not gone(payloads.ADT_FOUND, out)
    assert residual(scan, out) == ()
    read = parse_message(out, find_groups=False)
    assert len(read.pid.pid_7.value) == len("19570314")
    assert read.pid.pid_7.value.startswith(("21", "22"))
    for code in ("718-7^HGB", "2345-7^Glucose^LN", "E11.9^Type 2 diabetes mellitus", "PRODUCES HIVES"):
        assert (code in out) == (code in message)


def test_a_batch_stays_a_batch(run):
    """All delimiters, both messages; the same patient has the same surrogate in both."""
    out, back = run(payloads.BATCH)
    assert back == payloads.BATCH
    assert shape(out, "|^~\\&\r") == shape(payloads.BATCH, "|^~\\&\r")
    patients = {line.split("|")[3].split("^")[0] for line in out.split("\r") if line.startswith("PID")}
    assert len(patients) == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("message", [payloads.X837, payloads.X835])
def test_x12_stays_an_interchange(run, scan, message, seed):
    """pyx12 counts no error; segments, elements and components stand where they stood; codes are the original's."""
    out, back = run(message, seed)
    assert back == message
    assert shape(out, "*:~\n") == shape(message, "*:~\n")
    assert not gone(payloads.X837_FOUND, out)
    assert residual(scan, out) == ()
    # The header has a fixed width, and six digits of a date no surrogate: what stands for it is cut to size here.
    reader = X12Reader(io.StringIO(re.sub(r"\[DATE-999\d{6}\]", "000101", out, count=1)))
    assert [segment.get_seg_id() for segment in reader] == [part.strip().split("*")[0] for part in out.split("~")[:-1]]
    assert reader.pop_errors() == []
    kept = ("ST", "HL", "PRV", "HI", "LX", "SE", "GE", "CAS")
    before, after = (text.split("~") for text in (message, out))
    for old, new in zip(before, after, strict=True):
        if old.strip().startswith(kept):
            assert new == old


@pytest.mark.parametrize("seed", SEEDS)
def test_fhir_stays_valid(run, scan, seed):
    """fhir.resources takes it; codes, units, references and intervals hold; nobody is in it; it comes back."""
    bundle = json.loads(payloads.FHIR)
    bundle["entry"][0]["resource"]["telecom"].pop()  # an e-mail address beside short values is read together with them
    raw = json.dumps(bundle, indent=2)
    out, back = run(raw, seed)
    assert json.loads(back) == bundle
    assert not gone({pair for pair in payloads.FHIR_FOUND if pair[0] != "EMAIL"}, out)
    assert residual(scan, out) == ()
    made = get_fhir_model_class("Bundle").model_validate_json(out)
    patient, encounter, observation, coverage = (entry.resource for entry in made.entry)
    assert observation.code.coding[0].code == "2345-7"
    assert observation.valueQuantity.value == 182
    assert encounter.subject.reference == f"Patient/{patient.id}" == coverage.beneficiary.reference
    assert patient.birthDate.year > 2100
    assert encounter.period.start.date() - patient.birthDate == dt.date(2024, 3, 1) - dt.date(1957, 3, 14)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("message", [payloads.PAIN001, payloads.PACS008, payloads.CAMT053])
def test_iso20022_stays_well_formed(run, scan, message, seed):
    """expat takes it, tag by tag the same; amounts and currencies stay; nobody is in it; it comes back."""
    out, back = run(message, seed)
    assert back == message
    assert not gone(payloads.PAIN001_FOUND, out)
    assert residual(scan, out) == ()
    before, after = (list(ET.fromstring(text.encode()).iter()) for text in (message, out))
    assert [(node.tag, node.attrib) for node in before] == [(node.tag, node.attrib) for node in after]
    for old, new in zip(before, after, strict=True):
        if old.tag.rpartition("}")[2] in ("InstdAmt", "CtrlSum", "Ccy", "Cd", "NbOfTxs", "Amt"):
            assert new.text == old.text


@pytest.mark.parametrize(
    ("table", "delimiter"),
    [(payloads.CSV_EN, ","), (payloads.CSV_DE, ";"), (payloads.CSV_ES, "\t"), (payloads.CSV_FR, ",")],
)
def test_tables_keep_rows_and_columns(run, scan, table, delimiter):
    """As many cells in each row, the header as it was, measurements as they were; it comes back."""
    out, back = run(table)
    assert back == table
    assert residual(scan, out) == ()
    before, after = (list(csv.reader(io.StringIO(text), delimiter=delimiter)) for text in (table, out))
    assert [len(row) for row in before] == [len(row) for row in after]
    assert before[0] == after[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        assert old[0] != new[0]
        assert (old[-1] == new[-1]) == ("@" not in old[-1])


def test_payloads_inside_sentences_stay_payloads(run):
    """An instruction before, a question behind."""
    text = f"Summarise this:\n\n{payloads.ORU}\n\nand this\n```json\n{json.dumps(payloads.COVERAGE)}\n```\nPlease."
    out, back = run(text)
    assert back == text
    assert out.startswith("Summarise this:")
    assert out.endswith("Please.")
    inside = json.loads(out[out.index("```json") + 7 : out.rindex("```")])
    get_fhir_model_class("Coverage").model_validate(inside)
