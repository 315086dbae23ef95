"""The everyday table of a site's configuration: what it forbids, written as Cedar, and what a request may cost at most.

One engine decides: a row of the table is a ``forbid`` like any other, with the row's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.labels import Level
from ringfenced.inputs import Asked
from ringfenced.policy.memory import Remembered
from ringfenced.policy.text import Source

TABLE: Final = "[[policy.rules]]"
"""What the table is called as a source of policies."""
_KEPT_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it speaks of may go to nothing but what it leaves. Whatever is empty or None says nothing."""

    name: str
    """Its name."""
    callers: frozenset[str] = frozenset()
    """Of these identities."""
    departments: frozenset[str] = frozenset()
    """Of these departments; with `callers`, whoever is either."""
    tasks: frozenset[str] = frozenset()
    """Work that the caller calls so."""
    sources: frozenset[str] = frozenset()
    """What comes from these systems."""
    findings: frozenset[str] = frozenset()
    """Requests in which any of these types was found."""
    level_min: Level | None = None
    """At least so sensitive."""
    categories: frozenset[str] = frozenset()
    """With any of these."""
    sent: bool = False
    """Level and categories are what de-identification leaves; what the request is otherwise."""
    only_site: bool = False
    """It leaves the models of the site."""
    only_providers: frozenset[str] = frozenset()
    """It leaves these providers, and the site."""
    only_regions: frozenset[str] = frozenset()
    """It leaves providers in these regions, and the site."""
    only_contracts: frozenset[str] = frozenset()
    """It leaves providers with one of these contracts, and the site."""
    only_models: frozenset[str] = frozenset()
    """It leaves these models alone, by the names that decisions print."""


def cedar(rows: Iterable[Row]) -> Source:
    """The rows as policies."""
    return Source(TABLE, "\n".join(_forbid(row, who) for row in rows for who in _heads(row)))


def _heads(row: Row) -> list[str]:
    """Of whom a row speaks: a policy each, so that nobody else's requests meet it."""
    heads = [f"principal == Caller::{_text(one)}" for one in sorted(row.callers)]
    heads += [f"principal in Department::{_text(one)}" for one in sorted(row.departments)]
    return heads or ["principal"]


def _forbid(row: Row, who: str) -> str:
    said = list(_conditions(row))
    left = list(_left(row))
    lines = [f"@id({_text(row.name)})", f"forbid({who}, action, resource)"]
    if said:
        lines.append(f"when {{ {' && '.join(said)} }}")
    if left:
        lines.append(f"unless {{ {' && '.join(left)} }}")
    return "\n".join(lines) + ";\n"


def _conditions(row: Row) -> Iterator[str]:
    """What a row speaks of."""
    for field, names in (("task", row.tasks), ("source", row.sources)):
        if names:
            yield f"{_set(names)}.contains(context.{field})"
    if row.findings:
        yield f"context.findings.containsAny({_set(row.findings)})"
    label = "" if row.sent else "_before"
    if row.level_min is not None:
        yield f"context.level{label}_rank >= {int(row.level_min)}"
    if row.categories:
        yield f"context.categories{label}.containsAny({_set(row.categories)})"


def _left(row: Row) -> Iterator[str]:
    """What a row leaves: whatever stands here must all hold."""
    if row.only_site:
        yield 'resource.kind != "provider"'
    for field, names in (("region", row.only_regions), ("contract", row.only_contracts)):
        if names:
            yield f'(resource.kind != "provider" || {_set(names)}.contains(resource.{field}))'
    if row.only_providers:
        named = ", ".join(f"Provider::{_text(one)}" for one in sorted(row.only_providers))
        yield f'(resource.kind != "provider" || resource in [{named}])'
    if row.only_models:
        yield f"resource in [{', '.join(f'Model::{_text(one)}' for one in sorted(row.only_models))}]"


def _set(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, sorted(names)))}]"


def _text(value: str) -> str:
    """A string literal (https://docs.cedarpolicy.com/policies/syntax-grammar.html)."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in quoted) + '"'


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Most that a request may cost, and climb; empty fields mean everybody's."""

    caller: str = ""
    """Of this identity."""
    department: str = ""
    """Of this department."""
    task: str = ""
    """Of work that the caller calls so."""
    cost_microcredits_max: int | None = None
    """On the whole request; None for none."""
    ladder_length_max: int | None = None
    """Most rungs; None for none."""

    def is_for(self, asked: Asked) -> bool:
        """Whether it holds for a request."""
        pairs = ((self.caller, asked.caller), (self.department, asked.department), (self.task, asked.task))
        return all(mine in {"", its} for mine, its in pairs)


class Ceilings:
    """All of a site's; the lowest of those that hold counts."""

    def __init__(self, ceilings: Sequence[Ceiling]) -> None:
        """Take them."""
        self._ceilings = tuple(ceilings)
        self._tasks = {one.task for one in ceilings}
        self._kept: Remembered[tuple[str, str, str], tuple[int | None, int | None]] = Remembered(_KEPT_MAX)

    def of(self, asked: Asked) -> tuple[int | None, int | None]:
        """Most microcredits and most rungs for a request; None for no ceiling."""
        if not self._ceilings:
            return None, None
        key = (asked.caller, asked.department, asked.task if asked.task in self._tasks else "")
        known = self._kept.get(key)
        return self._kept.put(key, self._lowest(asked)) if known is None else known

    def _lowest(self, asked: Asked) -> tuple[int | None, int | None]:
        held = [one for one in self._ceilings if one.is_for(asked)]
        costs = [one.cost_microcredits_max for one in held if one.cost_microcredits_max is not None]
        lengths = [one.ladder_length_max for one in held if one.ladder_length_max is not None]
        return min(costs, default=None), min(lengths, default=None)
