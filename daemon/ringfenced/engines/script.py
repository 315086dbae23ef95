"""What the scripted engine says: read from the last user message, else from the command line. Pure.

/script {"tokens": 20, "text": null, "interval_steps": 1, "first_ms": 0, "burst": 1, "logprob": -0.1,
         "crash_after": null, "hang_after": null}
/echo TEXT      the text again, token by token
/crash [N]      the process dies after N tokens (0)
/hang [N]       nothing more comes after N tokens (0)
/logprob X      the usual answer, with that lowest log-probability
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

PIECE_USUAL = " tok"
"""What the usual answer is made of."""

_WORD = re.compile(r"\s*\S+|\s+$")


class ScriptError(ValueError):
    """A directive that cannot be read; without its text."""


@dataclass(frozen=True, slots=True)
class Script:
    """How one answer comes."""

    tokens: int = 20
    """How many tokens of the usual answer."""
    text: str | None = None
    """Another answer than the usual one."""
    interval_steps: int = 1
    """Steps of the engine between two deltas."""
    first_ms: float = 0.0
    """Milliseconds until the first."""
    burst: int = 1
    """Tokens in a delta."""
    logprob: float = -0.1
    """Lowest log-probability that is reported."""
    crash_after: int | None = None
    """Tokens after which the process dies."""
    hang_after: int | None = None
    """Tokens after which nothing more comes."""

    def pieces(self) -> list[str]:
        """Return the answer's tokens."""
        return [PIECE_USUAL] * self.tokens if self.text is None else tokenize(self.text)


def tokenize(text: str) -> list[str]:
    """Cut a text into tokens: a word with the white space before it; joined they are the text again."""
    return _WORD.findall(text)


def read_script(text: str, usual: Script) -> Script:
    """Return how to answer a message.

    Args:
        text: the last user message.
        usual: the answer to one without a directive.

    Raises:
        ScriptError: it begins with a directive that cannot be read.
    """
    word, _, rest = text.partition(" ")
    read = _DIRECTIVES.get(word)
    if read is None:
        return usual
    try:
        return read(rest, usual)
    except (ValueError, TypeError) as error:
        raise ScriptError("a directive that cannot be read") from error


def _from_json(text: str, usual: Script) -> Script:
    values = json.loads(text)
    if not isinstance(values, dict) or not values.keys() <= {field.name for field in fields(Script)}:
        raise ScriptError("a script is an object with the fields of Script")
    script = replace(usual, **values)
    if script.tokens < 0 or script.interval_steps < 1 or script.burst < 1:
        raise ScriptError("tokens must not be negative; interval_steps and burst are at least 1")
    return script


_DIRECTIVES: Final[Mapping[str, Callable[[str, Script], Script]]] = {
    "/script": _from_json,
    "/echo": lambda rest, usual: replace(usual, text=rest),
    "/crash": lambda rest, usual: replace(usual, crash_after=int(rest or 0)),
    "/hang": lambda rest, usual: replace(usual, hang_after=int(rest or 0)),
    "/logprob": lambda rest, usual: replace(usual, logprob=float(rest)),
}
