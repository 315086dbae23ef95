"""What became of each case: found at its place, held back, or missed; and what clean sentences set off."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from evasion_parts.families import Family
from evasion_parts.seeds import CLEAN, Seed
from evasion_parts.splits import Split
from ringfence.labels import Label, Level, covers
from ringfence.recognize import Recogniser
from ringfence.recognize.finding import Finding
from ringfenced.classify import classify
from ringfenced.model import Caller, CallerRole

_NUMBER = re.compile(r"\d[\d./]*\d")
CALLER = Caller("spiffe://site.example/bench", "bench", "bench", frozenset({CallerRole.CALLER}), Label())
FOUND_SHARE = 0.5
"""A finding over so much of what was written in an identifier's place has found it."""


@dataclass(slots=True)
class Result:
    """What a family came to."""

    name: str
    """The family's."""
    cases: int = 0
    """Whose plain form is found."""
    found: int = 0
    """Of these, with a finding over most of what was written instead."""
    held: int = 0
    """Of these, found or held back: something identifying is found in it, so it does not leave as it is."""
    lowered: int = 0
    """Of all cases, with a label that is not at least the plain sentence's: what is hidden counts as something less."""
    clean: int = 0
    """Clean sentences that were written so, of those in which nothing is found plainly."""
    alarms: int = 0
    """Of these, in which a view finds something."""
    missed: dict[str, int] = field(default_factory=dict)
    """Types that got through."""


def identifying(recogniser: Recogniser, findings: Iterable[Finding]) -> list[Finding]:
    """Those that policy keeps from leaving."""
    return [finding for finding in findings if recogniser.policy.replaces(finding.entity_type)]


def plain_is_found(recogniser: Recogniser, seed: Seed) -> bool:
    """Whether the identifier is found as it is plainly written: otherwise a disguise proves nothing."""
    start = len(seed.before)
    return any(
        finding.start < start + len(seed.value) and finding.end > start
        for finding in identifying(recogniser, recogniser.scan(seed.text(seed.value)))
    )


def is_held(recogniser: Recogniser, family: Family, seed: Seed, rng: Random) -> tuple[bool, bool, bool]:
    """Whether a disguised identifier is found, whether it is at least held back, and whether its label is lowered."""
    written = family.disguise(seed.text(seed.value) if family.whole else seed.value, rng)
    every = recogniser.scan(written if family.whole else seed.text(written))
    plain = recogniser.policy.label_of(recogniser.scan(seed.text(seed.value)))
    lowered = not covers(recogniser.policy.label_of(every), plain)
    findings = identifying(recogniser, every)
    if family.whole:
        return bool(findings), bool(findings), lowered
    start, end = len(seed.before), len(seed.before) + len(written)
    covered = sum(max(0, min(end, finding.end) - max(start, finding.start)) for finding in findings)
    return covered >= FOUND_SHARE * len(written), covered > 0, lowered


def written_so(family: Family, sentence: str, rng: Random) -> str:
    """A clean sentence in a family's way: its numbers, where the family is for numbers, else all of it."""
    if family.types is None or "PERSON" in family.types or family.whole:
        return family.disguise(sentence, rng)
    return _NUMBER.sub(lambda match: family.disguise(match.group(), rng), sentence)


def judge_family(recogniser: Recogniser, family: Family, seeds: Iterable[Seed], rng: Random) -> Result:
    """`family` done to all `seeds` that it can be done to, and to clean sentences."""
    result = Result(family.name)
    for seed in seeds:
        if family.types is not None and seed.entity_type not in family.types:
            continue
        found, held, lowered = is_held(recogniser, family, seed, rng)
        result.cases += 1
        result.found += found
        result.held += held
        result.lowered += lowered
        if not held:
            result.missed[seed.entity_type] = result.missed.get(seed.entity_type, 0) + 1
    for sentence in CLEAN:
        if identifying(recogniser, recogniser.scan(sentence)):
            continue
        result.clean += 1
        written = written_so(family, sentence, rng)
        result.alarms += any("@" in finding.recogniser for finding in identifying(recogniser, recogniser.scan(written)))
    return result


def judge_split(recogniser: Recogniser, split: Split, seeds: Iterable[Seed], rng: Random) -> Result:
    """`split` done to all `seeds` that it can be done to, through the whole of classification."""
    result = Result(split.name)
    for seed in seeds:
        if seed.entity_type not in split.types:
            continue
        label = classify(split.build(seed, rng), CALLER, recogniser.scan, policy=recogniser.policy).label
        held = label.level >= Level.CONFIDENTIAL
        result.cases += 1
        result.found += held
        result.held += held
        if not held:
            result.missed[seed.entity_type] = result.missed.get(seed.entity_type, 0) + 1
    return result
