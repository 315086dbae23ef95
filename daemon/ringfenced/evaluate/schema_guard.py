"""JSON Schema (draft 2020-12) within bounds: jsonschema without its ways to the network, to eternity and to content.

Schema and document both come from outside. Three things of jsonschema 4 must not be met as they are:

- it fetches references that it does not know (``_warn_for_remote_retrieve``): here every such reference is unknown;
- ``pattern`` is Python's `re`, which can take exponential time and holds the interpreter meanwhile: here it is RE2;
- keywords that multiply (``anyOf`` in ``$ref`` in ``anyOf``, comparing all items with all) have no end: here each costs
  steps, and there are `STEPS_MAX`.

Nothing is kept between two calls: a schema may hold identifiers, and building its validator takes 0.1 ms.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import re2

from ringfenced.evaluate.case import NotEvaluatedError

STEPS_MAX = 30_000
"""Keywords that are asked in one check, long values counted several times: some 0.5 s of one core (2026)."""
CHARS_PER_STEP = 256
"""Characters of a value that count as a further step: an error's message repeats it."""
PATTERN_BYTES_MAX = 1 << 20
"""Memory of one compiled pattern; RE2's own bound is 8 MB."""

_BEYOND_US = ("unevaluatedProperties", "unevaluatedItems", "$dynamicRef")
"""Keywords that apply others in ways that the steps do not see."""

_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


class _Steps:
    """What is left of a check's steps."""

    def __init__(self, document: object) -> None:
        self._left = STEPS_MAX
        self._sizes: dict[int, int] = {}
        self._measure(document)

    def _measure(self, value: object) -> int:
        """Characters of a value, about; of those that hold others, by identity."""
        if isinstance(value, dict):
            size = sum(len(key) + self._measure(inner) for key, inner in value.items()) + 2
        elif isinstance(value, list):
            size = sum(map(self._measure, value)) + 2
        else:
            return len(value) if isinstance(value, str) else 8
        self._sizes[id(value)] = size
        return size

    def take(self, value: object, instance: object) -> None:
        """Pay for one keyword.

        Raises:
            NotEvaluatedError: nothing is left.
        """
        size = len(instance) if isinstance(instance, str) else self._sizes.get(id(instance), 0)
        width = len(value) if isinstance(value, dict | list) else 0
        self._left -= 1 + width + size // CHARS_PER_STEP
        if self._left < 0:
            raise NotEvaluatedError("its schema takes too many steps")


_STEPS: ContextVar[_Steps] = ContextVar("steps")


def failing(schema_json: str, document: object) -> str:
    """The keyword of the schema that `document` fails; empty where it keeps to all.

    Args:
        schema_json: a JSON Schema that passed the door (`ringfenced.api.decode.check_schema`).
        document: what `json.loads` made of a text.

    Raises:
        NotEvaluatedError: the schema refers to what is not in it, uses a keyword that cannot be bounded, or takes too
            long.
    """
    import jsonschema  # noqa: PLC0415 - it takes 15 MB, and most requests have no schema
    import referencing  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        schema = json.loads(schema_json)
        written = json.dumps(schema)  # anew, for a keyword may be written with escapes
    except RecursionError:
        raise NotEvaluatedError("its schema cannot be followed") from None
    if any(f'"{keyword}"' in written for keyword in _BEYOND_US):
        raise NotEvaluatedError("its schema has keywords that are not checked here")
    try:
        token = _STEPS.set(_Steps(document))
        try:
            validator = _validator_class()(schema, registry=referencing.Registry())
            error = next(validator.iter_errors(document), None)
        finally:
            _STEPS.reset(token)
    except (Unresolvable, RecursionError, re2.error, ArithmeticError, jsonschema.exceptions.UnknownType):
        raise NotEvaluatedError("its schema cannot be followed") from None
    return "" if error is None else str(error.validator or "false")


@functools.cache
def _validator_class() -> Any:
    """The validator of jsonschema with every keyword counted, and those replaced that are not safe."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415

    keywords = {**Draft202012Validator.VALIDATORS, **_OURS}
    counted = {name: _counted(keyword) for name, keyword in keywords.items()}
    return validators.extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]  # its stubs have none


def _counted(keyword: _Keyword) -> _Keyword:
    def count(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any] | None:
        _STEPS.get().take(value, instance)
        return keyword(validator, value, instance, schema)

    return count


def _wrong() -> Iterator[Any]:
    from jsonschema import ValidationError  # noqa: PLC0415

    yield ValidationError("")


def _pattern(_: Any, value: str, instance: Any, __: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not _searches(value)(instance):
        yield from _wrong()


def _pattern_properties(validator: Any, value: Mapping[str, Any], instance: Any, _: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    steps = _STEPS.get()
    for pattern, subschema in value.items():
        search = _searches(pattern)
        for key, inner in instance.items():
            steps.take(None, key)
            if search(key):
                yield from validator.descend(inner, subschema)


def _additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    named, patterns, steps = schema.get("properties", {}), schema.get("patternProperties", {}), _STEPS.get()
    steps.take(patterns, None)
    searches = [_searches(pattern) for pattern in patterns]
    for key, inner in instance.items():
        if key not in named:
            steps.take(patterns, key)
        if key not in named and not any(search(key) for search in searches):
            yield from _wrong() if value is False else validator.descend(inner, value)


def _unique_items(_: Any, value: Any, instance: Any, __: Any) -> Iterator[Any]:
    if value and isinstance(instance, list) and len({_canonical(item) for item in instance}) < len(instance):
        yield from _wrong()


def _canonical(value: object) -> str:
    """The same for equal values: 1 and 1.0 are equal in JSON Schema, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    return json.dumps(value)


def _searches(pattern: str) -> Callable[[str], Any]:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES_MAX
    search: Callable[[str], Any] = re2.compile(pattern, options).search  # type: ignore[no-untyped-call]  # no types
    return search


_OURS: Mapping[str, _Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
