"""A request and what it was found to be, as the one value without content that decisions are made from."""

from __future__ import annotations

from collections.abc import Collection

from ringfence.labels import Label, Level, join
from ringfenced.classify.leaves import TASK
from ringfenced.classify.verdict import RECOGNISER
from ringfenced.inputs import Ability, Asked
from ringfenced.model import Caller, Classification, Contributor, Image, Prompt, Request, ToolMode

TOKENS_DEFAULT_MAX = 512
"""Bound on an answer whose request names none: an unbounded answer could not be priced before it runs."""

DEIDENTIFIED = Label(Level.INTERNAL)
"""What de-identified content is at least: no identifiers, but still about a site's own affairs."""


def asked_of(
    request: Request, caller: Caller, classification: Classification, earlier: Collection[str] = frozenset()
) -> Asked:
    """What decides where a request goes; nothing of what it says.

    Args:
        request: valid in itself.
        caller: who asks.
        classification: of the request.
        earlier: sources of earlier turns of its conversation, or steps of its run.
    """
    return Asked(
        caller=caller.identity,
        department=caller.department,
        tenant=caller.tenant,
        roles=caller.roles,
        model=request.model,
        task=request.task,
        permission=request.permission,
        quality_min=request.quality_min,
        needs=_needs(request.prompt),
        inputs=len(request.prompt.messages) if request.prompt.embeds else 1,
        prompt_chars=classification.prompt_chars,
        tokens_max=tokens_max(request),
        priority=request.priority,
        label=classification.label,
        label_deidentified=label_deidentified(classification),
        lowered=bool(classification.findings) or classification.label != classification.label_asserted,
        findings=frozenset(classification.findings_by_type()),
        sources=sources_of(request.source, caller, earlier),
        evaluators=request.evaluators,
        schema_checked=bool(request.prompt.json_schema),
        task_found=bool(request.task) and _is_found(classification),
    )


def sources_of(named: str, caller: Caller, earlier: Collection[str] = frozenset()) -> tuple[str, ...]:
    """Where a request comes from: to name a source, or none, hides none that its caller or its conversation has.

    Args:
        named: the source that the request names; empty for none.
        caller: who asks.
        earlier: sources of the turns before; never empty names.

    Returns:
        Sorted. Where only earlier turns had one, the request's own is among them as an empty name: what is allowed to
        those alone is not allowed to it.
    """
    own = {named, caller.source} - {""}
    if earlier and not own:
        own = {""}
    return tuple(sorted(own.union(earlier)))


def tokens_max(request: Request) -> int:
    """Upper bound on the answer's tokens."""
    if request.prompt.embeds:
        return 0
    return request.prompt.sampling.tokens_max or TOKENS_DEFAULT_MAX


def label_deidentified(classification: Classification) -> Label:
    """The label that de-identification leaves, if it leaves no residual finding: what was asserted stays."""
    if classification.label == classification.label_asserted:
        return classification.label
    return join((classification.label_asserted, DEIDENTIFIED))


def _is_found(classification: Classification) -> bool:
    """Whether something was found in the task's name; where a leaf could not be read, it may have been that one."""
    return any(located.path == TASK for located in classification.findings) or any(
        one.contributor is Contributor.UNREADABLE and one.name == RECOGNISER for one in classification.contributions
    )


def _needs(prompt: Prompt) -> frozenset[Ability]:
    """What a target must be able to do."""
    if prompt.embeds:
        return frozenset({Ability.EMBEDDINGS})
    needed = (
        (Ability.TEXT, True),
        (Ability.TOOLS, bool(prompt.tools) and prompt.tool_mode is not ToolMode.NONE),
        (Ability.JSON_SCHEMA, bool(prompt.json_schema)),
        (Ability.GRAMMAR, bool(prompt.grammar)),
        (Ability.LOGPROBS, prompt.sampling.logprobs is not None),
        (Ability.IMAGES, any(isinstance(part, Image) for turn in prompt.messages for part in turn.parts)),
    )
    return frozenset(ability for ability, is_needed in needed if is_needed)
