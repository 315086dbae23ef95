"""Step 2: the label of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ringfence.labels import RESTRICTED, join
from ringfence.recognize.finding import Finding
from ringfence.recognize.policy import DEFAULT, Policy
from ringfenced.classify.leaves import Leaf, leaves
from ringfenced.model import Caller, Classification, File, Image, Inherited, Located, Prompt, Request

Scan = Callable[[str], tuple[Finding, ...]]
"""What finds; a recogniser's `scan`."""

FINDINGS_MAX = 1000
"""More findings than this stay on site: de-identifying them would hold the event loop for more than a tenth of a second
(measured: some 50 microseconds a finding at this number, growing with it)."""

NOTHING = Inherited()
"""A first turn inherits nothing."""

_CONTEXT_CHARS_MAX = 64
"""A longer key is no label of a field."""


def classify(
    request: Request, caller: Caller, scan: Scan, inherited: Inherited = NOTHING, policy: Policy = DEFAULT
) -> Classification:
    """The request's label: the caller's, joined with `inherited`, with what `scan` finds and with what cannot be read.

    Args:
        request: the request; every string leaf of it is scanned.
        caller: whose default label holds where the request names none.
        scan: the recognisers. Where it raises, the leaf counts as RESTRICTED (invariant 9).
        inherited: the labels of inputs from earlier steps or turns. What was found in them is lowered again by
            de-identification, whose residual scan reads whatever of them travels along; what was asserted stays.
        policy: what each finding implies.

    Returns:
        the classification; never raises for what the request contains.
    """
    prompt = request.prompt
    asserted = [request.label if request.label is not None else caller.label_default, inherited.label_asserted]
    if has_unreadable(prompt):
        asserted.append(RESTRICTED)
    located: list[Located] = []
    chars = 0
    for leaf in leaves(prompt, request.metadata):
        if leaf.counted:
            chars += len(leaf.text)
        try:
            findings = scan_leaf(scan, leaf)
        except Exception:  # noqa: BLE001 - whatever a recogniser raises, its leaf is unread; the error may hold content
            asserted.append(RESTRICTED)
            continue
        if findings:
            located.extend(Located(leaf.path, finding) for finding in findings)
    if len(located) > FINDINGS_MAX:
        asserted.append(RESTRICTED)
    label_asserted = join(asserted)
    label = join((label_asserted, inherited.label, policy.label_of(entry.finding for entry in located)))
    return Classification(label=label, label_asserted=label_asserted, findings=tuple(located), prompt_chars=chars)


def scan_leaf(scan: Scan, leaf: Leaf) -> Iterable[Finding]:
    """The findings in `leaf`, read after its context as a field after its label; positions count in the leaf's text."""
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


def has_unreadable(prompt: Prompt) -> bool:
    """Whether `prompt` holds what no recogniser here can read: an image, or a file that is no text."""
    return any(
        isinstance(part, Image) or (isinstance(part, File) and part.text is None)
        for message in prompt.messages
        for part in message.parts
    )
