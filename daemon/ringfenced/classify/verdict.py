"""Step 2: the label of a request.

    label = join(caller, department, sources, earlier turns and steps, findings, what cannot be read)

De-identification takes away findings that policy replaces by surrogates, and what earlier turns had of such; all else
stays. Each term is told (`Classification.contributions`), so that a plan can show what made a label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

from ringfence.labels import PUBLIC, RESTRICTED, Label, join
from ringfence.recognize.finding import Finding
from ringfence.recognize.pictures import Approved, is_known
from ringfence.recognize.policy import DEFAULT, Policy
from ringfence.recognize.together import Tally, formats_of
from ringfenced.classify import places
from ringfenced.classify.leaves import Leaf, leaves
from ringfenced.model import (
    Caller,
    Classification,
    Contribution,
    Contributor,
    File,
    Image,
    Inherited,
    Located,
    Prompt,
    Request,
)

Scan = Callable[[str], tuple[Finding, ...]]
"""What finds; a recogniser's `scan`."""

FINDINGS_MAX = 2500
"""Findings in more places than this stay on site: there is a limit to what replacing takes, beside what scans take by
length. Measured: 41 to 47 microseconds a place in prose and tables, at 1000 as at 8000, so 0.1 s at this number; 0.5 ms
in FHIR, which is rewritten value by value. Such requests are long, and long ones are read beside the event loop."""

RECOGNISER: Final = "recogniser"
"""The contribution of leaves that no recogniser could read."""

NOTHING = Inherited()
"""A first turn inherits nothing."""

NOTHING_FOUND = Tally({})
"""A clean request's."""

_CONTEXT_CHARS_MAX = 64
"""A longer key is no label of a field."""


NO_SOURCES: Mapping[str, Label] = MappingProxyType({})
"""A site without upstream systems."""


def classify(
    request: Request,
    caller: Caller,
    scan: Scan,
    inherited: Inherited = NOTHING,
    policy: Policy = DEFAULT,
    *,
    sources: Mapping[str, Label] = NO_SOURCES,
) -> Classification:
    """The request's label: the join of what is asserted of it, of what `scan` finds in it and of what cannot be read.

    Args:
        request: the request; every string leaf of it is scanned.
        caller: whose default label holds where the request names no level, and whose department's label always does.
        scan: the recognisers. Where it raises, the leaf counts as RESTRICTED (invariant 9).
        inherited: the labels of inputs from earlier steps or turns. What was found in them is lowered again by
            de-identification, whose residual scan reads whatever of them travels along; what was asserted stays.
        policy: what each finding implies, and which pictures are known to be public.
        sources: the label of each upstream system. One that is not there counts as RESTRICTED.

    Returns:
        the classification; never raises for what the request contains.
    """
    reading = _read(request, scan)
    distinct = places.distinct(reading.originals)
    made = (
        *_asserted(request, caller, sources),
        *_earlier(inherited),
        *_implied(_tally(reading.findings, distinct), policy),
        *_unreadable(request.prompt, reading.leaves_failed, len(distinct), policy.pictures),
    )
    return Classification(
        label=join(one.label for one in made),
        label_asserted=join(one.label for one in made if one.stays),
        findings=tuple(reading.findings),
        prompt_chars=reading.chars,
        contributions=made,
        distinct=distinct,
    )


@dataclass(slots=True)
class _Reading:
    """What reading every leaf came to."""

    findings: list[Located] = field(default_factory=list)
    originals: list[Located] = field(default_factory=list)
    chars: int = 0
    leaves_failed: int = 0


def _read(request: Request, scan: Scan) -> _Reading:
    reading = _Reading()
    scan = once(scan)
    for leaf in leaves(request.prompt, request.metadata, request.task):
        if leaf.counted:
            reading.chars += len(leaf.text)
        try:
            findings = scan_leaf(scan, leaf)
        except Exception:  # noqa: BLE001 - whatever a recogniser raises, its leaf is unread; the error may hold content
            reading.leaves_failed += 1
            continue
        if findings:
            located = [Located(leaf.path, finding) for finding in findings]
            reading.findings += located
            if leaf.places:
                reading.originals += places.originals(located, leaf.places)
            else:
                reading.originals += located
    return reading


