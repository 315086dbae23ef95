"""De-identification of a prompt.

1. gather     the findings of every leaf, and what of them occurs elsewhere in another form
2. replace    each by its surrogate
3. look       what a scan of the result finds anew is replaced too, and what it reads a surrogate for is drawn again;
              up to `ROUNDS_MAX` times
4. verify     that nothing is left: no finding that is no surrogate, no original anywhere
5. label      what the caller asserted, and INTERNAL at least where something was replaced
"""

from __future__ import annotations

from collections import Counter

from ringfence.labels import Label, Level, join
from ringfence.recognize.fold import Folder
from ringfence.recognize.policy import DEFAULT, Policy
from ringfence.recognize.reserved import NEVER_REPLACED
from ringfenced.classify.leaves import leaves
from ringfenced.classify.verdict import Scan
from ringfenced.deidentify.gather import Gathered, gather
from ringfenced.deidentify.residual import look
from ringfenced.deidentify.rewrite import rewrite_prompt
from ringfenced.deidentify.rewriting import Rewriting
from ringfenced.deidentify.surrogates import Surrogates
from ringfenced.deidentify.values import PASS, Deidentified, Mapping, ResidualFindings
from ringfenced.model import Located, Prompt

REPLACED = Label(Level.INTERNAL)
"""The least label of a prompt in which something was replaced: it is still about somebody."""
ROUNDS_MAX = 4
"""How often a prompt is rewritten and scanned. A recogniser that finds more each time is not followed for ever."""


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
        ResidualFindings: a secret or an unreadable blob stands in it, a leaf cannot be read, or the scan of the result
            finds what is no surrogate.

    Does not look into images and files without text: these make `label_asserted` RESTRICTED, and that stays.
    """
    gathered = gather(prompt, findings, scan, policy)
    secrets = Counter(entity_type for entity_type, _ in gathered.values if entity_type in NEVER_REPLACED)
    if secrets:
        raise ResidualFindings(secrets)
    made, surrogates = _rounds(prompt, gathered, seed, scan, policy)
    given = (entry.finding for entry in findings)
    label_before = join((label_asserted, policy.label_of([*given, *gathered.findings])))
    label = join((label_asserted, REPLACED)) if surrogates.placed else label_asserted
    mapping = Mapping(
        surrogates.originals,
        surrogates.dates,
        surrogates.people(),
        [leaf.text for leaf in leaves(made, {}) if leaf.counted],
        day_first=surrogates.day_first,
    )
    return Deidentified(made, label, label_before, PASS), mapping


def _rounds(prompt: Prompt, gathered: Gathered, seed: bytes, scan: Scan, policy: Policy) -> tuple[Prompt, Surrogates]:
    """Steps 2 to 4."""
    folder = Folder()
    avoid: set[str] = set()
    plain: set[tuple[str, str]] = set()
    counts: Counter[str] = Counter()
    for round_number in range(ROUNDS_MAX):
        rewriting = Rewriting(gathered, folder, seed, avoid, plain)
        made = rewrite_prompt(prompt, rewriting.leaf, rewriting.parts)
        left = look(prompt, made, scan, policy, rewriting)
        if not left.counts:
            return made, rewriting.surrogates
        counts = left.counts
        if not left.learn(gathered, rewriting.surrogates, avoid, plain, round_number):
            break
    raise ResidualFindings(counts)
