"""What an evaluator is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ringfenced.model import Answer, Finish, Image, Prompt, Role

AGREEMENT = "agreement"
"""Whose word it is that two rungs came to the same: the evaluator's name in verdicts."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question and the answer that is judged."""

    prompt: Prompt = field(repr=False)
    """What was asked, as the caller asked it: identifiers included."""
    answer: Answer = field(repr=False)
    """What was answered, identifiers included."""
    finish: Finish
    """How the answer ended."""

    @property
    def chars(self) -> int:
        """Code points of question and answer together: how long reading them takes."""
        asked = sum(len(text) for text in self.texts())
        called = sum(len(call.arguments_json) for call in self.answer.tool_calls)
        return asked + len(self.answer.text) + called

    def texts(self, *roles: Role) -> tuple[str, ...]:
        """The readable parts of the messages of `roles`, of all messages where none is named."""
        return tuple(
            part.text
            for message in self.prompt.messages
            if not roles or message.role in roles
            for part in message.parts
            if not isinstance(part, Image) and part.text
        )


def question_of(prompt: Prompt) -> str:
    """What the last message of a user says; empty where there is none."""
    asked = [message for message in prompt.messages if message.role is Role.USER]
    parts = asked[-1].parts if asked else ()
    return "\n".join(part.text for part in parts if not isinstance(part, Image) and part.text)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one evaluator says of an answer."""

    score: float
    """How good it is, 0 to 1; what that means is each evaluator's own."""
    reason: str = ""
    """Why it is not better, for people, in words of ours: nothing of question or answer. Empty for 1."""
    read: bytes = field(default=b"", repr=False)
    """What was read of the answer, to learn from it (`model.Read.features`); empty for nothing."""


FLAWLESS = Opinion(1.0)
"""Nothing was found wrong."""

Evaluate = Callable[[Case], Opinion | None]
"""Judges an answer without asking anybody: pure, in time linear in its length. None where it has nothing to say of such
an answer, for example of calculations where there is none."""


class NotEvaluatedError(Exception):
    """An answer that cannot be judged within bounds; says why, without content."""
