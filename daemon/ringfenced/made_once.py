"""What is made of values that never change is made once; no result depends on its being remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class MadeOnce(Generic[Made]):
    """The last few values that were made of the same objects; by identity, because comparing would cost as much."""

    def __init__(self, make: Callable[..., Made], most: int) -> None:
        """Remember the last `most` values that `make` made."""
        self._make = make
        self._most = most
        self._made: OrderedDict[tuple[int, ...], tuple[tuple[object, ...], Made]] = OrderedDict()

    def of(self, *parts: object) -> Made:
        """What is made of `parts`, made once; they are held, so that nothing else can take their identities."""
        key = tuple(map(id, parts))
        found = self._made.get(key)
        if found is not None:
            return found[1]
        made = self._make(*parts)
        self._made[key] = parts, made
        if len(self._made) > self._most:
            self._made.popitem(last=False)
        return made
