"""Questions with answers, for who judges them."""

from __future__ import annotations

from ringfenced.evaluate import Case
from ringfenced.model import Answer, Finish, FinishReason, Message, Prompt, Role, Text, Usage


def prompt(question="What is it?", **fields):
    """A question as a prompt."""
    return Prompt((Message(Role.USER, (Text(question),)),), **fields)


def case(
    answer="", question="What is it?", *, calls=(), logprobs=(), logprob_min=None, reason=FinishReason.STOP, **asked
):
    """An answer to a question; `asked` are further fields of the prompt."""
    usage = Usage(1, 1, logprob_min=logprob_min)
    return Case(prompt(question, **asked), Answer(answer, tuple(calls), tuple(logprobs)), Finish(reason, usage))
