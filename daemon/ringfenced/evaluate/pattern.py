"""Whether an answer has what a site's regular expressions demand, and nothing that they forbid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import re2

from ringfenced.evaluate.case import FLAWLESS, Case, Evaluate, Opinion

PATTERN_BYTES_MAX = 1 << 20
"""Memory of one compiled expression; one that needs more is refused. RE2's own bound is 8 MB."""
PATTERN_CHARS_MAX = 4096
"""Longest expression."""


def wrong(expression: str) -> str:
    """What is wrong with an expression; empty where nothing is."""
    if len(expression) > PATTERN_CHARS_MAX:
        return f"longer than {PATTERN_CHARS_MAX} characters; write several"
    try:
        _search(expression)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return f"not an expression that RE2 reads: {said.partition(':')[0]}"
    return ""


def pattern(must: Sequence[str], must_not: Sequence[str]) -> Evaluate:
    """An evaluator for RE2 expressions, which are searched for in the answer's text.

    Args:
        must: each has to be found.
        must_not: none may be found.

    Returns:
        1 where that is so, 0 otherwise; it has nothing to say of an answer that only calls tools.

    Raises:
        re2.error: one is no expression; `wrong` says which.
    """
    demanded, forbidden = [_search(one) for one in must], [_search(one) for one in must_not]

    def evaluate(case: Case) -> Opinion | None:
        text = case.answer.text
        if case.answer.tool_calls and not text.strip():
            return None
        missing = sum(not search(text) for search in demanded)
        present = sum(bool(search(text)) for search in forbidden)
        if missing:
            return Opinion(0.0, f"{missing} of {len(demanded)} expressions that it must have are missing")
        if present:
            return Opinion(0.0, f"{present} of {len(forbidden)} expressions that it must not have are there")
        return FLAWLESS

    return evaluate


def _search(expression: str) -> Callable[[str], Any]:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES_MAX
    search: Callable[[str], Any] = re2.compile(expression, options).search  # type: ignore[no-untyped-call]  # no types
    return search
