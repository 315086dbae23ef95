"""De-identification of a prompt.

1. gather     the findings of every leaf, and what of them occurs elsewhere in another form
2. replace    each by its surrogate
3. verify     that nothing is left: no finding that is no surrogate, no original anywhere
4. label      what the caller asserted, and INTERNAL at least where something was replaced
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ringfence.labels import Label, Level, join
from ringfence.recognize.finding import Finding
from ringfence.recognize.fold import Folder
from ringfence.recognize.merge import merge
from ringfence.recognize.policy import DEFAULT, Policy
from ringfence.recognize.reserved import is_reserved
from ringfence.recognize.span import Span
from ringfenced.classify.leaves import Leaf, leaves
from ringfenced.classify.verdict import Scan, scan_leaf
from ringfenced.deidentify.occurrences import Occurrences
from ringfenced.deidentify.rewrite import rewrite_prompt
from ringfenced.deidentify.surrogates import Surrogates
from ringfenced.deidentify.values import PASS, Deidentified, Mapping, ResidualFindings
from ringfenced.model import Located, Prompt

REPLACED = Label(Level.INTERNAL)
"""The least label of a prompt in which something was replaced: it is still about somebody."""


def deidentify(
    prompt: Prompt,
    findings: tuple[Located, ...],
    label_asserted: Label,
    *,
    seed: bytes,
    scan: Scan,
    policy: Policy = DEFAULT,
) -> tuple[Deidentified, Mapping]:
    """Replace every identifier in `prompt` by a surrogate, and prove that none is left.

    Also for a prompt without findings: all that leaves goes through here.

    Args:
        prompt: what the caller sent.
        findings: what classification found; leaves whose own scan is repeated here (JSON) may be left out.
        label_asserted: the part of the label that de-identification cannot lower.
        seed: secret, 32 random bytes a request, or a run whose steps share surrogates.
        scan: the recognisers.
        policy: which findings identify somebody and so must be replaced; others stay in the text.

    Returns:
        the prompt that may leave, and the mapping that must not.

    Raises:
        ResidualFindings: a secret stands in it, a leaf cannot be read, or the scan of the result finds what is no
            surrogate.

    Does not look into images and files without text: these make `label_asserted` RESTRICTED, and that stays.
    """
    folder = Folder()
    gathered = _gather(prompt, findings, scan)
    secrets = sum(finding.entity_type == "SECRET" for _, found in gathered.values() for finding in found)
    if secrets:
        raise ResidualFindings({"SECRET": secrets})
    values = {
        (span.entity_type, leaf.text[span.start : span.end]) for leaf, found in gathered.values() for span in found
    }
    occurrences = Occurrences(folder, values)
    corpus = "\n".join(leaf.text for leaf, _ in gathered.values()).casefold()
    surrogates = Surrogates(seed, corpus)
    surrogates.learn(sorted(values))

    def spans_of(leaf: Leaf) -> list[Span]:
        found = gathered[_key(leaf)][1] if _key(leaf) in gathered else ()
        return merge([*found, *occurrences.find(leaf.text)])

    def rewrite(leaf: Leaf) -> str:
        return "".join(_replaced(leaf.text, spans_of(leaf), surrogates))

    def rewrite_joined(path: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        joined = Leaf(f"{path}.text", "".join(texts))
        return _split(texts, spans_of(joined), surrogates)

    made = rewrite_prompt(prompt, rewrite, rewrite_joined)
    _verify(made, scan, surrogates.placed, occurrences)
    label_before = join((label_asserted, policy.label_of(_findings_of(findings, gathered.values()))))
    label = join((label_asserted, REPLACED)) if surrogates.placed else label_asserted
    return Deidentified(made, label, label_before, PASS), Mapping(surrogates.originals)


Gathered = dict[tuple[str, str], tuple[Leaf, list[Span]]]
"""Each leaf by path and text (duplicate keys of a JSON document share their path), with its spans."""


def _key(leaf: Leaf) -> tuple[str, str]:
    return leaf.path, leaf.text


def _gather(prompt: Prompt, located: Iterable[Located], scan: Scan) -> Gathered:
    """Every leaf with the spans found in it. Views of a message's joined parts also get what was found in each part."""
    given: dict[str, list[Span]] = {}
    for entry in located:
        given.setdefault(entry.path, []).append(_span(entry.finding))
    gathered: Gathered = {}
    shifted: dict[str, tuple[int, list[Span]]] = {}
    for leaf in leaves(prompt, {}):
        # Parts and JSON values are scanned anew: positions of duplicate keys or stale findings would lie otherwise.
        found = [_span(finding) for finding in _scanned(scan, leaf)]
        found += [span for span in given.get(leaf.path, ()) if leaf.counted and span.end <= len(leaf.text)]
        message, _, rest = leaf.path.partition(".")
        if rest.startswith("parts[") and rest.endswith("].text"):
            offset, spans = shifted.get(message, (0, []))
            spans += [span._replace(start=span.start + offset, end=span.end + offset) for span in found]
            shifted[message] = (offset + len(leaf.text), spans)
        elif rest == "text":
            found += shifted[message][1]
        gathered[_key(leaf)] = (leaf, list(dict.fromkeys(found)))
    return gathered


