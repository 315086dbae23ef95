"""Entries as OCSF, CEF, RFC 5424 and JSON: golden examples, and whatever an entry holds is read back."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.egresslog import canonical
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.formats import FORMATS, Envelope
from ringfenced.cli.auditing.record import Record

FACTS = Facts(version="1.2.3", host="node1", origin="site.example/egress")

COMMON = {
    "v": 1,
    "seq": 7,
    "time_unix_ms": 1_793_714_400_123,
    "request_id": "r-1",
    "department": "ward",
    "provider": "cloud",
    "model": "gpt",
    "region": "eu",
}
INTENT = Record.of(
    7,
    canonical(
        {
            **COMMON,
            "kind": "intent",
            "caller": "p-1",
            "label": {"level": "CONFIDENTIAL", "categories": ["PHI", "PII"]},
            "label_before": {"level": "RESTRICTED", "categories": ["PHI"]},
            "findings": {"PERSON": 1},
            "findings_before": {"MRN": 2, "PERSON": 3},
            "bytes_out": 812,
        }
    ),
)
REFUSAL = Record.of(8, canonical({**COMMON, "seq": 8, "kind": "refusal", "caller": "p-1", "reasons": ["residual"]}))
OUTCOME = Record.of(
    9, canonical({**COMMON, "seq": 9, "kind": "outcome", "intent": 7, "outcome": "failed", "reasons": ["rate_limited"]})
)
LOCKDOWN = Record.of(10, canonical({"v": 1, "seq": 10, "time_unix_ms": 5, "kind": "lockdown", "on": 1, "why": "drill"}))
DAMAGED = Record.of(11, b"\xff\n{")
ALL = (INTENT, REFUSAL, OUTCOME, LOCKDOWN, DAMAGED)


def ocsf(record):
    return json.loads(FORMATS["ocsf"](record, FACTS))


# ── golden examples ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_intent_as_ocsf():
    assert ocsf(INTENT) == {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "type_uid": 600301,
        "type_name": "API Activity: Create",
        "severity_id": 1,
        "severity": "Informational",
        "time": 1_793_714_400_123,
        "message": "ward sends 812 bytes to cloud/gpt under CONFIDENTIAL {PHI, PII}",
        "metadata": {
            "version": "1.6.0",
            "product": {"name": "ringfence-agent", "vendor_name": "Ringfence", "version": "1.2.3"},
            "log_name": "site.example/egress",
            "log_provider": "ringfence-agent",
            "uid": INTENT.leaf,
            "sequence": 7,
            "event_code": "intent",
            "original_time": "2026-11-03T14:00:00.123Z",
            "correlation_uid": "r-1",
            "profiles": ["security_control"],
        },
        "actor": {"user": {"uid": "p-1", "groups": [{"name": "ward"}]}},
        "api": {"operation": "intent", "service": {"name": "cloud"}, "request": {"uid": "r-1"}},
        "src_endpoint": {"name": "node1", "svc_name": "ringfence-agent"},
        "dst_endpoint": {"svc_name": "cloud"},
        "resources": [{"name": "gpt", "type": "model", "labels": ["CONFIDENTIAL", "PHI", "PII"]}],
        "action_id": 1,
        "action": "Allowed",
        "disposition_id": 1,
        "disposition": "Allowed",
        "unmapped": {
            "v": 1,
            "region": "eu",
            "label_before": {"level": "RESTRICTED", "categories": ["PHI"]},
            "findings": {"PERSON": 1},
            "findings_before": {"MRN": 2, "PERSON": 3},
            "bytes_out": 812,
        },
    }


def test_a_refusal_is_a_denial_in_ocsf():
    event = ocsf(REFUSAL)
    assert (event["action_id"], event["disposition_id"], event["status_id"]) == (2, 2, 2)
    assert (event["severity_id"], event["status_detail"]) == (4, "residual")


@pytest.mark.parametrize(("outcome", "status"), [("answered", 1), ("failed", 2), ("cancelled", 2), ("unknown", 0)])
def test_an_outcomes_status_in_ocsf(outcome, status):
    record = Record.of(9, canonical({**COMMON, "kind": "outcome", "outcome": outcome}))
    assert ocsf(record)["status_id"] == status


REQUIRED = ("activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid", "metadata", "actor", "api")
"""Of API Activity in OCSF 1.6.0, with `src_endpoint`."""


@pytest.mark.parametrize("record", ALL, ids=lambda record: record.kind)
def test_every_event_has_what_ocsf_requires(record):
    event = ocsf(record)
    assert set(REQUIRED) | {"src_endpoint"} <= set(event)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert {"product", "version"} <= set(event["metadata"])
    assert event["api"]["operation"]
    assert set(event["actor"]) & {"user", "app_name"}


def test_an_intent_as_cef():
    assert FORMATS["cef"](INTENT, FACTS).decode() == (
        "CEF:0|Ringfence|ringfence-agent|1.2.3|intent|Payload released to a provider|2|rt=1793714400123 cat=intent "
        "externalId=7 dvchost=node1 act=allowed suid=p-1 destinationServiceName=cloud out=812 "
        "cs1Label=department cs1=ward cs2Label=model cs2=gpt cs3Label=label cs3=CONFIDENTIAL {PHI, PII} "
        f"cs4Label=region cs4=eu cs5Label=requestId cs5=r-1 cs6Label=leafHash cs6={INTENT.leaf} "
        "flexString1Label=findings flexString1=PERSON 1 "
        "msg=ward sends 812 bytes to cloud/gpt under CONFIDENTIAL {PHI, PII}"
    )


def test_an_intent_as_syslog():
    assert FORMATS["rfc5424"](INTENT, FACTS).decode() == (
        "<110>1 2026-11-03T14:00:00.123Z node1 ringfence-agent - intent "
        f'[ringfence@32473 log="site.example/egress" index="7" leaf="{INTENT.leaf}" request_id="r-1" caller="p-1" '
        'department="ward" provider="cloud" model="gpt" region="eu" label="CONFIDENTIAL {PHI, PII}" '
        'label_before="RESTRICTED" bytes_out="812" findings="PERSON=1" findings_before="MRN=2,PERSON=3"]'
        '[meta sequenceId="8"][origin software="ringfence-agent" swVersion="1.2.3"] '
        "\ufeffward sends 812 bytes to cloud/gpt under CONFIDENTIAL {PHI, PII}"
    )


def test_an_entry_stays_byte_for_byte_in_ndjson():
    line = FORMATS["ndjson"](INTENT, FACTS)
    assert INTENT.entry in line
    assert json.loads(line) == {"index": 7, "leaf": INTENT.leaf, "entry": dict(INTENT.fields)}


def test_what_cannot_be_read_is_passed_on_as_such():
    line = json.loads(FORMATS["ndjson"](DAMAGED, FACTS))
    assert (line["entry"], base64.b64decode(line["base64"])) == (None, DAMAGED.entry)
    assert ocsf(DAMAGED)["severity_id"] == 4


def test_other_forms_become_the_text_of_a_syslog_message_on_the_way_to_a_syslog_server():
    bare = FORMATS["cef"](REFUSAL, FACTS)
    wrapped = Envelope(FORMATS["cef"], syslog=True)(REFUSAL, FACTS)
    assert wrapped == b"<107>1 2026-11-03T14:00:00.123Z node1 ringfence-agent - refusal - " + bare
    assert Envelope(FORMATS["rfc5424"], syslog=True)(REFUSAL, FACTS) == FORMATS["rfc5424"](REFUSAL, FACTS)
    assert Envelope(FORMATS["cef"], syslog=False)(REFUSAL, FACTS) == bare


# ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HOSTILE = st.one_of(TEXTS, st.text("\\=|\"]\n\r [{}<>,\x00\x85\u2028'", max_size=12))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)
NAMES = ("kind", "caller", "department", "provider", "model", "reasons", "label", "findings", "outcome", "bytes_out")
ENTRIES = st.dictionaries(st.sampled_from((*NAMES, "time_unix_ms", "request_id", "intent", "why", "x")), VALUES)
RECORDS = st.builds(Record.of, st.integers(0, 2**63), ENTRIES.map(canonical) | st.binary(max_size=40))


def lines_like_a_reader(data):
    """What a careless reader takes for a line's end."""
    return data.decode().splitlines()


