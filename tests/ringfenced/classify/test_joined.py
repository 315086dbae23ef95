"""Identifiers split over messages, values of documents, tool calls and metadata."""

import json
import time

import pytest

from ringfence.labels import Label, Level
from ringfence.recognize import residual
from ringfenced.classify import classify
from ringfenced.classify.leaves import leaves
from ringfenced.deidentify import ResidualFindings, deidentify
from ringfenced.model import Caller, CallerRole, File, Json, Message, Prompt, Request, Role, Text, ToolCall

CALLER = Caller("spiffe://s/app", "t", "ward", frozenset({CallerRole.CALLER}), Label(Level.INTERNAL))
SEED = bytes(32)


def chat(*said):
    """Messages: "u:" and "a:" say who speaks."""
    roles = {"u": Role.USER, "a": Role.ASSISTANT, "t": Role.TOOL}
    return Prompt(tuple(Message(roles[text[0]], (Text(text[2:]),)) for text in said))


def document(value):
    return Prompt((Message(Role.USER, (Json(json.dumps(value)),)),))


def calls(*arguments):
    made = tuple(ToolCall(str(index), "f", json.dumps(value)) for index, value in enumerate(arguments))
    return Prompt((Message(Role.ASSISTANT, (), tool_calls=made),))


def types(prompt, recogniser, metadata=None):
    request = Request("r", prompt, metadata=metadata or {})
    return set(classify(request, CALLER, recogniser.scan).findings_by_type())


SPLIT = {
    "two messages": (chat("u:My SSN is 524-71-", "u:6038, keep it safe"), "SSN"),
    "inside a group": (chat("u:My SSN is 524-7", "u:1-6038"), "SSN"),
    "three messages": (chat("u:The number begins 524-", "u:71-6038 is the rest"), "SSN"),
    "an answer between": (chat("u:it is 524-71", "a:And the rest?", "u:-6038"), "SSN"),
    "groups without hyphen": (chat("u:it is 524-71", "u:6038"), "SSN"),
    "a card": (chat("u:Charge 4111 1111", "u:1111 1111 please"), "PAN"),
    "an IBAN": (chat("u:Pay to DE89 3704 0044", "u:0532 0130 00 today"), "IBAN"),
    "an address": (chat("u:write to john.smith@hos", "u:pital.com please"), "EMAIL"),
    "at the sign": (chat("u:write to john.smith", "u:@hospital.com please"), "EMAIL"),
    "a telephone number": (chat("u:call (212) 736-", "u:5000 now"), "PHONE"),
    "a label and its value": (chat("a:What is your MRN?", "u:44719 I think"), "MRN"),
    "fullwidth": (chat("u:My SSN is \uff15\uff12\uff14-71-", "u:\uff16\uff10\uff13\uff18"), "SSN"),
    "a group a message": (chat("u:My SSN is 524", "a:Yes?", "u:71", "a:And?", "u:6038"), "SSN"),
    "figures alone": (chat("u:My SSN?", "u:524", "u:71", "u:6038"), "SSN"),
    "a card in four messages": (chat("u:4111", "a:Yes?", "u:1111", "u:1111", "a:Go on.", "u:1111"), "PAN"),
    "a text and a file": (
        Prompt((Message(Role.USER, (Text("SSN 524-71-"), File(b"6038", "text/plain", "a.txt", "6038"))),)),
        "SSN",
    ),
    "an array": (document(["524", "71", "6038"]), "SSN"),
    "fields": (document({"a": "524", "b": "71", "c": "6038"}), "SSN"),
    "among other fields": (document({"ward": "7", "a": "524", "b": "71", "c": "6038", "d": "12"}), "SSN"),
    "a card in fields": (document({"a": "4111", "b": "1111", "c": "1111", "d": "1111"}), "PAN"),
    "a card in numbers": (document([4111, 1111, 1111, 1111]), "PAN"),
    "one digit a value": (document(list("524716038")), "ID"),
    "numbers under a label": (document({"ssn": [524, 71, 6038]}), "SSN"),
    "an address in an array": (document(["john.smith@", "hospital.com"]), "EMAIL"),
    "the sign alone": (document(["john.smith", "@", "hospital.com"]), "EMAIL"),
    "an IBAN in an array": (document(["DE89", "3704", "0044", "0532", "0130", "00"]), "IBAN"),
    "tool calls": (calls({"x": "524"}, {"x": "71"}, {"x": "6038"}), "SSN"),
}


