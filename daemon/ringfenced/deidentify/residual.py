"""What a scan of the rewritten prompt finds that must not leave, and what the next round makes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence.recognize.policy import Policy
from ringfence.recognize.reserved import identifying, is_reserved
from ringfence.recognize.span import Span
from ringfenced.classify.leaves import leaves
from ringfenced.classify.verdict import Scan, once
from ringfenced.deidentify.gather import Gathered, Key, Origins, key_of, scanned, span_of
from ringfenced.deidentify.literals import Literals
from ringfenced.deidentify.occurrences import KNOWN
from ringfenced.deidentify.rewriting import Rewriting
from ringfenced.deidentify.surrogates import Surrogates
from ringfenced.deidentify.values import ResidualFindings
from ringfenced.model import Prompt

MISREAD_MAX = 100
"""How many surrogates that read as something else get a literal in one round."""
_EDGES = ".,;:()'\"\u2019"


@dataclass(slots=True, repr=False)  # it holds content, which nothing may print
class Left:
    """What a scan of the rewritten prompt finds that must not leave."""

    counts: Counter[str] = field(default_factory=Counter)
    """By type."""
    values: set[tuple[str, str]] = field(default_factory=set)
    """Type and text of what is new."""
    places: list[tuple[Key, Span]] = field(default_factory=list)
    """The same with its place in the old text, where that is known."""
    misread: list[str] = field(default_factory=list)
    """Surrogates that read as something else."""

    def judge(self, span: Span, text: str, covered: bytearray, where: tuple[Key, Origins] | None) -> None:
        """Take in what of a finding in a rewritten leaf may not leave.

        Args:
            span: the finding.
            text: its text.
            covered: for each character of it whether it belongs to a surrogate.
            where: its leaf and where that came from; None where the leaf was not rewritten by itself.
        """
        uncovered = list(_uncovered(span.entity_type, text, covered))
        # Where a word of a surrogate is an original elsewhere, both are covered, and the known value says nothing new.
        if not uncovered and (span.recogniser == KNOWN or is_reserved(span.entity_type, text)):
            return
        self.counts[span.entity_type] += 1
        if not uncovered:
            self.misread.append(text)
        for start, end in uncovered:
            self.values.add((span.entity_type, text[start:end]))
            if where is not None:
                key, origins = where
                at = origins.of(span.start + start)
                self.places.append((key, span._replace(start=at, end=at + end - start)))

    def learn(
        self,
        gathered: Gathered,
        surrogates: Surrogates,
        avoid: set[str],
        plain: set[tuple[str, str]],
        round_number: int,
    ) -> bool:
        """Take it into account for the next round; whether there is anything to take."""
        size = _size(gathered) + len(avoid) + len(plain)
        gathered.values |= self.values
        for key, span in self.places:
            gathered.add(key, span)
        for text in self.misread:
            avoid.update(word.strip(_EDGES) for word in (*text.casefold().split(), text.casefold()))
        if round_number:
            misread = self.misread[:MISREAD_MAX]  # so that the cost stays linear; a text with more of them stays inside
            for original, made in surrogates.handed():
                if any(text in made or made in text for text in misread):
                    plain.add(original)
        return size != _size(gathered) + len(avoid) + len(plain)


def _size(gathered: Gathered) -> int:
    return len(gathered.values) + sum(map(len, gathered.spans.values()))


def look(prompt: Prompt, made: Prompt, scan: Scan, policy: Policy, rewriting: Rewriting) -> Left:
    """What is left in `made`, the rewritten `prompt`.

    A finding must lie in surrogates that were just placed but for words that identify nobody, and in its reserved
    space: the first is what this side knows, the second what the agent will ask.
    """
    before = [leaf for leaf in leaves(prompt, {}) if not leaf.is_joined]
    after = list(leaves(made, {}))
    if len(before) != sum(not leaf.is_joined for leaf in after):
        raise ResidualFindings({"UNREADABLE": 1})
    left = Left()
    scan = once(scan)
    placed = Literals(_as_written({*rewriting.surrogates.placed, *rewriting.surrogates.originals}))
    for index, new in enumerate(after):
        old = before[index] if index < len(before) else None  # what leaves say together comes last
        found = [span_of(entry) for entry in scanned(scan, new) if policy.replaces(entry.entity_type)]
        known = rewriting.occurrences.find(new.text)
        if found or known:
            covered = _covered(new.text, placed)
            key = None if old is None else key_of(old)
            origins = None if key is None else rewriting.origins.get(key)
            for span in (*found, *known):
                reach = slice(span.start, span.end)
                where = None if key is None or origins is None else (key, origins)
                left.judge(span, new.text[reach], covered[reach], where)
    return left


def _uncovered(entity_type: str, text: str, covered: bytearray) -> Iterator[tuple[int, int]]:
    """The identifying words of `text` that no surrogate covers; neighbours with nothing between them are one."""
    start = end = -1
    for word in identifying(entity_type, text):
        if all(covered[slice(*word)]):
            continue
        if start >= 0 and not any(covered[end : word[0]]) and not any(map(str.isalnum, text[end : word[0]])):
            end = word[1]
            continue
        if start >= 0:
            yield start, end
        start, end = word
    if start >= 0:
        yield start, end


def _as_written(surrogates: set[str]) -> Iterator[str]:
    """Each as it stands in a text and in a JSON document."""
    for surrogate in surrogates:
        yield surrogate
        if not surrogate.isascii() or '"' in surrogate or "\\" in surrogate or not surrogate.isprintable():
            yield json.dumps(surrogate)[1:-1]
            yield json.dumps(surrogate, ensure_ascii=False)[1:-1]


def _covered(text: str, placed: Literals) -> bytearray:
    """For each character of `text` whether it belongs to a surrogate; none occurred before, so all are ours."""
    covered = bytearray(len(text))
    for start, end in placed.find(text):
        covered[start:end] = b"\x01" * (end - start)
    return covered