@given(RECORDS)
def test_whatever_an_entry_holds_it_is_one_line_in_cef_and_syslog(record):
    for name in ("cef", "rfc5424"):
        assert len(lines_like_a_reader(FORMATS[name](record, FACTS))) == 1


@given(RECORDS)
def test_whatever_an_entry_holds_it_is_one_json_object(record):
    for name in ("ocsf", "ndjson"):
        line = FORMATS[name](record, FACTS)
        assert b"\n" not in line
        assert isinstance(json.loads(line), dict)


def test_half_a_surrogate_pair_stops_no_export():
    """JSON can escape what UTF-8 cannot hold."""
    record = Record.of(1, b'{"kind":"refusal","department":"\\ud800","reasons":["\\udfff"]}')
    assert record.text("department") == "\ud800"
    for form in FORMATS.values():
        form(record, FACTS).decode()


def read_cef(line):
    """A reader after the specification: header and extension."""
    *head, extension = re.split(r"(?<!\\)\|", line, maxsplit=7)
    found = {}
    for match in re.finditer(r"(\w+)=((?:\\.|[^=\\])*?)(?= \w+=|$)", extension, re.DOTALL):
        found[match[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), match[2])
    return head, found


@given(department=TEXTS.filter(str.strip), why=TEXTS)
def test_cef_values_are_read_back(department, why):
    """But for control characters, which become U+FFFD, and spaces at the ends, which CEF cannot tell."""
    record = Record.of(1, canonical({**COMMON, "kind": "refusal", "department": department, "reasons": [why]}))
    head, found = read_cef(FORMATS["cef"](record, FACTS).decode())
    assert head[:2] == ["CEF:0", "Ringfence"]
    assert found["cs1"].strip() == cleaned(department, kept="\r\n").strip()
    assert found.get("reason", "").strip() == cleaned(why, kept="\r\n").strip()


