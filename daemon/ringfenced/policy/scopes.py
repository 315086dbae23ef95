"""Whom and what a policy's head speaks of, as an index: entity to the policies that can apply to it.

Sets of policies are whole numbers with a bit for each, so that thousands are joined and met in a few operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Uid(NamedTuple):
    """An entity's name in Cedar."""

    type: str
    id: str

    def json(self) -> dict[str, str]:
        """As Cedar's JSON has it."""
        return {"type": self.type, "id": self.id}


@dataclass(frozen=True, slots=True)
class Scope:
    """What one of the three places of a policy's head demands."""

    type: str | None = None
    """``is``: the entity's type; None for any."""
    equals: Uid | None = None
    """``==``: the entity; None for any."""
    within: tuple[Uid, ...] | None = None
    """``in``: the entity or one that it belongs to is one of these; None for any."""

    @classmethod
    def of(cls, head: Mapping[str, Any]) -> Scope:
        """Read Cedar's JSON.

        Raises:
            ValueError: it has a form that is not known here.
        """
        match head:
            case {"op": "All"}:
                return cls()
            case {"op": "==", "entity": entity}:
                return cls(equals=_uid(entity))
            case {"op": "in", "entity": entity}:
                return cls(within=(_uid(entity),))
            case {"op": "in", "entities": entities}:
                return cls(within=tuple(map(_uid, entities)))
            case {"op": "is", "entity_type": kind, "in": {"entity": entity}}:
                return cls(type=kind, within=(_uid(entity),))
            case {"op": "is", "entity_type": kind}:
                return cls(type=kind)
            case _:
                raise ValueError("a policy's head has a form that this version does not know")

    @property
    def is_open(self) -> bool:
        """Whether it demands nothing."""
        return self == Scope()

    def narrowed(self, variable: str, conditions: Sequence[Mapping[str, Any]]) -> Scope:
        """The same, narrowed by a condition that begins as a head might: ``when { principal in X && … }``.

        Where that is false, Cedar looks at nothing after it, so that the policy cannot apply, nor fail.
        """
        if not self.is_open or not conditions or conditions[0]["kind"] != "when":
            return self
        node = conditions[0]["body"]
        while "&&" in node:
            node = node["&&"]["left"]
        match node:
            case {"==": {"left": {"Var": str(name)}, "right": {"Value": {"__entity": entity}}}} if name == variable:
                return Scope(equals=_uid(entity))
            case {"in": {"left": {"Var": str(name)}, "right": {"Value": {"__entity": entity}}}} if name == variable:
                return Scope(within=(_uid(entity),))
            case _:
                return self

    def names(self) -> frozenset[Uid]:
        """Every entity that it names."""
        return frozenset((*(self.within or ()), *((self.equals,) if self.equals else ())))


class Index:
    """Which policies can apply to an entity, by one place of their heads."""

    def __init__(self, kind: str, scopes: Iterable[Scope]) -> None:
        """Index.

        Args:
            kind: the type of the entities that will be asked for.
            scopes: of each policy, in their order.
        """
        self._open = 0
        self._equals: dict[Uid, int] = {}
        self._within: dict[Uid, int] = {}
        for number, scope in enumerate(scopes):
            bit = 1 << number
            if scope.type is not None and scope.type != kind:
                continue
            if scope.equals is not None:
                self._equals[scope.equals] = self._equals.get(scope.equals, 0) | bit
            elif scope.within is not None:
                for one in scope.within:
                    self._within[one] = self._within.get(one, 0) | bit
            else:
                self._open |= bit

    def mask(self, entity: Uid, belongs_to: Iterable[Uid] = ()) -> int:
        """The policies that can apply to `entity`, which belongs to those entities, however far up."""
        found = self._open | self._equals.get(entity, 0)
        for one in (entity, *belongs_to):
            found |= self._within.get(one, 0)
        return found


def bits(mask: int) -> Iterable[int]:
    """The numbers of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _uid(entity: Mapping[str, str]) -> Uid:
    return Uid(entity["type"], entity["id"])
