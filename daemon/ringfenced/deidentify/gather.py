"""What is to be replaced: the findings of every leaf, and where a replaced leaf's characters came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from ringfence.recognize.finding import Finding
from ringfence.recognize.policy import Policy
from ringfence.recognize.span import Span
from ringfenced.classify.leaves import Leaf, leaves
from ringfenced.classify.verdict import Scan, once, scan_leaf
from ringfenced.deidentify.values import ResidualFindings
from ringfenced.model import Located, Prompt

Key = tuple[str, str]
"""A leaf by path and text: duplicate keys of a JSON document share their path."""


def key_of(leaf: Leaf) -> Key:
    """What `leaf` is known by."""
    return leaf.path, leaf.text


@dataclass(slots=True, repr=False)  # it holds content, which nothing may print
class Gathered:
    """All leaves of a prompt with what was found in them."""

    leaves: dict[Key, Leaf] = field(default_factory=dict)
    """Every leaf."""
    spans: dict[Key, list[Span]] = field(default_factory=dict)
    """What stands in each and must be replaced."""
    values: set[tuple[str, str]] = field(default_factory=set)
    """Entity type and text of all of it."""
    findings: list[Finding] = field(default_factory=list)
    """Everything found, also what stays in the text."""

    def add(self, key: Key, span: Span) -> None:
        """Replace `span` too."""
        self.spans[key].append(span)
        self.values.add((span.entity_type, self.leaves[key].text[span.start : span.end]))


def gather(prompt: Prompt, located: Iterable[Located], scan: Scan, policy: Policy) -> Gathered:
    """Every leaf with the spans found in it. Views of a message's joined parts also get what was found in each part.

    Raises:
        ResidualFindings: a leaf cannot be read.
    """
    given: dict[str, list[Finding]] = {}
    for entry in located:
        given.setdefault(entry.path, []).append(entry.finding)
    gathered = Gathered()
    shifted: dict[str, tuple[int, list[Span]]] = {}
    scan = once(scan)
    for leaf in leaves(prompt, {}):
        # Parts and JSON values are scanned anew: positions of duplicate keys or stale findings would lie otherwise.
        found = list(scanned(scan, leaf))
        found += [entry for entry in given.get(leaf.path, ()) if leaf.counted and entry.end <= len(leaf.text)]
        gathered.findings += found
        spans = [span_of(finding) for finding in found if policy.replaces(finding.entity_type)]
        message, _, rest = leaf.path.partition(".")
        if rest.startswith("parts[") and rest.endswith("].text"):
            offset, earlier = shifted.get(message, (0, []))
            earlier += [span._replace(start=span.start + offset, end=span.end + offset) for span in spans]
            shifted[message] = (offset + len(leaf.text), earlier)
        elif rest == "text" and message in shifted:
            spans += shifted[message][1]
        key = key_of(leaf)
        gathered.leaves[key] = leaf
        gathered.spans[key] = list(dict.fromkeys(spans))
        gathered.values.update((span.entity_type, leaf.text[span.start : span.end]) for span in spans)
    return gathered


def scanned(scan: Scan, leaf: Leaf) -> list[Finding]:
    """The findings of `leaf`; raises `ResidualFindings` where a recogniser raises, whose error may hold content."""
    try:
        return list(scan_leaf(scan, leaf))
    except Exception:  # noqa: BLE001 - whatever a recogniser raises, its leaf is unread
        raise ResidualFindings({"UNREADABLE": 1}) from None


def span_of(finding: Finding) -> Span:
    """The same as a span."""
    return Span(finding.start, finding.end, finding.entity_type, finding.score, finding.recogniser)


@dataclass(slots=True, repr=False)  # it holds content, which nothing may print
class Origins:
    """Where each part of a rewritten leaf came from."""

    starts: list[int] = field(default_factory=lambda: [0])
    """Where each stretch of kept text begins in the new text."""
    shifts: list[int] = field(default_factory=lambda: [0])
    """What to add to a position of that stretch for its place in the old one."""

    def replaced(self, new_end: int, old_end: int) -> None:
        """Note that kept text begins again at `new_end`, and stood at `old_end`."""
        self.starts.append(new_end)
        self.shifts.append(old_end - new_end)

    def of(self, place: int) -> int:
        """Where the kept character at `place` stood."""
        return place + self.shifts[bisect_right(self.starts, place) - 1]
