"""What providers say, as values that can be passed on: SDKs read loosely, so that anything may stand anywhere. Pure.

Each raises TypeError or ValueError for what it cannot be, which `failures.answering` turns into ``bad_answer``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from ringfence_agent.providers import TextDelta, ToolCallDelta

_CALLS_MAX: Final = 1024
"""No answer makes more calls of tools."""
_TOKENS_MAX: Final = 2**31 - 1
_DIMENSIONS_MAX: Final = 65_536
"""No model gives longer vectors."""


def text_piece(said: object) -> TextDelta:
    """A piece of text."""
    return TextDelta(text(said))


def call_piece(position: object, call_id: object, name: object, arguments: object) -> ToolCallDelta:
    """A piece of a tool call; what is not said of it is empty."""
    if not isinstance(position, int) or not 0 <= position < _CALLS_MAX:
        raise ValueError("a call's place is none")
    return ToolCallDelta(position, text(call_id or ""), text(name or ""), text(arguments or ""))


def text(said: object) -> str:
    """A string without halves of characters, which a JSON escape can write and no message of ours can hold."""
    if not isinstance(said, str):
        raise TypeError("a text is none")
    return said.encode(errors="replace").decode()


def tokens(said: object) -> int:
    """A number of tokens; 0 where the provider gives none that can be."""
    return said if isinstance(said, int) and 0 <= said <= _TOKENS_MAX else 0


def vectors(said: Sequence[Sequence[Any]], count: int) -> tuple[tuple[float, ...], ...]:
    """`count` vectors of the same length, all of them finite numbers."""
    made = tuple(tuple(float(value) for value in one) for one in said)
    lengths = {len(one) for one in made}
    if len(made) != count or len(lengths) != 1 or not 0 < min(lengths) <= _DIMENSIONS_MAX:
        raise ValueError("there is not one vector for each text")
    if not all(math.isfinite(value) for one in made for value in one):
        raise ValueError("a vector holds what is no number")
    return made