def _scanned(scan: Scan, leaf: Leaf) -> list[Finding]:
    try:
        return list(scan_leaf(scan, leaf))
    except Exception:  # noqa: BLE001 - whatever a recogniser raises, its leaf is unread; the error may hold content
        raise ResidualFindings({"UNREADABLE": 1}) from None


def _span(finding: Finding) -> Span:
    return Span(finding.start, finding.end, finding.entity_type, finding.score, finding.recogniser)


def _findings_of(located: Iterable[Located], gathered: Iterable[tuple[Leaf, list[Span]]]) -> list[Finding]:
    return [entry.finding for entry in located] + [Finding(*span) for _, found in gathered for span in found]


def _replaced(text: str, spans: list[Span], surrogates: Surrogates) -> list[str]:
    """`text` in pieces: what stays, and the surrogates."""
    written: list[str] = []
    at = 0
    for span in spans:
        written += [text[at : span.start], surrogates.of(span.entity_type, text[span.start : span.end])]
        at = span.end
    written.append(text[at:])
    return written


def _split(texts: tuple[str, ...], spans: list[Span], surrogates: Surrogates) -> tuple[str, ...]:
    """The parts of a message, replaced together: a surrogate stands in the part in which its original begins."""
    joined = "".join(texts)
    written: list[str] = []
    base, at = 0, 0
    remaining = list(spans)
    for text in texts:
        end = base + len(text)
        at = max(at, base)
        pieces: list[str] = []
        while remaining and remaining[0].start < end:
            span = remaining.pop(0)
            pieces += [joined[at : span.start], surrogates.of(span.entity_type, joined[span.start : span.end])]
            at = span.end
        pieces.append(joined[at:end])
        written.append("".join(pieces))
        base = end
    return tuple(written)


def _verify(prompt: Prompt, scan: Scan, placed: set[str], occurrences: Occurrences) -> None:
    """Raise where anything but surrogates is found in `prompt`, or an original occurs outside them.

    A finding must lie in surrogates that were just placed, and in its reserved space: the first is what this side
    knows, the second what the agent will ask.
    """
    left: Counter[str] = Counter()
    for leaf in leaves(prompt, {}):
        found = [_span(finding) for finding in _scanned(scan, leaf)]
        known = occurrences.find(leaf.text)
        if not found and not known:
            continue
        covered = _covered(leaf.text, placed)
        for finding in (*found, *known):
            text = leaf.text[finding.start : finding.end]
            if any(
                char.isalnum() and not ours
                for char, ours in zip(text, covered[finding.start : finding.end], strict=True)
            ):
                left[finding.entity_type] += 1
        left.update(
            finding.entity_type
            for finding in found
            if not is_reserved(finding.entity_type, leaf.text[finding.start : finding.end])
        )
    if left:
        raise ResidualFindings(left)


def _covered(text: str, placed: set[str]) -> bytearray:
    """For each character of `text` whether it belongs to a surrogate; none occurred before, so all are ours."""
    covered = bytearray(len(text))
    for surrogate in placed:
        at = text.find(surrogate)
        while at >= 0:
            covered[at : at + len(surrogate)] = b"\x01" * len(surrogate)
            at = text.find(surrogate, at + 1)
    return covered
