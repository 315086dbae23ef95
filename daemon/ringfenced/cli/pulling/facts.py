"""Reads JSON of a stranger: what is missing or of another kind is a failure with the place, never a crash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ringfenced.cli.exits import ExitCode, Failure


@dataclass(frozen=True, slots=True)
class Facts:
    """A JSON value, and where it came from."""

    value: Any
    """What it is."""
    where: str
    """For messages."""

    @classmethod
    def read(cls, data: bytes, where: str) -> Facts:
        """The value of a text.

        Raises:
            Failure: it is no JSON.
        """
        try:
            return cls(json.loads(data), where)
        except (ValueError, RecursionError):
            raise Failure(f"{where} answers something that is no JSON", code=ExitCode.INVALID) from None

    def get(self, key: str) -> Facts:
        """A field; a value of None where there is none."""
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Facts(inner, f"{self.where}: {key}")

    def items(self) -> tuple[Facts, ...]:
        """The items of a list; none where it is none."""
        values = self.value if isinstance(self.value, list) else []
        return tuple(Facts(each, f"{self.where}[{index}]") for index, each in enumerate(values))

    def text(self) -> str:
        """A text; Failure where it is none."""
        if isinstance(self.value, str):
            return self.value
        raise self._failure("text")

    def text_or(self, default: str = "") -> str:
        """A text; the default where it is none."""
        return self.value if isinstance(self.value, str) else default

    def count(self) -> int:
        """A whole number of 0 or more; Failure where it is none."""
        if isinstance(self.value, int) and not isinstance(self.value, bool) and self.value >= 0:
            return self.value
        raise self._failure("whole number")

    def _failure(self, kind: str) -> Failure:
        return Failure(f"{self.where} is no {kind}", code=ExitCode.INVALID, advice=("is that the right server?",))
