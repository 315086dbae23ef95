"""Whether an answer has the form of one: not too short or long, no refusal, in the right language, not in a loop."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ringfenced.evaluate.case import FLAWLESS, Case, Evaluate, Opinion, question_of
from ringfenced.evaluate.languages import language_of

REPETITION_WORDS = 6
"""Words of a run that counts as repeated; shorter ones recur in good prose."""
WORDS_MIN = 60
"""Words an answer needs before it can be in a loop."""
REFUSAL_CHARS = 240
"""Characters at the beginning in which a refusal stands."""

_REFUSAL = re.compile(
    r"\b(?:"
    r"(?:i am|i'm) (?:sorry|unable|not able|afraid)|i (?:can ?not|can't|won't|will not|am not able to) "
    r"(?:help|assist|provide|answer|do that|comply|fulfil)|as an ai\b|unable to (?:help|assist|comply)"
    r"|(?:es )?tut mir leid|ich kann (?:ihnen |dir |das |dabei |hier )?(?:leider )?nicht|als ki\b"
    r"|je (?:suis désolé|ne peux pas|ne suis pas en mesure)|lo siento|no puedo (?:ayudar|proporcionar|responder)"
    r"|mi dispiace|non posso (?:aiutar|fornire|rispondere))",
    re.IGNORECASE,
)
"""How models say no, in the five languages of `languages`; a heuristic, so that it is asked for by name."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer must look like."""

    chars_min: int = 1
    """Code points that it has at least."""
    chars_max: int = 0
    """Code points that it has at most; 0 for any number."""
    language: str = ""
    """ISO 639-1 code of its language, ``same`` for the question's; empty for any."""
    refuses: bool = False
    """Whether it may refuse."""
    repetition_max: float = 0.5
    """Share of it that may be a repetition of itself."""


def form(wanted: Form) -> Evaluate:
    """An evaluator of the form of answers: 1 where all is as `wanted`, 0 otherwise.

    It has nothing to say of an answer that only calls tools. A language that cannot be told is no fault.
    """

    def evaluate(case: Case) -> Opinion | None:
        text = case.answer.text.strip()
        if case.answer.tool_calls and not text:
            return None
        reason = _length(text, wanted) or _content(text, case, wanted)
        return Opinion(0.0, reason) if reason else FLAWLESS

    return evaluate


def repetition(text: str) -> float:
    """Share of the runs of six words that stood in the text before: near 1 where a model is in a loop."""
    words = _WORD.findall(text.casefold())
    if len(words) < WORDS_MIN:
        return 0.0
    runs = Counter(zip(*(words[start:] for start in range(REPETITION_WORDS)), strict=False))
    return 1 - len(runs) / runs.total()


def _length(text: str, wanted: Form) -> str:
    if len(text) < wanted.chars_min:
        return f"it has {len(text)} characters, at least {wanted.chars_min} are wanted"
    if wanted.chars_max and len(text) > wanted.chars_max:
        return f"it has {len(text)} characters, at most {wanted.chars_max} are wanted"
    return ""


def _content(text: str, case: Case, wanted: Form) -> str:
    if not wanted.refuses and _REFUSAL.search(text[:REFUSAL_CHARS].replace("’", "'")):  # noqa: RUF001
        return "it refuses"
    if (share := repetition(text)) > wanted.repetition_max:
        return f"{share:.0%} of it repeats itself"
    expected = language_of(question_of(case.prompt)) if wanted.language == "same" else wanted.language
    if expected and (found := language_of(text)) and found != expected:
        return f"it is in {found}, not in {expected}"
    return ""
