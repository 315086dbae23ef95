"""What a policy's conditions can see: only that can make them come out differently.

Two requests that look the same to every policy get the same ruling, and so do two targets. Policies are read from
Cedar's JSON; where a form is not known, the policy is taken to see more than it does, never less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ringfenced.policy.scopes import Uid

WHOLE = "*"
"""Stands for every attribute, where a policy takes the variable as a whole."""


@dataclass(slots=True)
class Sights:
    """What conditions see."""

    attributes: dict[str, set[str]] = field(default_factory=dict)
    """Variable (``principal``, ``action``, ``resource``, ``context``) to the attributes that are asked of it; also
    there, with none, where the variable is compared only."""
    literals: set[Uid] = field(default_factory=set)
    """Every entity that is named."""

    def add(self, node: Any) -> None:
        """See what an expression sees."""
        match node:
            case {"Var": str(variable)}:
                self._see(variable, WHOLE if variable == "context" else None)
            case {".": {"left": {"Var": str(variable)}, "attr": str(attribute)}}:
                self._see(variable, attribute)
            case {"has": {"left": {"Var": str(variable)}, "attr": str(attribute)}}:
                self._see(variable, attribute)
            case {"__entity": {"type": str(kind), "id": str(name)}}:
                self.literals.add(Uid(kind, name))
            case dict():
                for inner in node.values():
                    self.add(inner)
            case list():
                for inner in node:
                    self.add(inner)
            case _:
                pass

    def of(self, variable: str) -> frozenset[str]:
        """The attributes of a variable that are seen."""
        return frozenset(self.attributes.get(variable, ()))

    def _see(self, variable: str, attribute: str | None) -> None:
        seen = self.attributes.setdefault(variable, set())
        if attribute is not None:
            seen.add(attribute)
