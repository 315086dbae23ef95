"""Whether an answer is a JSON document that keeps to the schema that was asked for.

Also where the target's grammar should see to it: a provider may not, and an answer may be cut off.
"""

from __future__ import annotations

import json

from ringfenced.evaluate.case import FLAWLESS, Case, Opinion
from ringfenced.evaluate.schema_guard import failing


def evaluate(case: Case) -> Opinion | None:
    """1 for a document that keeps to the schema, 0 otherwise; nothing to say where no schema was asked for.

    An answer that calls tools has no text to judge.

    Raises:
        NotEvaluatedError: the schema cannot be followed within bounds.
    """
    schema = case.prompt.json_schema
    if not schema or (case.answer.tool_calls and not case.answer.text.strip()):
        return None
    try:
        document = parsed(case.answer.text)
    except ValueError:
        return Opinion(0.0, "the answer is no JSON document")
    keyword = failing(schema, document)
    return Opinion(0.0, f"the answer does not keep to its schema: {keyword} fails") if keyword else FLAWLESS


def parsed(text: str) -> object:
    """A JSON document (RFC 8259), strictly.

    Raises:
        ValueError: it is none; from None, because the original error holds the text.
    """
    try:
        document: object = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    return document


def _refuse(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")
