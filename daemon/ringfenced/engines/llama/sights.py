"""What a prompt with pictures is to those who read it, whatever library decodes them."""

from __future__ import annotations

from typing import Any, Protocol

PICTURES_MAX = 16
"""Most pictures in a prompt."""

PLACEHOLDER = -1
"""Stands in a prompt's tokens for each that a picture makes."""


class BadPicture(ValueError):
    """A picture that cannot be read or is over a bound."""


class Sight(Protocol):
    """What a picture is to the model: so many tokens in a row that have no numbers."""

    @property
    def tokens(self) -> int:
        """How many."""

    def decode(self, context: Any, position: int, sequence: int) -> bool:
        """Put the picture into the cache at a position of a sequence; return whether that went well."""


class PictureReader(Protocol):
    """Makes a model's pictures readable."""

    def read(self, data: bytes) -> list[int | Sight]:
        """Return what a picture is in a prompt: tokens and sights.

        Raises:
            BadPicture: it is none that can be read, or over a bound.
        """
