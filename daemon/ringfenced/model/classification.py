"""What a request is: what was found in it, and the label that this makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ringfence.labels import PUBLIC, Label
from ringfenced.model.target import Target

if TYPE_CHECKING:  # the package loads the recognisers, which an engine process has no use for
    from ringfence.recognize.finding import Finding


@dataclass(frozen=True, slots=True)
class Located:
    """A finding and the string leaf that it stands in."""

    path: str
    """For example ``messages[0].parts[0].text``."""
    finding: Finding
    """What was found there."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What earlier turns of a conversation, or earlier steps of a run, were labelled."""

    label: Label = PUBLIC
    """The join of their labels."""
    label_asserted: Label = PUBLIC
    """The join of what of them stays after de-identification."""
    target: Target | None = None
    """Where the conversation's last turn ran; None where that is not known."""
    chars: int = 0
    """How long that turn's prompt was, in code points."""
    sources: frozenset[str] = frozenset()
    """The upstream systems that they came from."""


class Contributor(StrEnum):
    """What can make a label."""

    CALLER = "caller"
    """The caller's word, or its default where it says nothing."""
    DEPARTMENT = "department"
    """The least label of what its department sends."""
    SOURCE = "source"
    """The least label of what comes from an upstream system."""
    EARLIER = "earlier"
    """Earlier turns of the conversation, or earlier steps of the run."""
    FINDING = "finding"
    """Findings of one entity type."""
    RULE = "rule"
    """A rule over several findings."""
    UNREADABLE = "unreadable"
    """What nobody here can read, or what has too many findings to be de-identified."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing that made a label; without content."""

    contributor: Contributor
    """What it is."""
    name: str
    """A department, a source, an entity type, a rule, or what could not be read; empty where there is but one."""
    count: int
    """How many findings, or unread inputs, it stands for; 0 for what cannot be counted."""
    label: Label
    """What it adds to the join."""
    stays: bool
    """Whether it is still there after de-identification."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What step 2 found."""

    label: Label
    """The join of all contributions."""
    label_asserted: Label
    """The join of those that stay after de-identification: the caller's word, its department's and source's label, what
    could not be read, and findings that policy does not replace."""
    findings: tuple[Located, ...]
    """Every finding in every leaf; views of a text repeat what was found in it."""
    prompt_chars: int
    """Length of all string leaves together, in code points."""
    contributions: tuple[Contribution, ...] = ()
    """What made the label."""
    distinct: tuple[Located, ...] = ()
    """The findings at their place in what the caller sent, each once; no path holds a key of a document."""

    def findings_by_type(self) -> dict[str, int]:
        """How often each entity type was found, each place once; safe to log."""
        counts = Counter(located.finding.entity_type for located in self.distinct)
        for located in self.findings:  # a type whose every finding lies in one of another type still was found
            counts.setdefault(located.finding.entity_type, 1)
        return dict(counts)
