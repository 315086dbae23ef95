"""Whether two answers to a question come to the same, and how many of several do."""

from __future__ import annotations

from collections.abc import Sequence

from ringfenced.evaluate.case import FLAWLESS, Opinion, question_of
from ringfenced.evaluate.schema import parsed
from ringfenced.learn.answers import agrees
from ringfenced.model import Answer, Prompt, ToolCall


def same(prompt: Prompt, one: Answer, other: Answer) -> bool | None:
    """Whether two answers come to the same: the same calls, the same document, the same final value.

    None where that cannot be told, as of prose and code.
    """
    if one.tool_calls or other.tool_calls:
        return _calls(one.tool_calls) == _calls(other.tool_calls)
    documents = [_document(answer.text) for answer in (one, other)]
    if None not in documents:
        return documents[0] == documents[1]
    return agrees(question_of(prompt), one.text, other.text)


def share(prompt: Prompt, answer: Answer, samples: Sequence[Answer]) -> Opinion | None:
    """The share of `samples` that come to the same as `answer`; nothing to say where that cannot be told."""
    told = [agreed for sample in samples if (agreed := same(prompt, answer, sample)) is not None]
    if not told:
        return None
    agreeing = sum(told)
    if agreeing == len(told):
        return FLAWLESS
    return Opinion(
        agreeing / len(told), f"{len(told) - agreeing} of {len(told)} further answers came to something else"
    )


def _document(text: str) -> object | None:
    """A JSON object or array; None for anything else."""
    try:
        document = parsed(text)
    except ValueError:
        return None
    return document if isinstance(document, dict | list) else None


def _calls(calls: Sequence[ToolCall]) -> list[tuple[str, object]]:
    return [(call.name, _document(call.arguments_json) or call.arguments_json.strip()) for call in calls]
