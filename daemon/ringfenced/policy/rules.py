"""Cedar text to rules: parsed once, validated against the schema that ships, with the place of everything wrong.

What does not parse or does not fit raises; nothing of it takes effect.

Source: https://docs.cedarpolicy.com (syntax, JSON format, validation).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import cedarpy

from ringfenced.policy.scopes import Scope
from ringfenced.policy.sights import Sights
from ringfenced.policy.text import (
    NESTED_MAX,
    OPERATORS_MAX,
    Place,
    Source,
    Statement,
    fault_place,
    named_offset,
    statements,
    too_deep,
)

POLICIES_MAX: Final = 20_000
"""Twice what decisions are measured with (`make bench-decide`)."""
_PROBLEMS_MAX: Final = 20
"""Further problems of one source are not told."""
_TOO_DEEP: Final = (
    f"nests deeper than {NESTED_MAX}, or has more than {OPERATORS_MAX} operators; make several policies of it, or "
    'compare with a set: ["a", "b"].contains(context.task)'
)
_AT_ONCE: Final = 32
"""Policies that Cedar writes as JSON in one call, which holds the interpreter: requests go on beside a reload."""
ID: Final = "policy"
"""What Cedar calls policies, with their number behind it."""
REQUESTS: Final = "schema"
PEOPLE: Final = "people"
"""The schemas that ship: what policies about requests see, and what policies about people's acts see."""


class PolicyError(ValueError):
    """Policies that cannot be used; the text has a line for each problem: file, line, column and what is wrong."""

    def __init__(self, problems: Iterable[tuple[Place, str]]) -> None:
        """Take each problem with its place."""
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{place}: {what}" for place, what in self.problems))


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy."""

    name: str
    """Its ``@id``; file and line where it has none."""
    forbids: bool
    """``forbid``; ``permit`` otherwise."""
    principal: Scope
    """Who asks, by its head."""
    action: Scope
    """What for."""
    resource: Scope
    """Where to."""
    conditions: tuple[Mapping[str, Any], ...]
    """Its ``when`` and ``unless`` in Cedar's JSON."""
    sights: Sights
    """What its conditions see."""
    statement: Statement
    """As it is written."""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.statement.place()


def parse(sources: Sequence[Source], schema: str = REQUESTS) -> tuple[Rule, ...]:
    """The policies of all sources, in their order.

    Args:
        sources: Cedar.
        schema: `REQUESTS` or `PEOPLE`: what they speak of.

    Raises:
        PolicyError: something does not parse, does not fit the schema, is a template, or there is too much.
    """
    problems: list[tuple[Place, str]] = []
    rules: list[Rule] = []
    for source in sources:
        try:
            rules += _rules(source, schema)
        except PolicyError as error:
            problems += error.problems
    if not problems and len(rules) > POLICIES_MAX:
        here = Place(sources[-1].name, 1, 1)
        problems.append((here, f"{len(rules)} policies; at most {POLICIES_MAX} are taken: say more with each"))
    if problems:
        raise PolicyError(problems)
    return tuple(rules)


@cache
def schema_text(schema: str = REQUESTS) -> str:
    """A schema, which ships with the package."""
    return resources.files("ringfenced.policy").joinpath(f"{schema}.cedarschema").read_text("utf-8")


@cache
def _schema(schema: str) -> cedarpy.Schema:
    return cedarpy.Schema.from_str(schema_text(schema))


def _rules(source: Source, schema: str) -> Iterator[Rule]:
    written = statements(source)
    if deep := [place for one in written if (place := too_deep(one)) is not None]:
        raise PolicyError([(place, _TOO_DEEP) for place in deep[:_PROBLEMS_MAX]])
    try:
        parsed = cedarpy.PolicySet.from_str(source.text, release_gil=True)
    except ValueError as error:
        raise PolicyError(_faults(source, written, str(error))) from None
    if parsed.templates():
        slots = [one for one in written if "?principal" in one.text or "?resource" in one.text]
        what = "a template, which nothing here fills in: write principal and resource"
        raise PolicyError([(one.place(), what) for one in slots[:_PROBLEMS_MAX]])
    _validate(source, written, schema)
    for start in range(0, len(written), _AT_ONCE):
        some = written[start : start + _AT_ONCE]
        listed = json.loads(cedarpy.policies_to_json_str("\n".join(one.text for one in some)))["staticPolicies"]
        for number, statement in enumerate(some):
            yield _rule(listed[f"{ID}{number}"], statement)


def _faults(source: Source, written: Sequence[Statement], told: str) -> Iterator[tuple[Place, str]]:
    """Each policy of a source that does not parse; what the parser told of the whole where all do."""
    found = 0
    for statement in written:
        if message := _fault(statement.text):
            yield fault_place(statement, message, _fault), _advice(message)
            found += 1
            if found == _PROBLEMS_MAX:
                return
    if not found:
        yield Place(source.name, 1, 1), told


def _fault(text: str) -> str:
    """What is wrong with a text; empty where nothing is."""
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return str(error)
    return ""


def _advice(message: str) -> str:
    if message == "unexpected end of input":
        return "the policy ends too soon; close it, with a semicolon last"
    return f"this is no Cedar: {message}"


def _validate(source: Source, written: Sequence[Statement], schema: str) -> None:
    result = cedarpy.validate_policies(source.text, _schema(schema), release_gil=True)
    if result.validation_passed:
        return
    problems: dict[Statement, tuple[Place, str]] = {}
    for error in result.errors:
        number = int(error.policy_id.removeprefix(ID) or 0)
        statement = written[number]
        what = error.error.partition("`, ")[2] or error.error
        offset = named_offset(statement, what) or 0
        if statement not in problems or offset:  # what follows from another problem names nothing in the text
            problems[statement] = statement.place(offset), f"{what}; docs/policy.md lists what policies see"
    if not problems:
        problems[written[0]] = written[0].place(), "Cedar refuses it and does not say why"
    raise PolicyError(list(problems.values())[:_PROBLEMS_MAX])


def _rule(parsed: Mapping[str, Any], statement: Statement) -> Rule:
    place = statement.place()
    sights = Sights()
    sights.add(parsed["conditions"])
    try:
        principal, action, resource = (
            Scope.of(parsed[part]).narrowed(part, parsed["conditions"]) for part in ("principal", "action", "resource")
        )
    except ValueError as error:
        raise PolicyError([(place, str(error))]) from None
    return Rule(
        name=parsed.get("annotations", {}).get("id") or f"{place.source.rpartition('/')[2]}:{place.line}",
        forbids=parsed["effect"] == "forbid",
        principal=principal,
        action=action,
        resource=resource,
        conditions=tuple(parsed["conditions"]),
        sights=sights,
        statement=statement,
    )
