"""What is asked, as the one value without content that decisions are made from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.labels import Label
from ringfence.recognize.finding import Finding
from ringfenced.classify import classify
from ringfenced.decide import asked_of
from ringfenced.model import Caller, CallerRole, Message, Prompt, Request, Role, Text

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())
REQUEST = Request("r1", Prompt((Message(Role.USER, (Text("Which organ?"),)),)), task="jane.doe")


def scan(text):
    """Finds Jane wherever she stands."""
    at = text.casefold().find("jane")
    return (Finding(at, at + 4, "PERSON", 0.9, "test"),) if at >= 0 else ()


def broken(text):
    """Reads no task's name."""
    if text == "jane.doe":
        raise ValueError("broken")
    return ()


@pytest.mark.parametrize(
    ("said", "callers", "earlier", "sources"),
    [
        ("", "", {}, ()),
        ("news", "", {}, ("news",)),
        ("", "lab", {}, ("lab",)),
        ("lab", "lab", {}, ("lab",)),
        ("news", "lab", {}, ("lab", "news")),
        ("news", "lab", {"tickets", "lab"}, ("lab", "news", "tickets")),
        ("", "", {"tickets"}, ("", "tickets")),  # what tickets alone may do is not what this one may do
    ],
)
def test_a_request_has_its_own_source_its_callers_and_those_of_earlier_turns(said, callers, earlier, sources):
    """To name another, or none, hides none: a rule about any counts."""
    request, caller = replace(REQUEST, source=said), replace(WARD, source=callers)
    assert asked_of(request, caller, classify(request, caller, scan), frozenset(earlier)).sources == sources


@pytest.mark.parametrize(
    ("request_", "scan_", "is_found"),
    [
        (REQUEST, scan, True),
        (replace(REQUEST, task="triage"), scan, False),
        (replace(REQUEST, task="", prompt=Prompt((Message(Role.USER, (Text("Jane?"),)),))), scan, False),
        (replace(REQUEST, task="triage", prompt=Prompt((Message(Role.USER, (Text("Jane?"),)),))), scan, False),
        (REQUEST, broken, True),
        (REQUEST, lambda text: (), False),
    ],
)
def test_what_is_found_in_a_tasks_name_or_could_not_be_read_is_told(request_, scan_, is_found):
    """Of the name alone: what stands in the prompt is kept nowhere anyway."""
    asked = asked_of(request_, WARD, classify(request_, WARD, scan_))
    assert (asked.task, asked.task_found) == (request_.task, is_found)