def once(scan: Scan) -> Scan:
    """`scan`, asked once for each text: a document's values repeat (codes, systems, units).

    It remembers the texts: let it go with the request.
    """
    return cache(scan)


def _asserted(request: Request, caller: Caller, sources: Mapping[str, Label]) -> Iterator[Contribution]:
    """What is known of a request without reading it: a caller raises its department's and sources' labels only."""
    said = request.label if request.label is not None else caller.label_default
    yield Contribution(Contributor.CALLER, "", 0, join((said, Label(categories=request.categories))), stays=True)
    if caller.label_department != PUBLIC:
        yield Contribution(Contributor.DEPARTMENT, caller.department, 0, caller.label_department, stays=True)
    for source in sorted({request.source, caller.source} - {""}):
        yield Contribution(Contributor.SOURCE, source, 0, sources.get(source, RESTRICTED), stays=True)


def _earlier(inherited: Inherited) -> Iterator[Contribution]:
    """What earlier turns and steps were labelled: what was asserted of them, then what was found in them."""
    if inherited.label_asserted != PUBLIC:
        yield Contribution(Contributor.EARLIER, "", 0, inherited.label_asserted, stays=True)
    if inherited.label != inherited.label_asserted:
        yield Contribution(Contributor.EARLIER, "", 0, inherited.label, stays=False)


def _tally(findings: Collection[Located], distinct: Iterable[Located]) -> Tally:
    """Each place counts once; a type whose every finding lies in one of another type still counts."""
    if not findings:
        return NOTHING_FOUND
    counts = Counter(located.finding.entity_type for located in distinct)
    for located in findings:
        counts.setdefault(located.finding.entity_type, 1)
    return Tally(counts, formats_of(located.finding for located in findings))


def _implied(tally: Tally, policy: Policy) -> Iterator[Contribution]:
    """What findings imply; what policy does not replace stays, alone and together."""
    if tally is NOTHING_FOUND:
        return
    staying = {one.name for one in policy.implied(policy.staying(tally))}
    for one in policy.implied(tally):
        kind = Contributor.RULE if one.is_rule else Contributor.FINDING
        yield Contribution(kind, one.name, one.count, one.label, stays=one.name in staying)


def _unreadable(prompt: Prompt, leaves_failed: int, places_found: int, pictures: Approved) -> Iterator[Contribution]:
    """What nobody read, or what is too much to replace."""
    for name, count in (
        ("attachment", unreadable(prompt, pictures)),
        (RECOGNISER, leaves_failed),
        ("too-many-findings", places_found if places_found > FINDINGS_MAX else 0),
    ):
        if count:
            yield Contribution(Contributor.UNREADABLE, name, count, RESTRICTED, stays=True)


def scan_leaf(scan: Scan, leaf: Leaf) -> Iterable[Finding]:
    """The findings in `leaf`; positions count in its text.

    A leaf with a context is read after it, as a field after its label. What stands in a JSON document as a whole is
    told of its leaves, so the document must be scanned before them, as `leaves` gives them.
    """
    found = _scan_in_context(scan, leaf)
    if leaf.document is None:
        return found
    if not leaf.places:
        leaf.document.learn(found)
        return ()
    return leaf.document.told(leaf.places[0], leaf.text, found)


def _scan_in_context(scan: Scan, leaf: Leaf) -> Iterable[Finding]:
    if not leaf.context or len(leaf.context) > _CONTEXT_CHARS_MAX:
        return scan(leaf.text)
    prefix = f"{leaf.context.replace('_', ' ')}: "
    shift = len(prefix)
    return [
        Finding(
            max(0, finding.start - shift), finding.end - shift, finding.entity_type, finding.score, finding.recogniser
        )
        for finding in scan(prefix + leaf.text)
        if finding.end > shift
    ]


def unreadable(prompt: Prompt, pictures: Approved) -> int:
    """How much of `prompt` nobody here knows: files that are no text, and pictures that are not among `pictures`."""
    return sum(
        (isinstance(part, Image) and not is_known(part.data, part.media_type, pictures))
        or (isinstance(part, File) and part.text is None)
        for message in prompt.messages
        for part in message.parts
    )
