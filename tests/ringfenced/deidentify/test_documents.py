"""Generated documents of every kind and language: what leaves, and what comes back."""

import importlib
import random
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.labels import Label
from ringfence.recognize import Finding, is_reserved, residual
from ringfence.recognize.merge import merge
from ringfence.recognize.span import Span
from ringfenced.deidentify import Reidentifier, ResidualFindings, deidentify
from ringfenced.model import Message, Prompt, Role, Text

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))
generator = importlib.import_module("deid_parts.generate")
sys.path.pop(0)

documents = st.builds(
    lambda kind, lang, seed: generator.generate(kind, lang, seed, 1)[0],
    st.sampled_from(generator.KINDS),
    st.sampled_from(generator.LANGUAGES),
    st.integers(0, 10**6),
)


def told(document, scan):
    """`scan`, which is told of the document's own marks too."""
    marks = [
        Span(mark.start, mark.end, {"HOSPITAL": "PLACE"}.get(mark.label, mark.label), 1.0, "mark")
        for mark in document.spans
        if mark.label not in generator.OPTIONAL
    ]

    def both(text):
        found = [Span(one.start, one.end, one.entity_type, one.score, one.recogniser) for one in scan(text)]
        return tuple(Finding(*span) for span in merge([*found, *(marks if text == document.text else ())]))

    return both


def made_of(document, scan, seed):
    prompt = Prompt((Message(Role.USER, (Text(document.text),)),))
    made, mapping = deidentify(prompt, (), Label(), seed=seed, scan=told(document, scan))
    return made, made.prompt.messages[0].parts[0].text, mapping


def back(mapping, text, cuts):
    reidentifier = Reidentifier(mapping)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return "".join(reidentifier.feed(text[a:b]) for a, b in pairwise(edges)) + reidentifier.flush()


@given(documents, st.binary(max_size=32), st.lists(st.integers(0, 5000), max_size=40))
@settings(max_examples=120, deadline=None)
def test_documents_come_back_and_nothing_is_left(recogniser, document, seed, cuts):
    """Over any chunks; the agent finds nothing; and no long word of an identifier stands in what leaves."""
    try:
        _, text, mapping = made_of(document, recogniser.scan, seed)
    except ResidualFindings as error:
        kept = error.counts
    else:
        kept = {}
    assert kept.keys() <= {"SECRET"}, "only secrets keep a generated document inside"
    if kept:
        return
    assert back(mapping, text, cuts) == document.text
    assert [
        one for one in residual(recogniser.scan, text) if not is_reserved(one.entity_type, text[one.start : one.end])
    ] == [one for one in residual(recogniser.scan, text) if not recogniser.policy.replaces(one.entity_type)]
    for mark in document.spans:
        value = document.text[mark.start : mark.end]
        if mark.label in ("SSN", "PAN", "IBAN", "EMAIL", "MRN", "PHONE"):
            assert value not in text


@given(documents, st.binary(max_size=8))
@settings(max_examples=40, deadline=None)
def test_nothing_that_is_shown_of_it_holds_an_identifier(recogniser, document, seed):
    """Errors, and what prints: counts and types, never a value."""

    def again(text):
        found = told(document, recogniser.scan)(text)
        return found if text == document.text else (*found, Finding(0, len(text), "ID", 1.0, "again"))

    prompt = Prompt((Message(Role.USER, (Text(document.text),)),))
    shown = []
    try:
        _, _, mapping = made_of(document, recogniser.scan, seed)
        shown += [repr(mapping), str(mapping), repr(Reidentifier(mapping))]
        deidentify(prompt, (), Label(), seed=seed, scan=again)
    except ResidualFindings as error:
        shown += [repr(error), str(error), repr(error.args), repr(error.__cause__)]
    for mark in document.spans:
        value = document.text[mark.start : mark.end]
        assert len(value) < 4 or not any(value in text for text in shown)


@pytest.mark.parametrize("count", [20, 80])
def test_cost_is_linear(recogniser, count):
    """The work, counted as scans, does not grow with the number of findings: at most one for each round and leaf."""
    rng = random.Random(3)
    text = "\n\n".join(generator.generate("note", "en", rng.randrange(10**6), 1)[0].text for _ in range(count))
    scans = []

    def counted(leaf):
        scans.append(len(leaf))
        return recogniser.scan(leaf)

    deidentify(Prompt((Message(Role.USER, (Text(text),)),)), (), Label(), seed=b"s", scan=counted)
    assert len(scans) <= 5


def test_an_original_that_is_called_as_a_type_is_replaced():
    """A value that stands in every literal of its type does not hold the process."""

    def scan(text):
        return (Finding(0, 5, "PHONE", 1.0, "r"),) if text == "PHONE x" else ()

    made, mapping = deidentify(Prompt((Message(Role.USER, (Text("PHONE x"),)),)), (), Label(), seed=b"s", scan=scan)
    text = made.prompt.messages[0].parts[0].text
    assert text.startswith("[PHONE-999")
    assert back(mapping, text, []) == "PHONE x"