def read_syslog(text):
    """A reader after RFC 5424, section 6: priority, header fields, elements, message."""
    head = re.match(r"<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) ", text)
    rest, elements = text[head.end() :], {}
    while element := re.match(r'\[([^ =\]"]+)((?: [^ =\]"]+="(?:\\["\\\]]|[^"\\\]])*")*)\]', rest):
        pairs = re.findall(r' ([^ =\]"]+)="((?:\\["\\\]]|[^"\\\]])*)"', element[2])
        elements[element[1]] = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in pairs}
        rest = rest[element.end() :]
    assert rest.startswith(" \ufeff")
    return head.groups(), elements, rest[2:]


@given(RECORDS)
def test_every_message_is_well_formed_syslog(record):
    (priority, *_, msgid), elements, _ = read_syslog(FORMATS["rfc5424"](record, FACTS).decode())
    assert 104 <= int(priority) <= 111
    assert len(msgid) <= 32
    assert elements["ringfence@32473"]["index"] == str(record.index)
    assert 1 <= int(elements["meta"]["sequenceId"]) <= 2_147_483_647


@given(department=TEXTS, model=HOSTILE)
def test_syslog_values_are_read_back(department, model):
    record = Record.of(1, canonical({**COMMON, "kind": "intent", "department": department, "model": model}))
    _, elements, _ = read_syslog(FORMATS["rfc5424"](record, FACTS).decode())
    told = elements["ringfence@32473"]
    assert (told.get("department", ""), told.get("model", "")) == (cleaned(department), cleaned(model))


def cleaned(text, kept=""):
    control = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
    return "".join(each if each in kept or not control.match(each) else "\ufffd" for each in text)
