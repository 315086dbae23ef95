"""What a site's recognisers make of its examples. Pure: a scan in, verdicts out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringfence.labels import Label
from ringfence.recognize.finding import Finding
from ringfence.recognize.policy import Policy
from ringfenced.classify import Scan, classify
from ringfenced.cli.examples import Example, Placed
from ringfenced.model import Caller, Message, Prompt, Request, Role, Text

_CALLER = Caller("spiffe://policy.test/example", "test", "test", frozenset(), Label())
"""Asserts nothing, so the label is what was found."""
_PATH = "messages[0].parts[0].text"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as the example says."""

    what: str
    """What is wrong, without a character of the text."""
    start: int = -1
    """First character in question; -1 where it is the text as a whole."""
    end: int = -1
    """One past the last."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One example and what came of it."""

    placed: Placed
    """Which."""
    findings: tuple[Finding, ...]
    """What was found."""
    label: Label
    """Its label."""
    problems: tuple[Problem, ...]
    """What is wrong; none if it passed."""


def try_example(placed: Placed, scan: Scan, policy: Policy) -> Tried:
    """Classify one example as the daemon classifies a request of one message."""
    text = placed.example.text
    request = Request(id="policy-test", prompt=Prompt(messages=(Message(role=Role.USER, parts=(Text(text),)),)))
    made = classify(request, _CALLER, scan, policy=policy)
    findings = tuple(located.finding for located in made.findings if located.path == _PATH)
    return Tried(placed, findings, made.label, tuple(_problems(placed.example, findings, made.label)))


def _problems(example: Example, findings: Sequence[Finding], label: Label) -> Iterator[Problem]:
    for piece in example.finds:
        right = [one for one in findings if not piece.type or one.entity_type == piece.type]
        for start, end in _places(example.text, piece.text):
            if not any(one.start <= start and end <= one.end for one in right):
                other = sorted({one.entity_type for one in findings if one.start < end and start < one.end})
                instead = f"; found instead: {', '.join(other)}" if other else ""
                yield Problem(f"{piece.type or 'finding'} missing{instead}", start, end)
    for kept in example.keeps:
        for start, end in _places(example.text, kept):
            yield from (
                Problem(f"{one.entity_type} found by {one.recogniser}", one.start, one.end)
                for one in findings
                if one.start < end and start < one.end
            )
    if example.clean:
        yield from (Problem(f"{one.entity_type} found by {one.recogniser}", one.start, one.end) for one in findings)
    if example.label and example.label != label.level.name:
        yield Problem(f"label is {label}, not {example.label}")
    if example.categories is not None and example.categories != label.categories:
        wanted = ", ".join(sorted(example.categories)) or "none"
        yield Problem(f"categories of {label} are not {wanted}")


def _places(text: str, piece: str) -> Iterator[tuple[int, int]]:
    """Every place of `piece`, overlaps aside."""
    start = text.find(piece)
    while start >= 0:
        yield start, start + len(piece)
        start = text.find(piece, start + len(piece))
