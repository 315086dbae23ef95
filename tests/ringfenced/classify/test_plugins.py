"""A plug-in that does not read a text makes it RESTRICTED; one that does can only add findings."""

import threading

import pytest

from ringfence.labels import Label, Level
from ringfence.recognize import Stages, load
from ringfence.recognize.plugins.guard import Guarded
from ringfence.recognize.plugins.labels import USUAL
from ringfence.recognize.plugins.settings import Kind, Plugin
from ringfenced.classify import classify
from ringfenced.model import Caller, Message, Prompt, Request, Role, Text

NOTE = "MRN 4471182 was seen by the zorblax team."


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("recognisers") / "cache"


@pytest.fixture
def classified(cache):
    """The classification of a note by the recognisers and one plug-in."""

    def run(reader, **settings):
        reading = Guarded(Plugin("mine", Kind.SPACY, **settings), reader, USUAL)
        scan = load(cache, stages=Stages(readings=(reading,))).scan
        caller = Caller("spiffe://site.example/ward", "site", "ward", frozenset(), Label(Level.PUBLIC))
        prompt = Prompt(messages=(Message(role=Role.USER, parts=(Text(NOTE),)),))
        return classify(Request(id="1", prompt=prompt), caller, scan)

    return run


def test_a_plugin_that_raises_leaves_the_text_restricted(classified):
    def reader(text):
        raise RuntimeError(text)

    assert classified(reader).label.level is Level.RESTRICTED


def test_a_plugin_that_is_late_leaves_the_text_restricted(classified):
    go = threading.Event()
    label = classified(lambda _text: go.wait(10) and [], seconds_max=0.05).label
    go.set()
    assert label.level is Level.RESTRICTED


def test_a_plugin_that_sees_nothing_takes_no_finding_away(classified):
    plain = classified(lambda _text: [])
    assert "MRN" in {located.finding.entity_type for located in plain.findings}


def test_what_a_plugin_sees_is_added(classified):
    place = NOTE.index("zorblax")
    findings = classified(lambda _text: [(place, place + 7, "ORG", 0.9)]).findings
    assert {"MRN", "ORGANISATION"} <= {located.finding.entity_type for located in findings}