@pytest.mark.parametrize("case", SPLIT)
def test_an_identifier_split_over_leaves_is_found(recogniser, case):
    """Whatever the pieces are, and where."""
    prompt, entity_type = SPLIT[case]
    assert entity_type in types(prompt, recogniser)


def test_an_identifier_split_over_metadata_is_found(recogniser):
    """Tags of the caller count like values of a document."""
    assert "SSN" in types(chat("u:hello"), recogniser, {"a": "524", "b": "71", "c": "6038"})


@pytest.mark.parametrize("case", SPLIT)
def test_a_split_identifier_does_not_leave(recogniser, case):
    """De-identification says that something is left, or replaces a piece so that nothing is found any more."""
    prompt, _ = SPLIT[case]
    found = classify(Request("r", prompt), CALLER, recogniser.scan).findings
    try:
        made, _mapping = deidentify(prompt, found, Label(), seed=SEED, scan=recogniser.scan)
    except ResidualFindings:
        return
    assert made.prompt != prompt
    left = classify(Request("r", made.prompt), CALLER, lambda text: residual(recogniser.scan, text))
    assert left.findings == ()


def test_each_touched_text_is_told(recogniser):
    """A caller can see at which place of which message each piece stands."""
    request = Request("r", chat("u:My SSN is 524-71-", "u:6038, keep it safe"))
    told = {
        (one.path, one.finding.start, one.finding.end) for one in classify(request, CALLER, recogniser.scan).distinct
    }
    assert told == {("messages[0].parts[0].text", 10, 17), ("messages[1].parts[0].text", 0, 4)}


CLEAN = {
    "doses": chat("u:Give 500 mg at 8.", "a:Then 250 mg at 12, and 100 at 18?", "u:Yes, 3 times in 24 hours."),
    "questions": chat("a:How many tablets?", "u:120 of them", "a:How long?", "u:12 weeks, until 2025"),
    "numbers at the ends": chat("u:The sum is 1200", "u:2400 is twice that", "u:4800 again"),
    "answers": chat("a:Hours?", "u:8", "a:Cups?", "u:2", "a:Steps?", "u:9000", "a:Mood?", "u:7", "u:12", "u:10 or so"),
    "results": document({"na": 140, "k": 4.1, "cl": 102, "hco3": 24, "bun": 14, "values": [1, 22, 333, 4444, 55555]}),
    "a table": document([[120, 80, 72], [118, 79, 70], [125, 82, 75]]),
    "strings of results": document(["140", "4.1", "102", "24", "14", "0.9"]),
    "an address among other values": document(["email", "a@mail.hospital.org", "female"]),
    "a series": document([str(number) for number in range(1, 10)]),
    "code": chat("u:def f(x):\n    return x[0:3]", "a:Use range(10, 100, 5)", "u:and 0x7f, 1e-9?"),
}  # fmt: skip


@pytest.mark.parametrize("case", CLEAN)
def test_clean_neighbours_stay_clean(recogniser, case):
    """Numbers at the ends of texts and in tables are nobody's."""
    assert types(CLEAN[case], recogniser) <= ({"EMAIL"} if "address" in case else set())


def test_the_cost_of_long_documents_is_linear(recogniser):
    """Ten times the values take less than thirty times as long. Best of three."""

    def once(prompt):
        start = time.process_time()
        list(leaves(prompt, {}))
        return time.process_time() - start

    def seconds(count):
        prompt = document([f"{number * 7919 % 1000:03d}" for number in range(count)])
        return min(once(prompt) for _ in range(3))

    assert seconds(20_000) < 30 * max(seconds(2_000), 0.005)
