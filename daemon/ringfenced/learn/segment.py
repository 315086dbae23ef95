"""Which kind of request one is: what the guard and the mean qualities go by."""

from __future__ import annotations

import re
from typing import Final

from ringfenced.inputs import Ability, Asked

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._:/-][A-Za-z0-9]+)*")
"""What a task's name looks like that is kept as it is: words of a program's, not of a person's."""

DIGITS: Final = re.compile(r"\d[^A-Za-z]*\d[^A-Za-z]*\d[^A-Za-z]*\d")
"""Four digits with nothing but marks between them: a date, a number of a record, an account."""

NAME_CHARS_MAX: Final = 64
"""Longest name of a task that is kept as it is, in characters."""

SHORT_CHARS: Final = 400
LONG_CHARS: Final = 4000
"""Bounds between short, middling and long prompts, in code points."""

FORMS: Final = (
    (Ability.IMAGES, "~images"),
    (Ability.TOOLS, "~tools"),
    (Ability.JSON_SCHEMA, "~schema"),
    (Ability.GRAMMAR, "~schema"),
)
"""Kinds of requests without a task, by what they need of a target; the first that applies."""


def is_plain_name(task: str) -> bool:
    """Whether a task's name may be kept as it is.

    A name is the caller's word, and a caller may put anything there: what does not look like a program's word, or could
    be a number of a person's, is kept as a keyed hash instead.
    """
    return len(task) <= NAME_CHARS_MAX and NAME.fullmatch(task) is not None and DIGITS.search(task) is None


def may_keep_name(asked: Asked) -> bool:
    """Whether a request's task may be kept by its name: it looks like one, and no recogniser finds anything in it.

    A first name is a word like any program's, so that its form alone does not tell.
    """
    return not asked.task_found and is_plain_name(asked.task)


def form_of(asked: Asked) -> str:
    """The coarse kind of a request that names no task: what it needs, else how long it is."""
    for ability, name in FORMS:
        if ability in asked.needs:
            return name
    if asked.prompt_chars < SHORT_CHARS:
        return "~short"
    return "~middling" if asked.prompt_chars < LONG_CHARS else "~long"
